#pragma once

#include <chrono>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

/// Runs both PyTorch programs in `python` or, where that is empty, in the first Python that imports
/// torch: the one of LibTorch's own wheel, python3, /usr/bin/python3. Nothing where none does.
/// Throws a PytorchError when `python` has no torch, when a Python can't be started and when a
/// program fails.
std::optional<PytorchRuns> run_pytorch(const std::optional<std::string>& python,
                                       const report::Settings& settings, int threads,
                                       std::chrono::seconds time_limit);

/// PyTorch's recorded runs with the article's settings; nothing for other settings. Throws a
/// PytorchError where the record is damaged.
std::optional<PytorchRuns> recorded_pytorch(const report::Settings& settings);

}  // namespace linreg::app
