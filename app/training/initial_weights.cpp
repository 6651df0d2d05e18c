#include "training/initial_weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "system/usage_error.hpp"

namespace linreg::app {

std::string reason(const c10::Error& error, const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return "there is no such file";
  std::string what = error.what_without_backtrace();
  if (what.starts_with(path + ": ")) what.erase(0, path.size() + 2);
  return "it can't be read: " + what;
}

std::string fault_in(const pytorch::StateDict& state, std::int64_t num_features) {
  for (const auto& [name, shape] :
       {std::pair{"0.weight", std::vector{std::int64_t{1}, num_features}},
        std::pair{"0.bias", std::vector{std::int64_t{1}}}}) {
    const torch::Tensor* entry = state.find(name);
    if (entry == nullptr) {
      for (const std::string& key : state.keys()) {  // nn.DataParallel, torch.compile
        if (!key.ends_with(fmt::format(".{}", name))) continue;
        return fmt::format("it has no {}, but '{}': take the prefix '{}' off", name, key,
                           key.substr(0, key.size() - std::string_view(name).size()));
      }
      return fmt::format("it has no {}", name);
    }
    if (entry->sizes() != torch::IntArrayRef(shape)) {
      return fmt::format("its {} has shape ({})", name, fmt::join(entry->sizes(), ", "));
    }
    if (entry->scalar_type() != torch::kFloat) {
      return fmt::format("its {} is of dtype {}", name, c10::toString(entry->scalar_type()));
    }
  }
  for (const std::string& name : state.keys()) {
    if (name != "0.weight" && name != "0.bias") return fmt::format("it also has a '{}'", name);
  }
  return "";
}

std::optional<pytorch::StateDict> initial_state(const report::Settings& settings) {
  const std::string& init = settings.init;
  const auto num_features = static_cast<std::int64_t>(settings.true_w.size());
  if (init == "normal") return std::nullopt;

  pytorch::StateDict state;
  if (init == "zero") {
    state.insert("0.weight", torch::zeros({1, num_features}));
    state.insert("0.bias", torch::zeros(1));
    return state;
  }
  std::string why;
  try {
    state = pytorch::load_state_dict_file(init);
    why = fault_in(state, num_features);
    for (const auto& entry : state) {
      if (!why.empty() || entry.value().isfinite().all().item<bool>()) continue;
      why = fmt::format("its {} is not finite", entry.key());
    }
  } catch (const c10::Error& error) {
    why = reason(error, init);
  }
  if (!why.empty()) {
    throw UsageError(
        fmt::format("--init is '{}', but {}; it must be normal, zero, or a state_dict file with "
                    "0.weight (1, {}) and 0.bias (1), finite float32",
                    init, why, num_features));
  }
  return state;
}

}  // namespace linreg::app
