#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstddef>
#include <fstream>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "program.hpp"
#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"
#include "system/process.hpp"
#include "training/demo.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(Data, IsPrintedAsPythonPrintsIt) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  std::vector<std::vector<std::string>> command_lines;
  for (const std::string loader : {"--loader=scratch", "--loader=concise"}) {
    for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
             {},
             {"--seed=-5", "--batch-size=1"},
             {"--examples=7", "--batch-size=8", "--true-w=0.5"},
             {"--examples=1", "--true-w=-1e6,2,3,4,5", "--noise=0"},
             {"--true-w=1,2,3,4,5", "--true-b=-7", "--batch-size=3", "--threads=1"},
             {"--examples=2000", "--batch-size=2000", "--noise=2.5"},
             {"--examples=70000", "--batch-size=4", "--seed=18446744073709551615"}}) {
      command_lines.push_back({loader});
      command_lines.back().insert(command_lines.back().end(), options.begin(), options.end());
    }
  }
  const test::TemporaryDirectory folder;
  const auto file = folder.path() / "command_lines.json";
  std::ofstream(file) << nlohmann::json(command_lines);
  const auto python = nlohmann::json::parse(
      test::run_python(test::script("run_demos.py"), {python_folder().string(), "data", file}));
  ASSERT_EQ(python.size(), command_lines.size());

  for (std::size_t i = 0; i < command_lines.size(); ++i) {
    std::vector<std::string> words = command_lines[i];
    SCOPED_TRACE(fmt::format("{}", fmt::join(words, " ")));
    words.insert(words.begin(), "data");
    const ProcessResult result = linreg(words);
    EXPECT_EQ(result.exit_status, 0) << result.err;
    EXPECT_EQ(result.out, python[i]["stdout"].get<std::string>());
  }
}

TEST(Data, FromScratchIsTheFirstMinibatchOfTraining) {
  const ProcessResult result = linreg({"data", "--batch-size", "1", "--true-w", "2"});
  std::vector<torch::Tensor> losses;
  const report::Settings settings{.true_w = {2}, .lr = 1e-30, .batch_size = 1, .init = "zero"};
  run_demo(Demo::scratch, settings, {}, [&](const torch::Tensor& l) {
    losses.push_back(l);
    return false;
  });
  // From zero, the loss is half of the label's square.
  const float y = std::sqrt(2 * losses.at(0).item<float>());
  EXPECT_NE(result.out.find(fmt::format(" \n tensor([[{:.4f}]])\n", y)), std::string::npos)
      << y << " in " << result.out;
}

}  // namespace
}  // namespace linreg::app
