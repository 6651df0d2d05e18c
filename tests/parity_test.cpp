#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <linreg/report/comparison.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"
#include "training/demo.hpp"

/// Compares both demos with the PyTorch programs over a grid of settings, run in one Python
/// process: every printed byte and every recorded bit.
namespace linreg::app {
namespace {

using report::Seed;
using report::Settings;

struct Case {
  Settings settings;
  int threads = 1;
  Language language = Language::en;
};

std::vector<double> weights(std::int64_t d) {
  std::vector<double> w{2, -3.4};
  w.resize(static_cast<std::size_t>(d));
  for (std::size_t j = 2; j < w.size(); ++j) w[j] = 0.37 * static_cast<double>(j) - 5;
  return w;
}

/// Initial weights in two files, one written by each side, from a seed that is not in the grid.
struct InitFiles {
  test::TemporaryDirectory folder;
  std::string by_cpp = folder.path() / "by_cpp.pt";
  std::string by_python = folder.path() / "by_python.pt";

  InitFiles() {
    const Settings settings{.seed = {7}, .true_w = weights(40), .lr = 0.01, .epochs = 1};
    pytorch::save_state_dict_file(by_cpp, run_demo(Demo::concise, settings).state);
    std::vector<std::string> arguments = pytorch_arguments(settings, 1);
    arguments.push_back("--save=" + by_python);
    test::run_python(python_folder() / "scratch.py", arguments);
  }

