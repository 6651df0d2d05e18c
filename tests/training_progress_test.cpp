#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <linreg/report/run.hpp>
#include <string>
#include <utility>
#include <vector>

#include "python_scripts.hpp"
#include "system/process.hpp"
#include "training/progress.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;

TEST(DescribeProgress, CountsExamplesAndTheRemainingTime) {
  report::Settings settings{.examples = 1'000'000, .epochs = 3, .batch_size = 10};
  EXPECT_EQ(describe_progress(Demo::scratch, settings, 150'000, 3),
            "scratch: epoch 2 of 3, 500,000 examples/s, 3 s left");
  EXPECT_EQ(describe_progress(Demo::concise, settings, 1, 10),
            "concise: epoch 1 of 3, 1 examples/s, 833 h left");
  EXPECT_EQ(describe_progress(Demo::concise, settings, 300'000, 10),
            "concise: epoch 3 of 3, 300,000 examples/s, 0 s left");
}

TEST(DescribeProgress, CountsTheExamplesOfTheShortLastMinibatch) {
  const report::Settings settings{.examples = 1000, .epochs = 2, .batch_size = 600};
  EXPECT_EQ(describe_progress(Demo::scratch, settings, 1, 1),
            "scratch: epoch 1 of 2, 600 examples/s, 3 s left");
  EXPECT_EQ(describe_progress(Demo::scratch, settings, 2, 1),
            "scratch: epoch 2 of 2, 1,000 examples/s, 1 s left");
}

TEST(DescribeProgress, TakesALargerBatchSizeThanTheDataForAllExamples) {
  const report::Settings settings{.examples = 1000, .epochs = 200, .batch_size = 5000};
  EXPECT_EQ(describe_progress(Demo::scratch, settings, 100, 600),
            "scratch: epoch 101 of 200, 167 examples/s, 10 min left");
}

/// A command that trains for longer than the second before progress is shown, and how it ended.
std::pair<std::vector<std::string>, ProcessResult> long_training(const std::string& demo) {
  for (int epochs = 3;; epochs *= 2) {
    const std::vector<std::string> command{LINREG_PROGRAM, demo, "--examples=100000",
                                           fmt::format("--epochs={}", epochs)};
    const auto start = std::chrono::steady_clock::now();
    const ProcessResult result = run_process(command, 600s);
    const bool is_long = std::chrono::steady_clock::now() - start > 2s;
    if (is_long || result.exit_status != 0) return {command, result};
  }
}

TEST(Progress, IsShownAndClearedOnATerminalAndLeavesStdoutUnchanged) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "stdout";
  for (const std::string demo : {"scratch", "concise"}) {
    const auto [command, piped] = long_training(demo);
    EXPECT_EQ(piped.exit_status, 0);
    EXPECT_EQ(piped.err, "");
    // script(1) provides a terminal for stderr and prints what appears there.
    const std::string in_shell = fmt::format("'{}' > '{}'", fmt::join(command, "' '"), file);
    const std::string shown = run_process({"script", "-qec", in_shell, "/dev/null"}, 600s).out;
    EXPECT_NE(shown.find("\r" + demo + ": epoch "), std::string::npos) << shown;
    EXPECT_NE(shown.find(" examples/s, "), std::string::npos) << shown;
    EXPECT_TRUE(shown.ends_with("\r" + std::string(78, ' ') + "\r")) << shown;
    std::ifstream out(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator(out), {}), piped.out);
  }
}

}  // namespace
}  // namespace linreg::app
