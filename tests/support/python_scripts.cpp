#include "python_scripts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdlib.h>  // mkdtemp
#include <torch/version.h>

#include <chrono>
#include <stdexcept>
#include <system_error>

#include "system/process.hpp"

namespace linreg::test {
namespace {

constexpr std::chrono::hours time_limit{1};

/// Whether this Python's installed torch is of this LibTorch's version. Importing it would take
/// each test seconds.
bool has_this_pytorch(const std::string& python) {
  try {
    const app::ProcessResult result = app::run_process(
        {python, "-c", "from importlib.metadata import version; print(version('torch'))"},
        time_limit);
    // "1.13.0a0" and "2.13.0+cpu" are LibTorch's 1.13.0 and 2.13.0.
    return result.exit_status == 0 &&
           result.out.substr(0, result.out.find_first_not_of("0123456789.")) == TORCH_VERSION;
  } catch (const std::system_error&) {
    return false;
  }
}

std::optional<std::string> find_python() {
  const char* named = std::getenv("LINREG_TEST_PYTHON");
  for (const std::string python : {named == nullptr ? "" : named, "python3", "/usr/bin/python3"}) {
    if (has_this_pytorch(python)) return python;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> live_python() {
  static const std::optional<std::string> python = find_python();
  return python;
}

std::string run_python(const std::filesystem::path& script,
                       const std::vector<std::string>& arguments) {
  std::vector<std::string> command{live_python().value(), script.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const app::ProcessResult result = app::run_process(command, time_limit);
  if (result.exit_status != 0) {
    const std::size_t tail = result.err.size() > 4000 ? result.err.size() - 4000 : 0;
    throw std::runtime_error(fmt::format("{} exits with {}{}:\n{}", fmt::join(command, " "),
                                         result.exit_status, result.timed_out ? " (timeout)" : "",
                                         result.err.substr(tail)));
  }
  return result.out;
}

std::filesystem::path script(std::string_view name) {
  return std::filesystem::path(LINREG_TESTS_DIR) / "python" / name;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "linreg.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), pattern);
  }
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

}  // namespace linreg::test
