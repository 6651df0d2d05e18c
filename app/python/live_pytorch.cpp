#include "python/live_pytorch.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <linreg/report/run.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "system/process.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

using nlohmann::json;
using report::Demo;

/// The beginning of a text of any length.
std::string_view start(std::string_view text) { return text.substr(0, 200); }

/// Whether the error of starting a Python means that it is not there.
bool is_missing(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
         error == std::errc::permission_denied || error == std::errc::executable_format_error;
}

/// Whether this Python has no torch, so that another one is tried. A script in its place (pyenv's,
/// say) that finds no Python exits with 127.
bool lacks_torch(bool is_named, const ProcessResult& result) {
  if (result.exit_status == 0 || result.timed_out || result.flooded) return false;
  return result.err.find("No module named 'torch'") != std::string::npos ||
         (result.exit_status == 127 && !is_named);
}

/// --true-w for the PyTorch programs. JSON's numbers are the shortest that read back to the same
/// double, in Python too.
std::string true_w_text(const report::Settings& settings) {
  const std::string list = report::to_json(settings).at("true_w").dump();
  return list.substr(1, list.size() - 2);
}

/// The options for pytorch_arguments, but --true-w, which may be too long for one.
std::vector<std::string> arguments(const report::Settings& settings, int threads) {
  const json numbers = report::to_json(settings);
  const auto option = [&](const char* name, const char* key) {
    return fmt::format("--{}={}", name, numbers.at(key).dump());
  };
  std::vector<std::string> words{option("seed", "seed"),
                                 option("examples", "examples"),
                                 option("true-b", "true_b"),
                                 option("noise", "noise"),
                                 option("lr", "lr"),
                                 option("epochs", "epochs"),
                                 option("batch-size", "batch_size"),
                                 "--init=" + settings.init,
                                 fmt::format("--threads={}", threads)};
  if (settings.look) words.emplace_back("--look");
  return words;
}

[[noreturn]] void fail(const std::string& python, const ProcessResult& result,
                       std::chrono::seconds time_limit) {
  if (result.timed_out) {
    throw PytorchError(fmt::format("{} was stopped after {} s; --pytorch-timeout allows more",
                                   python, time_limit.count()),
                       result.err);
  }
  if (result.flooded) {
    throw PytorchError(
        fmt::format("{} was stopped, for it printed more than any record holds", python),
        result.err);
  }
  const std::string last = last_line(result.err);
  throw PytorchError(
      fmt::format("PyTorch in {} failed ({}): {}; --verbose shows all that it wrote to stderr",
                  python, describe_end(result), last.empty() ? "no message" : start(last)),
      result.err);
}

/// The run in `record`. Throws std::invalid_argument unless it is one of `demo` in PyTorch with as
/// many epochs and weights as `settings` have, so that it can be compared with ours.
report::Run check_run(const json& record, Demo demo, const report::Settings& settings) {
  report::Run run = report::run_from_json(record);
  if (run.demo != demo || run.framework != "pytorch") {
    throw std::invalid_argument(
        fmt::format("the record is one of {} in {}", to_string(run.demo), run.framework));
  }
  const std::size_t d = settings.true_w.size();
  if (run.epoch_loss.size() != static_cast<std::size_t>(settings.epochs) || run.w.size() != d ||
      run.w_error.size() != d) {
    throw std::invalid_argument(
        fmt::format("the record has {} epochs, {} weights and {} errors of them",
                    run.epoch_loss.size(), run.w.size(), run.w_error.size()));
  }
  return run;
}

json parse_record(std::string_view text) {
  json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) throw std::invalid_argument("it is not a JSON object");
  return record;
}

/// The record's runs. Throws std::invalid_argument unless there are `count`.
json runs_of(const json& record, std::size_t count) {
  json runs = record.value("runs", json());
  if (!runs.is_array() || runs.size() != count) {
    throw std::invalid_argument(fmt::format("the record has no \"runs\", a list of {}", count));
  }
  return runs;
}

