#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/options.hpp"

namespace linreg::app {

struct SweepOptions {
  std::vector<double> lrs{0.001, 0.01, 0.03, 0.1, 1};
  std::vector<std::optional<std::int64_t>> batch_sizes{1, 10, 100, std::nullopt};  ///< empty: all
  Demo demo = Demo::scratch;  ///< the demo that trains
};

/// Adds the options that only `linreg sweep` has, and those that take lists there.
void add_sweep_options(CLI::App& command, SweepOptions& options);

/// `linreg sweep`: trains at every learning rate and batch size, and prints each result beside the
/// largest stable learning rate. Returns the exit status: a run that diverges is a result.
int sweep_command(const Options& options, const SweepOptions& sweep_options);

}  // namespace linreg::app
