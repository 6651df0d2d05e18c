#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <linreg/report/run.hpp>
#include <string>
#include <vector>

#include "program.hpp"
#include "python_scripts.hpp"
#include "system/process.hpp"
#include "training/demo.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(DivergedRun, IsPrintedInFullWithItsStepAndAStableLearningRate) {
  const test::TemporaryDirectory folder;
  const std::vector<std::string> settings{"--examples", "50", "--lr", "3", "--epochs", "40"};
  const std::string file = folder.path() / "weights.pt";
  for (const std::string command : {"scratch", "concise"}) {
    std::vector<std::string> words{command, "--save", file, "--json", folder.path() / "record"};
    words.insert(words.end(), settings.begin(), settings.end());
    const ProcessResult result = linreg(words);
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.out), 42U);
    EXPECT_NE(result.out.find("epoch 40, loss nan\n"), std::string::npos) << result.out;
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_TRUE(std::filesystem::exists(file));
    const report::Run run = report::run_from_json(read_json(folder.path() / "record")["runs"][0]);
    EXPECT_EQ(run.epoch_loss.size(), 40U);

    // The first minibatch with a loss that is not finite or, without one, the end of that epoch.
    const auto finite = std::ranges::count_if(run.epoch_loss, [](float l) { return l < INFINITY; });
    EXPECT_GT(finite, 0);
    std::vector<bool> steps;
    const Demo demo = command == "scratch" ? Demo::scratch : Demo::concise;
    run_demo(demo, {.examples = 50, .lr = 3, .epochs = finite + 1}, {},
             [&](const torch::Tensor& l) {
               steps.push_back(l.isfinite().all().item<bool>());
               return true;
             });
    EXPECT_EQ(steps.size(), 5U * static_cast<std::size_t>(finite + 1));
    const auto good = std::ranges::find(steps, false) - steps.begin();
    const auto step = std::min(good, std::ssize(steps) - 1);
    EXPECT_TRUE(result.err.starts_with(
        fmt::format("linreg: the loss of {} is not finite from epoch {}, step {} on: --lr 3 is too "
                    "large, up to about ",
                    command, step / 5 + 1, step % 5 + 1)))
        << result.err;
  }
}

TEST(DivergedRun, NamesTheSameStepOnATerminalWhereProgressIsShown) {
  // script(1) connects stderr to a terminal, which ends its lines with "\r\n".
  const std::string command = fmt::format("'{}' scratch --lr 100 > /dev/null", LINREG_PROGRAM);
  const std::string shown =
      run_process({"script", "-qec", command, "/dev/null"}, std::chrono::seconds(600)).out;
  std::string line = linreg({"scratch", "--lr", "100"}).err;
  line.insert(line.size() - 1, 1, '\r');
  EXPECT_TRUE(shown.ends_with(line)) << shown;
}

TEST(DivergedRun, ConvergesAtTheAdvisedLearningRate) {
  const std::vector<std::vector<std::string>> cases{
      {},
      {"--batch-size", "1", "--examples", "100"},
      {"--batch-size", "1000"},
      {"--batch-size", "4000"},
      {"--examples", "95", "--batch-size", "10"},
      {"--true-w", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"},
      {"--true-w", "1,2,3,4,5,6", "--examples", "4"}};
  for (const auto& options : cases) {
    for (const char* command : {"scratch", "concise"}) {
      SCOPED_TRACE(fmt::format("{} {}", command, fmt::join(options, " ")));
      std::vector<std::string> words{command, "--epochs", "30", "--lr", "1e5"};
      words.insert(words.end(), options.begin(), options.end());
      const ProcessResult diverged = linreg(words);
      EXPECT_EQ(diverged.exit_status, 1);
      words[4] = advised_lr(diverged.err);
      const ProcessResult stable = linreg(words);
      EXPECT_EQ(stable.exit_status, 0) << stable.err;
    }
  }
}

TEST(DivergedRun, DoesNotBlameAStableLearningRate) {
  const ProcessResult result = linreg({"concise", "--true-w", "1e30,1"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_TRUE(result.err.ends_with(
      "epoch 1, step 1 on: --lr 0.03 is small enough, but the numbers are too large for float32\n"))
      << result.err;
}

}  // namespace
}  // namespace linreg::app
