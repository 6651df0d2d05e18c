#pragma once

#include <chrono>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "system/process.hpp"

namespace linreg::app {

/// The PyTorch programs can't be run. `what` is one line that says what to do; `python_output` is
/// all that Python wrote.
class PytorchError : public std::runtime_error {
 public:
  PytorchError(const std::string& what, std::string python_output)
      : std::runtime_error(what), python_output_(std::move(python_output)) {}
  const std::string& python_output() const { return python_output_; }

 private:
  std::string python_output_;
};

/// Both programs' runs in one PyTorch.
struct PytorchRuns {
  std::string python;             ///< the command that ran it; empty for recorded runs
  std::string version;            ///< of PyTorch
  std::vector<report::Run> runs;  ///< scratch, concise

  bool is_live() const { return !python.empty(); }
};

/// The folder of the PyTorch programs: share/linreg/python beside the program's bin. Throws a
/// PytorchError where the program can't find its own path.
std::filesystem::path python_folder();

/// `settings` and `threads` as options of a PyTorch program.
std::vector<std::string> pytorch_arguments(const report::Settings& settings, int threads);

/// Throws a UsageError for a Python that is not an executable file.
void check_python(const std::string& python);

/// Both PyTorch programs in a Python that imports torch while we train. They train only in
/// finish(), so that neither side slows the other.
class LivePytorch {
 public:
  /// Starts `python` or, where that is empty, the first of LibTorch's own wheel's Python, python3
  /// and /usr/bin/python3.
  LivePytorch(const std::optional<std::string>& python, report::Settings settings, int threads);

  /// Trains, in the first of these that imports torch; nothing where none does. Stops after
  /// `time_limit`. Throws a PytorchError when `python` has no torch, when a Python can't be started
  /// and when a program fails. To be called once.
  std::optional<PytorchRuns> finish(std::chrono::seconds time_limit);

 private:
  struct Candidate {
    std::string python;
    bool is_named = false;  ///< by --pytorch: no other one is tried
  };

  std::unique_ptr<Process> start(const Candidate& candidate) const;

  report::Settings settings_;
  int threads_;
  std::vector<Candidate> candidates_;
  std::unique_ptr<Process> first_;  ///< of candidates_[0]
};

/// PyTorch's recorded runs with the article's settings; nothing for other settings. Throws a
/// PytorchError where the record is damaged.
std::optional<PytorchRuns> recorded_pytorch(const report::Settings& settings);

}  // namespace linreg::app
