#include "training/checkpoint.hpp"

#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <cstdint>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/pytorch/random_state.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "cli/options.hpp"
#include "system/interrupt.hpp"
#include "training/initial_weights.hpp"

namespace linreg::app {
namespace {

using nlohmann::ordered_json;
using pytorch::Value;

/// The settings that the checkpoint keeps: all that its weights depend on. With fewer or more
/// epochs, they are those of the same training.
ordered_json kept(const report::Settings& settings) {
  ordered_json json = report::to_json(settings);
  json.erase("epochs");
  json.erase("look");
  json["seed"] = json["seed"].dump();                   // one of 64 bits is no std::int64_t
  json["init"] = utf8::replace_invalid(settings.init);  // a path need not be UTF-8
  return json;
}

Value to_value(const ordered_json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  Value::List items;
  for (const ordered_json& item : json) items.push_back(to_value(item));
  return items;
}

/// The number that Python holds as a float or an int.
ordered_json to_json(const Value& value) {
  if (value.is<Value::List>()) {
    ordered_json list = ordered_json::array();
    for (const Value& item : value.as<Value::List>()) list.push_back(to_json(item));
    return list;
  }
  if (value.is<std::int64_t>()) return value.as<std::int64_t>();
  if (value.is<double>()) return value.as<double>();
  return value.as<std::string>();
}

void check_settings(const Value& saved, const report::Settings& settings) {
  const ordered_json asked = kept(settings);
  for (const auto& [name, value] : asked.items()) {
    const ordered_json then = to_json(saved[name]);
    if (then == value) continue;
    std::string option = "--" + name;
    std::ranges::replace(option, '_', '-');
    const auto text = [](const ordered_json& json) {
      return json.is_string() ? json.get<std::string>() : json.dump();
    };
    throw UsageError(
        fmt::format("it was trained with {} {}, not {}", option, text(then), text(value)));
  }
}

Checkpoint checkpoint_from(const Value& value, Demo demo, const report::Settings& settings) {
  const auto& saved_demo = value["demo"].as<std::string>();
  if (saved_demo != report::to_string(demo)) {
    throw UsageError(fmt::format("it is a training of `linreg {}`", saved_demo));
  }
  check_settings(value["settings"], settings);
  Checkpoint checkpoint;
  for (const Value& loss : value["losses"].as<Value::List>()) {
    checkpoint.epoch_loss.push_back(static_cast<float>(loss.as<double>()));
  }
  const auto epochs = static_cast<std::int64_t>(checkpoint.epoch_loss.size());
  TORCH_CHECK(value["epoch"].as<std::int64_t>() == epochs, "it has ", epochs,
              " losses, and is at epoch ", value["epoch"].as<std::int64_t>());
  if (epochs > settings.epochs) {
    throw UsageError(fmt::format("it is at epoch {}, after --epochs {}", epochs, settings.epochs));
  }
  for (const auto& [key, tensor] : value["model_state_dict"].as<Value::Dict>()) {
    const auto* const name = std::get_if<std::string>(&key);
    TORCH_CHECK(name != nullptr, "in model_state_dict, a key is an integer");
    checkpoint.model.insert(*name, tensor.as<at::Tensor>());
  }
  const std::string fault =
      fault_in(checkpoint.model, static_cast<std::int64_t>(settings.true_w.size()));
  TORCH_CHECK(fault.empty(), "in model_state_dict, ", fault);
  checkpoint.torch_rng_state = value["torch_rng_state"].as<at::Tensor>();
  if (demo == Demo::scratch) {
    checkpoint.random.emplace(0);
    pytorch::setstate(*checkpoint.random, value["python_rng_state"]);
  }
  return checkpoint;
}

}  // namespace

void write_checkpoint(const std::string& path, Demo demo, const report::Settings& settings,
                      const Checkpoint& checkpoint) {
  Value::Dict model;
  for (const auto& entry : checkpoint.model) model.emplace_back(entry.key(), entry.value());
  const Value::List losses(checkpoint.epoch_loss.begin(), checkpoint.epoch_loss.end());
  const ordered_json now = kept(settings);
  Value::Dict kept_settings;
  for (const auto& [name, value] : now.items()) kept_settings.emplace_back(name, to_value(value));
  Value::Dict dict{{"demo", report::to_string(demo)},
                   {"epoch", checkpoint.epoch_loss.size()},
                   {"model_state_dict", model},
                   {"torch_rng_state", checkpoint.torch_rng_state},
                   {"python_rng_state",
                    checkpoint.random ? pytorch::getstate(*checkpoint.random) : pytorch::Value()},
                   {"losses", losses},
                   {"settings", kept_settings}};
  if (demo == Demo::concise) dict.emplace_back("optimizer_state_dict", checkpoint.optimizer);
  const DeferInterrupts until_written;
  pytorch::save_checkpoint(path, dict);
}

Checkpoint read_checkpoint(const std::string& path, Demo demo, const report::Settings& settings) {
  try {
    return checkpoint_from(pytorch::load_checkpoint(path), demo, settings);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("--resume is '{}', but {}", path, error.what()));
  } catch (const c10::Error& error) {
    throw UsageError(fmt::format("--resume is '{}', but must be a file of --checkpoint: {}", path,
                                 reason(error, path)));
  }
}

}  // namespace linreg::app
