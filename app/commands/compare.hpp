#pragma once

#include <array>
#include <chrono>
#include <linreg/report/best_fit.hpp>
#include <linreg/report/comparison.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "python/live_pytorch.hpp"

namespace linreg::app {

struct CompareOptions {
  std::optional<std::string> python;  ///< the first that imports torch where empty
  std::chrono::seconds python_timeout{600};
  bool verbose = false;
};

/// Adds the options that only `linreg compare` has.
void add_compare_options(CLI::App& command, CompareOptions& options);

/// `linreg compare`: both demos in C++ beside both in PyTorch. Returns the exit status.
int compare_command(const Options& options, const CompareOptions& compare_options);

/// Its steps, in their order.

/// Both demos, trained in C++ by `engine`; without one by both, which give the same bits.
struct OwnRuns {
  std::array<report::Run, 2> runs;               ///< scratch, concise
  std::vector<std::string> divergences;          ///< a line on each run that diverged
  std::optional<report::BestFit> best_fit = {};  ///< of the data that both trained on
  std::vector<report::Run> fused = {};           ///< both again, by the fused engine
};
OwnRuns train_here(const report::Settings& settings, std::optional<Engine> engine = {});

/// Both programs, trained by PyTorch or recorded; without runs, `failure` says why, and is empty
/// where no Python has torch and the recorded settings are others.
struct PytorchResult {
  std::optional<PytorchRuns> runs;
  std::string failure;
};
PytorchResult train_in_pytorch(LivePytorch& pytorch, const report::Settings& settings,
                               const CompareOptions& options);

/// Our runs with PyTorch's or, where there are none, with each other.
std::vector<report::Comparison> compare_runs(const OwnRuns& own, const PytorchResult& pytorch);

/// The outcome in words, and the exit status.
struct Verdict {
  std::string text;
  int status;
};

/// Whether the engines gave the same bits, as far as both trained.
bool engines_agree(const OwnRuns& own);

/// Of the same version every value must be equal to the last bit, of another within tolerance.
Verdict judge(const std::vector<report::Comparison>& comparisons, bool same_version);

/// The verdict on all of it: status 1 also where PyTorch failed, a run diverged or the engines do
/// not agree.
Verdict conclude(const OwnRuns& own, const PytorchResult& pytorch,
                 const std::vector<report::Comparison>& comparisons);

}  // namespace linreg::app
