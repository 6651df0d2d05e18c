#include "training/divergence.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/run.hpp>
#include <linreg/report/sweep.hpp>
#include <optional>
#include <string>

#include "training/analysis.hpp"
#include "training/demo.hpp"

namespace linreg::app {
namespace {

/// The verdict on `lr`, given the largest stable learning rate where it is known.
std::string advice(double lr, std::optional<double> stable) {
  if (!stable) return "may be too large";
  if (lr > *stable) {
    return fmt::format("is too large, up to about {} is stable", report::rounded_down(*stable));
  }
  return "is small enough, but the numbers are too large for float32";
}

}  // namespace

std::string describe_divergence(const report::Settings& settings, const report::Run& run) {
  const auto epoch = report::diverged_at_epoch(run);
  if (!epoch) return "";

  report::Settings up_to_there = settings;
  up_to_there.epochs = *epoch;
  std::int64_t step = 0;  // over all epochs
  const auto is_finite = [&step](const torch::Tensor& l) {
    ++step;
    return l.isfinite().all().item<bool>();
  };
  const data::Examples examples = run_demo(run.demo, up_to_there, {}, is_finite).examples;
  const std::int64_t steps_in_epoch = settings.steps_per_epoch();
  return fmt::format(
      "the loss of {} is not finite from epoch {}, step {} on: --lr {} {}", to_string(run.demo),
      (step - 1) / steps_in_epoch + 1, (step - 1) % steps_in_epoch + 1, settings.lr,
      advice(settings.lr, stable_lr(run.demo, examples.features, settings.batch_size)));
}

}  // namespace linreg::app