  std::vector<Case> cases() const {
    std::vector<Case> cases;
    for (const std::string& init : {std::string("zero"), by_cpp, by_python}) {
      for (const std::int64_t examples : {5, 1000}) {
        for (const std::int64_t batch_size : {7, 10}) {
          cases.push_back({{.seed = {42},
                            .examples = examples,
                            .true_w = weights(40),
                            .lr = 0.01,
                            .epochs = 2,
                            .batch_size = batch_size,
                            .init = init},
                           2});
        }
      }
    }
    cases.push_back({{.init = "zero"}, 1});
    cases.push_back({{.epochs = 0, .init = "zero"}, 1});
    cases.push_back({{.lr = 3, .init = "zero"}, 1});
    cases.push_back({{.true_w = {0.5}, .init = "zero"}, 1});
    return cases;
  }
};

std::vector<Case> small_grid() {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::vector<Seed> seeds{
      {0}, {1}, {42}, {42, true}, {(1ULL << 40) + 3}, {most}, {1ULL << 63, true}};
  std::vector<Case> cases;
  std::size_t turn = 0;
  for (const std::int64_t examples : {1, 5, 97, 1000}) {
    for (const std::int64_t batch_size :
         {std::int64_t{1}, std::int64_t{7}, std::int64_t{10}, examples, examples + 3}) {
      for (const std::int64_t d : {1, 2, 4, 9, 40}) {
        for (const int threads : {1, 2}) {
          const double lr = d == 40 ? 0.01 : 0.03;
          cases.push_back({{.seed = seeds[turn % seeds.size()],
                            .examples = examples,
                            .true_w = weights(d),
                            .noise = turn % 5 == 0 ? 0 : 0.01,
                            .lr = lr,
                            .epochs = examples == 1000 ? 1 : 2,
                            .batch_size = batch_size},
                           threads,
                           turn % 3 == 0 ? Language::zh : Language::en});
          ++turn;
        }
      }
    }
  }
  for (const Seed& seed : seeds) cases.push_back({{.seed = seed}, 1});
  cases.push_back({{.lr = 3, .epochs = 4}, 1});   // diverges to inf and nan
  cases.push_back({{.epochs = 0}, 1});            // trains nothing
  for (const std::int64_t d : {5, 13, 17, 33}) {  // rows that are no multiple of a vector
    for (const std::int64_t batch_size : {7, 10, 64}) {
      cases.push_back({{.true_w = weights(d), .lr = 0.003, .batch_size = batch_size}, 1});
    }
  }
  cases.push_back({{.true_w = weights(300)}, 2});  // prints over several lines
  cases.push_back({{.true_w = weights(1200), .lr = 1e-4, .epochs = 1}, 1});  // prints a summary
  return cases;
}

/// With a look at the first minibatch, an option of the concise demo only.
std::vector<Case> after_a_look() {
  std::vector<Case> cases;
  for (const Seed& seed : {Seed{0}, Seed{42, true}, Seed{1ULL << 40}}) {
    for (const std::int64_t examples : {1, 97, 1000}) {
      for (const std::int64_t batch_size : {1, 10, 1003}) {
        for (const std::int64_t d : {2, 40}) {
          cases.push_back({{.seed = seed,
                            .examples = examples,
                            .true_w = weights(d),
                            .lr = 0.01,
                            .epochs = 1,
                            .batch_size = batch_size,
                            .look = true},
                           1,
                           Language::zh});
        }
      }
    }
  }
  cases.push_back({{.init = "zero", .look = true}, 2});
  return cases;
}

std::vector<Case> large_grid() {
  std::vector<Case> cases;
  for (const int threads : {1, 2}) {
    for (const std::int64_t d : {1, 2, 4, 9, 40}) {
      cases.push_back({{.examples = 70000,
                        .true_w = weights(d),
                        .lr = 0.01,
                        .epochs = 1,
                        .batch_size = d == 2 ? 10 : 1000},
                       threads});
      cases.push_back(
          {{.examples = 70000, .true_w = weights(d), .epochs = 2, .batch_size = 70000}, threads});
      cases.push_back(
          {{.examples = 70000, .true_w = weights(d), .epochs = 2, .batch_size = 70001}, threads});
    }
  }
  cases.push_back({{.examples = 70000, .epochs = 1, .batch_size = 7}, 2});
  cases.push_back({{.examples = 70000, .epochs = 1, .batch_size = 1}, 1});
  return cases;
}

/// The settings of scripts/bench's table.
std::vector<Case> millions() {
  std::vector<Case> cases;
  for (const auto& [examples, d] : {std::pair{10'000'000, 2}, std::pair{1'000'000, 100}}) {
    for (const std::int64_t batch_size : {10, 256, examples}) {
      cases.push_back({{.examples = examples,
                        .true_w = weights(d),
                        .lr = 0.003,
                        .epochs = 1,
                        .batch_size = batch_size},
                       batch_size == 256 ? 2 : 1});
    }
  }
  return cases;
}

bool same_bits(float x, float y) {
  return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) ||
         (std::isnan(x) && std::isnan(y));
}

void expect_parity(const std::vector<Case>& cases, Demo demo) {
  const std::string program = to_string(demo);
  nlohmann::json command_lines = nlohmann::json::array();
  for (const Case& c : cases) {
    command_lines.push_back(pytorch_arguments(c.settings, c.threads));
    if (c.language == Language::zh) command_lines.back().push_back("--lang=zh");
  }
  const test::TemporaryDirectory folder;
  const auto file = folder.path() / "command_lines.json";
  std::ofstream(file) << command_lines;
  const auto expected = nlohmann::json::parse(
      test::run_python(test::script("run_demos.py"), {python_folder().string(), program, file}));
  ASSERT_EQ(expected.size(), cases.size());

  const int threads = at::get_num_threads();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    at::set_num_threads(cases[i].threads);
    for (const Engine engine : {Engine::autograd, Engine::fused}) {
      SCOPED_TRACE(testing::Message()
                   << program << ' ' << command_lines[i] << ", " << report::to_string(engine));
      std::string out;
      const auto on_line = [&](const std::string& line) { out += line; };
      const TrainedDemo trained = run_demo(demo, cases[i].settings, on_line, {}, engine);
      out += error_lines(trained, cases[i].language);
      EXPECT_EQ(out, expected[i]["stdout"].get<std::string>());

      const report::Run run = report::run_from_json(expected[i]["record"]["runs"][0]);
      const report::Comparison comparison = report::compare(trained.run, run);
      EXPECT_EQ(comparison.values.size(), run.epoch_loss.size() + 2 * run.w.size() + 2);
      for (const report::ComparedValue& value : comparison.values) {
        EXPECT_TRUE(same_bits(value.left, value.right))
            << value.name << ": " << value.left << " in C++, " << value.right << " in Python, "
            << value.ulp << " ulp";
      }
      EXPECT_EQ(trained.run.steps, run.steps);
    }
    EXPECT_EQ(nlohmann::json::parse(report::to_json(cases[i].settings).dump()),
              expected[i]["record"]["settings"]);
    if (testing::Test::HasFailure()) break;  // one failing setting tells enough
  }
  at::set_num_threads(threads);
}

/// A demo and a part of a grid; the parts run beside each other.
class ParityOverAGrid : public testing::TestWithParam<std::tuple<Demo, std::size_t>> {
 protected:
  static constexpr std::size_t parts = 3;

  static void expect_parity_of_part(const std::vector<Case>& grid) {
    const auto [demo, part] = GetParam();
    std::vector<Case> cases;
    for (std::size_t i = part; i < grid.size(); i += parts) cases.push_back(grid[i]);
    expect_parity(cases, demo);
  }
};

