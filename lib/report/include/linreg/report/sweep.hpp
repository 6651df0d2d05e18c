#pragma once

#include <cstdint>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>

namespace linreg::report {

/// One training run of a sweep over learning rates and batch sizes.
struct SweptRun {
  Settings settings;  ///< all of this run's, its lr and batch_size among them
  Run run;
  std::optional<double> stable_lr;  ///< the largest stable learning rate, where it is known
};

/// The first epoch, counted from 1, whose loss is not finite; nothing where all are.
std::optional<std::int64_t> diverged_at_epoch(const Run& run);

/// `x` down to two digits: a limit rounded up would lie beyond itself.
std::string rounded_down(double x);

/// The head of the table that the runs make, at most 80 columns wide, and a run's line in it: its
/// last loss or when it diverged, and the stable learning rate, marked "!" where its own is larger.
std::string sweep_head();
std::string to_text(const SweptRun& swept);

/// The run's JSON, led by "lr", "batch_size", "stable_lr" and "diverged_at_epoch".
nlohmann::ordered_json to_json(const SweptRun& swept);

}  // namespace linreg::report
