#pragma once

#include <chrono>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace linreg::app {

/// The Python side failed. `what` is one line that says what to do; `words` is its own stderr.
class PytorchError : public std::runtime_error {
 public:
  PytorchError(const std::string& what, std::string words)
      : std::runtime_error(what), words_(std::move(words)) {}
  const std::string& words() const { return words_; }

 private:
  std::string words_;
};

/// The runs of a PyTorch and which one it was.
struct PytorchRuns {
  std::string python;             ///< the command that ran it; empty for recorded output
  std::string version;            ///< of PyTorch
  std::vector<report::Run> runs;  ///< scratch, concise
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