TEST_P(ParityOverAGrid, WithLivePytorch) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  expect_parity_of_part(small_grid());
}

TEST_P(ParityOverAGrid, WithLivePytorchAt70000Examples) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  expect_parity_of_part(large_grid());
}

INSTANTIATE_TEST_SUITE_P(Parity, ParityOverAGrid,
                         testing::Combine(testing::Values(Demo::scratch, Demo::concise),
                                          testing::Values(0U, 1U, 2U)));

TEST(Parity, OfConciseWithLivePytorchAfterALook) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  expect_parity(after_a_look(), Demo::concise);
}

TEST(Parity, OfScratchWithLivePytorchFromZeroAndFromEachSidesFiles) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  expect_parity(InitFiles().cases(), Demo::scratch);
}

TEST(Parity, OfConciseWithLivePytorchFromZeroAndFromEachSidesFiles) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  expect_parity(InitFiles().cases(), Demo::concise);
}

TEST(Parity, OfTheSavedWeights) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  for (const Demo demo : {Demo::scratch, Demo::concise}) {
    const std::string program = to_string(demo);
    const Settings settings{.true_w = weights(4), .init = "zero"};
    const std::string file = folder.path() / (program + ".pt");
    std::vector<std::string> arguments = pytorch_arguments(settings, at::get_num_threads());
    arguments.push_back("--save=" + file);
    test::run_python(python_folder() / (program + ".py"), arguments);
    const pytorch::StateDict python = pytorch::load_state_dict_file(file);
    const pytorch::StateDict cpp = run_demo(demo, settings).state;
    EXPECT_EQ(python.keys(), (std::vector<std::string>{"0.weight", "0.bias"}));
    ASSERT_EQ(python.keys(), cpp.keys());
    for (const std::string& name : cpp.keys()) {
      EXPECT_EQ(cpp[name].sizes(),
                name == "0.bias" ? at::IntArrayRef({1}) : at::IntArrayRef({1, 4}));
      EXPECT_FALSE(cpp[name].requires_grad());
      ASSERT_EQ(cpp[name].sizes(), python[name].sizes());
      ASSERT_EQ(cpp[name].scalar_type(), python[name].scalar_type());
      EXPECT_TRUE(cpp[name].equal(python[name])) << program << ' ' << name;
    }
  }
}

TEST(Parity, OfBothDemosWithLivePytorchAtMillionsOfExamples) {
  if (!std::getenv("LINREG_TEST_LARGE")) GTEST_SKIP() << "LINREG_TEST_LARGE is not set";
  LINREG_REQUIRE_LIVE_PYTORCH();
  for (const Case& c : millions()) {
    expect_parity({c}, Demo::scratch);
    expect_parity({c}, Demo::concise);
  }
}

TEST(Threads, AgreeWithinTheRoundingOfTheirSums) {
  // Each thread sums a share of the 200000 examples. Another order of summation changes a sum of n
  // similar terms by at most about sqrt(n) roundings of 6e-8, here a relative 3e-5, which five
  // steps do not amplify much.
  const Settings settings{.examples = 200'000, .lr = 0.3, .epochs = 5, .batch_size = 200'000};
  const int threads = at::get_num_threads();
  for (const Demo demo : {Demo::scratch, Demo::concise}) {
    at::set_num_threads(1);
    const report::Run one = run_demo(demo, settings).run;
    at::set_num_threads(2);
    const report::Run two = run_demo(demo, settings).run;
    const report::Comparison comparison =
        report::compare(one, two, {.loss = 1e-4, .parameter = 1e-5});
    EXPECT_TRUE(comparison.within_tolerance()) << report::to_text(comparison, "one", "two");
  }
  at::set_num_threads(threads);
}

TEST(Parity, OfBothDemosWithRecordedPytorchWithinTheTolerance) {
  const auto recorded = recorded_pytorch({});
  ASSERT_TRUE(recorded.has_value());
  ASSERT_EQ(recorded->runs.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const report::Run run = run_demo(i == 0 ? Demo::scratch : Demo::concise, {}).run;
    const report::Comparison comparison = report::compare(run, recorded->runs[i]);
    EXPECT_TRUE(comparison.within_tolerance()) << report::to_text(comparison, "C++", "recorded");
  }
  EXPECT_FALSE(recorded_pytorch({.seed = {1}}).has_value());
}

}  // namespace
}  // namespace linreg::app
