#pragma once

#include <cstdint>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>

namespace linreg::report {

/// One training run of a sweep over learning rates and batch sizes.
struct SweptRun {
  Settings settings;  ///< this run's, with its lr and batch_size
  Run run;
  std::optional<double> stable_lr;  ///< the largest stable learning rate, if known
};

/// Returns the first epoch, counted from 1, whose loss is not finite, or nothing.
std::optional<std::int64_t> diverged_at_epoch(const Run& run);

/// Rounds a limit down to two digits, to stay below it.
std::string rounded_down(double x);

/// Return the head of a table of runs, at most 80 columns wide, and the line of a run: its last
/// loss or when it diverged, and the largest stable learning rate, marked "!" if its own is larger.
std::string sweep_head();
std::string to_text(const SweptRun& swept);

/// Returns the run's JSON, with "lr", "batch_size", "stable_lr" and "diverged_at_epoch" first.
nlohmann::ordered_json to_json(const SweptRun& swept);

}  // namespace linreg::report
