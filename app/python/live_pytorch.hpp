#pragma once

#include <chrono>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace linreg::app {

/// The PyTorch programs can't be run. `what` is one line that says what to do.
class PytorchError : public std::runtime_error {
 public:
  PytorchError(const std::string& what, std::string python_stderr)
      : std::runtime_error(what), python_stderr_(std::move(python_stderr)) {}
  const std::string& python_stderr() const { return python_stderr_; }

 private:
  std::string python_stderr_;
};

/// Both programs' runs in one PyTorch.
struct PytorchRuns {
  std::string python;             ///< the command that ran it; empty for recorded runs
  std::string version;            ///< of PyTorch
  std::vector<report::Run> runs;  ///< scratch, concise

  bool is_live() const { return !python.empty(); }
};

/// The folder of the two PyTorch programs, share/linreg/python beside the program's bin. Throws
/// PytorchError where the program can't tell its own path.
std::filesystem::path python_folder();

/// The options of a PyTorch program that say what `settings` and `threads` say.
std::vector<std::string> pytorch_arguments(const report::Settings& settings, int threads);

/// Refuses, with a UsageError, a Python that can't be run.
void check_python(const std::string& python);

/// Runs both PyTorch programs with `settings`, on `python` or, where that is empty, on the first
/// Python that imports torch: that of LibTorch's own wheel, python3, /usr/bin/python3. Nothing
/// where none does. Throws PytorchError when the one that was named, or a program, fails, or when
/// one that is there can't be started.
std::optional<PytorchRuns> run_pytorch(const std::optional<std::string>& python,
                                       const report::Settings& settings, int threads,
                                       std::chrono::seconds time_limit);

/// The recorded output of PyTorch for the article's settings, nothing for others. Throws
/// PytorchError where its file is damaged.
std::optional<PytorchRuns> recorded_pytorch(const report::Settings& settings);

}  // namespace linreg::app
