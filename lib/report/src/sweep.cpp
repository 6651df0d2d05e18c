#include "linreg/report/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace linreg::report {
namespace {

constexpr std::string_view row = "{:>11}{:>12}{:>23}{:>9}{:>11}{:>12}{}\n";

std::string outcome(const Run& run) {
  if (run.epoch_loss.empty()) return "no epoch";
  if (const auto epoch = diverged_at_epoch(run)) return fmt::format("diverged at epoch {}", *epoch);
  return fmt::format("{:.5g}", run.epoch_loss.back());
}

}  // namespace

std::optional<std::int64_t> diverged_at_epoch(const Run& run) {
  const auto finite = [](float loss) { return std::isfinite(loss); };
  const auto first = std::ranges::find_if_not(run.epoch_loss, finite);
  if (first == run.epoch_loss.end()) return std::nullopt;
  return first - run.epoch_loss.begin() + 1;
}

std::string rounded_down(double x) {
  const double unit = std::pow(10, std::floor(std::log10(x)) - 1);
  return fmt::format("{:.2g}", std::floor(x / unit) * unit);
}

std::string sweep_head() {
  return fmt::format(row, "lr", "batch size", "last loss", "steps", "time", "stable to", "");
}

std::string to_text(const SweptRun& swept) {
  const auto& [settings, run, stable_lr] = swept;
  return fmt::format(
      row, settings.lr,
      settings.batch_size == settings.examples ? "all" : fmt::to_string(settings.batch_size),
      outcome(run), run.steps, fmt::format("{:.1f} ms", run.train_seconds * 1e3),
      stable_lr ? rounded_down(*stable_lr) : "?",
      stable_lr && settings.lr > *stable_lr ? " !" : "");
}

nlohmann::ordered_json to_json(const SweptRun& swept) {
  nlohmann::ordered_json object;
  object["lr"] = swept.settings.lr;
  object["batch_size"] = swept.settings.batch_size;
  object["stable_lr"] = swept.stable_lr ? nlohmann::ordered_json(*swept.stable_lr) : nullptr;
  const auto epoch = diverged_at_epoch(swept.run);
  object["diverged_at_epoch"] = epoch ? nlohmann::ordered_json(*epoch) : nullptr;
  object.update(to_json(swept.run));
  return object;
}

}  // namespace linreg::report
