#pragma once

#include "cli/options.hpp"

namespace linreg::app {

struct DataOptions {
  Demo loader = Demo::scratch;  ///< the demo whose loader reads the minibatch
};

/// Adds the option that only `linreg data` has.
void add_data_options(CLI::App& command, DataOptions& options);

/// `linreg data`: prints the first example, as the article's 3.2 would, and the first minibatch, as
/// its 3.3 or 4.2. Returns the exit status.
int data_command(const Options& options, const DataOptions& data_options);

}  // namespace linreg::app
