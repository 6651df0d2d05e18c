#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "demo.hpp"
#include "options.hpp"

namespace linreg::app {

/// `linreg scratch` and `linreg concise`: prints what the article's program prints. Returns the
/// exit status.
int train_command(const Options& options, RunDemo run_demo);

struct CompareOptions {
  std::optional<std::string>
      pytorch;  ///< the Python to run; the first that imports torch where empty
  std::chrono::seconds pytorch_timeout{600};
  bool verbose = false;
};

/// Gives `linreg compare` the options that only it has.
void add_compare_options(CLI::App& command, CompareOptions& options);

/// `linreg compare`: both demos in C++ beside both in PyTorch. Returns the exit status.
int compare_command(const Options& options, const CompareOptions& compare_options);

}  // namespace linreg::app
