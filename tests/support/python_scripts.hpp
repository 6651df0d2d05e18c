#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What tests need to run PyTorch for real.
namespace linreg::test {

/// The Python that live tests run: the first of LINREG_TEST_PYTHON, python3 and /usr/bin/python3
/// that has torch of this LibTorch's version; nothing where there is none.
std::optional<std::string> live_python();

/// Runs `live_python() script arguments...` and returns its stdout.
/// Throws std::runtime_error, with the end of its stderr, unless it exits with 0.
std::string run_python(const std::filesystem::path& script,
                       const std::vector<std::string>& arguments = {});

/// The script tests/python/`name`.
std::filesystem::path script(std::string_view name);

/// A new empty folder, removed with its contents by the destructor.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace linreg::test

/// The first line of a live test. Skips it, or fails where CI=true, when no Python imports torch.
#define LINREG_REQUIRE_LIVE_PYTORCH()                                                        \
  if (!linreg::test::live_python()) {                                                        \
    const char* ci = std::getenv("CI");                                                      \
    if (ci != nullptr && std::string_view(ci) == "true") {                                   \
      FAIL() << "no Python here imports this LibTorch's torch: with CI=true it must be run"; \
    }                                                                                        \
    GTEST_SKIP() << "no Python here imports this LibTorch's torch: not compared";            \
  }                                                                                          \
  static_assert(true)
