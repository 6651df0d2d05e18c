#include "linreg/report/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json number(double x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  return x;
}

ordered_json numbers(const auto& xs) {
  ordered_json array = ordered_json::array();
  for (const auto x : xs) array.push_back(number(x));
  return array;
}

const json& member(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) {
    throw std::invalid_argument(fmt::format("the record has no \"{}\"", key));
  }
  return object.at(key);
}

/// The value in a line: not what it holds in turn, which may be as deep or long as it likes.
std::string brief(const json& value) {
  if (value.is_structured()) return fmt::format("an {}", value.type_name());  // array or object
  const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

[[noreturn]] void refuse(const json& value, const char* key, const char* expected) {
  throw std::invalid_argument(
      fmt::format("the record's \"{}\" holds {}, but must hold {}", key, brief(value), expected));
}

double to_double(const json& value, const char* key) {
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  refuse(value, key, "a number, \"nan\", \"inf\" or \"-inf\"");
}

template <typename Number>
Number get_number(const json& object, const char* key) {
  return static_cast<Number>(to_double(member(object, key), key));
}

template <typename Number>
std::vector<Number> get_numbers(const json& object, const char* key) {
  const json& array = member(object, key);
  if (!array.is_array()) refuse(array, key, "a list of numbers");
  std::vector<Number> numbers;
  for (const json& value : array) numbers.push_back(static_cast<Number>(to_double(value, key)));
  return numbers;
}

std::int64_t get_integer(const json& object, const char* key) {
  const json& value = member(object, key);
  const bool fits = !value.is_number_unsigned() ||
                    value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
  if (!value.is_number_integer() || !fits) refuse(value, key, "an integer below 2^63");
  return value.get<std::int64_t>();
}

std::int64_t get_count(const json& object, const char* key) {
  const std::int64_t count = get_integer(object, key);
  if (count < 0) refuse(member(object, key), key, "no negative number");
  return count;
}

double get_seconds(const json& object, const char* key) {
  const auto seconds = get_number<double>(object, key);
  if (!(seconds >= 0) || std::isinf(seconds)) {
    refuse(member(object, key), key, "a finite number of seconds");
  }
  return seconds;
}

std::string get_string(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_string()) refuse(value, key, "a string");
  return value.get<std::string>();
}

/// A string that may be shown: it can't steer a terminal or fill it.
std::string get_name(const json& object, const char* key) {
  const std::string name = get_string(object, key);
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (name.size() > 100 || !std::ranges::all_of(name, is_printable)) {
    refuse(member(object, key), key, "at most 100 printable characters of ASCII");
  }
  return name;
}

Demo get_demo(const json& object, const char* key) {
  const auto demo = find_demo(get_string(object, key));
  if (!demo) refuse(member(object, key), key, "\"scratch\" or \"concise\"");
  return *demo;
}

Seed get_seed(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_number_unsigned()) return {value.get<std::uint64_t>(), false};
  if (!value.is_number_integer()) refuse(value, key, "an integer");
  return {0 - static_cast<std::uint64_t>(value.get<std::int64_t>()), true};
}

Engine get_engine(const json& object, const char* key) {
  if (!object.contains(key)) return Engine::autograd;  // PyTorch's programs have no other
  const auto engine = find_engine(get_string(object, key));
  if (!engine) refuse(member(object, key), key, "\"autograd\" or \"fused\"");
  return *engine;
}

}  // namespace

std::string to_string(Demo demo) { return demo == Demo::scratch ? "scratch" : "concise"; }

std::optional<Demo> find_demo(std::string_view name) {
  for (const Demo demo : {Demo::scratch, Demo::concise}) {
    if (name == to_string(demo)) return demo;
  }
  return std::nullopt;
}

std::string to_string(Engine engine) { return engine == Engine::autograd ? "autograd" : "fused"; }

std::optional<Engine> find_engine(std::string_view name) {
  for (const Engine engine : {Engine::autograd, Engine::fused}) {
    if (name == to_string(engine)) return engine;
  }
  return std::nullopt;
}

ordered_json to_json(const Settings& settings) {
  ordered_json object;
  if (settings.seed.negative) {
    object["seed"] = static_cast<std::int64_t>(settings.seed.bits());
  } else {
    object["seed"] = settings.seed.magnitude;
  }
  object["examples"] = settings.examples;
  object["true_w"] = numbers(settings.true_w);
  object["true_b"] = number(settings.true_b);
  object["noise"] = number(settings.noise);
  object["lr"] = number(settings.lr);
  object["epochs"] = settings.epochs;
  object["batch_size"] = settings.batch_size;
  object["init"] = settings.init;
  if (settings.look) object["look"] = true;
  return object;
}

ordered_json to_json(const Run& run) {
  ordered_json object;
  object["implementation"] = to_string(run.demo);
  object["framework"] = run.framework;
  object["version"] = run.version;
  object["epoch_loss"] = numbers(run.epoch_loss);
  object["w"] = numbers(run.w);
  object["b"] = number(run.b);
  object["w_error"] = numbers(run.w_error);
  object["b_error"] = number(run.b_error);
  object["steps"] = run.steps;
  object["train_seconds"] = number(run.train_seconds);
  object["engine"] = to_string(run.engine);
  return object;
}

Run run_from_json(const json& json) {
  return {
      .demo = get_demo(json, "implementation"),
      .engine = get_engine(json, "engine"),
      .framework = get_name(json, "framework"),
      .version = get_name(json, "version"),
      .epoch_loss = get_numbers<float>(json, "epoch_loss"),
      .w = get_numbers<float>(json, "w"),
      .b = get_number<float>(json, "b"),
      .w_error = get_numbers<float>(json, "w_error"),
      .b_error = get_number<float>(json, "b_error"),
      .steps = get_count(json, "steps"),
      .train_seconds = get_seconds(json, "train_seconds"),
  };
}

Settings settings_from_json(const json& json) {
  return {
      .seed = get_seed(json, "seed"),
      .examples = get_integer(json, "examples"),
      .true_w = get_numbers<double>(json, "true_w"),
      .true_b = get_number<double>(json, "true_b"),
      .noise = get_number<double>(json, "noise"),
      .lr = get_number<double>(json, "lr"),
      .epochs = get_integer(json, "epochs"),
      .batch_size = get_integer(json, "batch_size"),
      .init = get_string(json, "init"),
      .look = json.contains("look") && json["look"] == true,
  };
}

}  // namespace linreg::report