PytorchRuns parse_runs(const std::string& python, const ProcessResult& result,
                       const report::Settings& settings) {
  try {
    if (result.out.empty()) throw std::invalid_argument("it printed nothing");
    const json runs = runs_of(parse_record(result.out), 2);
    const report::Run scratch = check_run(runs[0], Demo::scratch, settings);
    const report::Run concise = check_run(runs[1], Demo::concise, settings);
    return {find_program(python).value_or(python), scratch.version, {scratch, concise}};
  } catch (const std::exception& error) {
    throw PytorchError(
        fmt::format("{} did not print a record of its run ({}); --verbose shows its output", python,
                    start(error.what())),
        result.err + result.out.substr(0, 4096));
  }
}

}  // namespace

std::filesystem::path python_folder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    throw PytorchError(
        fmt::format("can't find the PyTorch programs: /proc/self/exe can't be read: {}",
                    error.message()),
        "");
  }
  return program.parent_path().parent_path() / "share" / "linreg" / "python";
}

std::vector<std::string> pytorch_arguments(const report::Settings& settings, int threads) {
  std::vector<std::string> words = arguments(settings, threads);
  words.push_back("--true-w=" + true_w_text(settings));
  return words;
}

void check_python(const std::string& python) {
  if (!find_program(python)) {
    throw UsageError(fmt::format("--pytorch is '{}', but must be an executable Python", python));
  }
}

LivePytorch::LivePytorch(const std::optional<std::string>& python, report::Settings settings,
                         int threads)
    : settings_(std::move(settings)), threads_(threads) {
  if (python) {
    candidates_ = {{*python, /*is_named=*/true}};
  } else {
    candidates_ = {{"python3"}, {"/usr/bin/python3"}};
    const std::string python_of_libtorch = LINREG_LIBTORCH_PYTHON;
    if (!python_of_libtorch.empty()) candidates_.insert(candidates_.begin(), {python_of_libtorch});
  }
  try {
    first_ = start(candidates_[0]);
  } catch (const std::exception&) {
    first_.reset();  // finish() tries again, and says what is wrong
  }
}

std::unique_ptr<Process> LivePytorch::start(const Candidate& candidate) const {
  std::vector<std::string> command = arguments(settings_, threads_);
  command.insert(command.begin(), {candidate.python, (python_folder() / "both.py").string()});
  return std::make_unique<Process>(command);
}

std::optional<PytorchRuns> LivePytorch::finish(std::chrono::seconds time_limit) {
  for (const Candidate& candidate : candidates_) {
    const std::string& python = candidate.python;
    ProcessResult result;
    try {
      const std::unique_ptr<Process> process = first_ ? std::move(first_) : start(candidate);
      result = process->finish(true_w_text(settings_) + "\n", time_limit);
    } catch (const std::system_error& error) {
      if (!candidate.is_named && is_missing(error.code())) continue;
      throw PytorchError(fmt::format("{} can't be started: {}", python, error.code().message()),
                         "");
    }
    if (lacks_torch(candidate.is_named, result)) {
      if (!candidate.is_named) continue;
      throw PytorchError(fmt::format("{} has no torch: install python3-torch for the "
                                     "distribution's Python, or pip install torch for another",
                                     python),
                         "");
    }
    if (result.exit_status != 0) fail(python, result, time_limit);
    return parse_runs(python, result, settings_);
  }
  return std::nullopt;
}

std::optional<PytorchRuns> recorded_pytorch(const report::Settings& settings) {
  const std::filesystem::path path = python_folder() / "recorded.json";
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  try {
    const json record = parse_record(text);
    const auto recorded_settings = report::settings_from_json(record.value("settings", json()));
    if (!(recorded_settings == settings)) return std::nullopt;
    const json runs = runs_of(record, 2);
    const report::Run scratch = check_run(runs[0], Demo::scratch, settings);
    const report::Run concise = check_run(runs[1], Demo::concise, settings);
    return PytorchRuns{"", scratch.version, {scratch, concise}};
  } catch (const std::exception& error) {
    throw PytorchError(
        fmt::format("{} is damaged ({}): install linreg again", path.string(), start(error.what())),
        "");
  }
}

}  // namespace linreg::app
