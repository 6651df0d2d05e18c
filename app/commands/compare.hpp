#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "training/demo.hpp"

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

struct DataOptions {
  std::string loader = "scratch";  ///< the demo whose loader reads the minibatch; or "concise"
};

/// Gives `linreg data` the option that only it has.
void add_data_options(CLI::App& command, DataOptions& options);

/// `linreg data`: prints the first example, as the article's 3.2 would, and the first minibatch, as
/// its 3.3 or 4.2. Returns the exit status.
int data_command(const Options& options, const DataOptions& data_options);

struct SweepOptions {
  std::vector<double> lrs{0.001, 0.01, 0.03, 0.1, 1};
  /// Nothing stands for all examples.
  std::vector<std::optional<std::int64_t>> batch_sizes{1, 10, 100, std::nullopt};
  std::string demo = "scratch";  ///< or "concise"
};

/// Gives `linreg sweep` the options that only it has, or has more of.
void add_sweep_options(CLI::App& command, SweepOptions& options);

/// `linreg sweep`: trains at every learning rate and batch size, and shows what came of it beside
/// the learning rate that is stable. Returns the exit status: a run that diverges is a result.
int sweep_command(const Options& options, const SweepOptions& sweep_options);

}  // namespace linreg::app
