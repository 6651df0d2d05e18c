#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "program.hpp"
#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"
#include "running.hpp"
#include "system/process.hpp"
#include "training/demo.hpp"

/// A training that is stopped and gone on with, here and in Python, beside one that is not.
namespace linreg::app {
namespace {

using namespace test;
using report::Settings;

std::vector<Settings> cases() {
  return {{},
          {.seed = {42, true}, .examples = 97, .batch_size = 7},
          {.seed = {std::numeric_limits<std::uint64_t>::max()}, .true_w = {0.5}, .noise = 0},
          {.examples = 200, .true_w = {1, 2, 3, 4, 5, 6, 7, 8, 9}, .true_b = -1, .lr = 0.01},
          {.examples = 50, .batch_size = 100, .init = "zero"},
          {.examples = 300, .lr = 3}};  // on the way to infinity
}

constexpr std::int64_t stopped_after = 2;
constexpr std::int64_t all_epochs = 5;

Settings with_epochs(Settings settings, std::int64_t epochs) {
  settings.epochs = epochs;
  return settings;
}

/// The lines that a run prints, and its values.
struct Outcome {
  std::string printed;
  pytorch::StateDict state;
  std::vector<float> epoch_loss;
};

Outcome train(Demo demo, const Settings& settings, Engine engine, const CheckpointFiles& files) {
  Outcome outcome;
  const TrainedDemo trained = run_demo(
      demo, settings, [&](const std::string& line) { outcome.printed += line; }, {}, engine, files);
  outcome.printed += error_lines(trained);
  outcome.state = trained.state;
  outcome.epoch_loss = trained.run.epoch_loss;
  return outcome;
}

/// Its lines after the first two, which the stopped training printed.
std::string rest(const std::string& printed) {
  std::size_t first = 0;
  for (int i = 0; i < stopped_after; ++i) first = printed.find('\n', first) + 1;
  return printed.substr(first);
}

/// Runs our Python program with each of the command lines, in one process.
nlohmann::json run_python_program(Demo demo, const nlohmann::json& command_lines) {
  const TemporaryDirectory folder;
  const std::string file = folder.path() / "command_lines.json";
  std::ofstream(file) << command_lines;
  return nlohmann::json::parse(run_python(
      script("run_demos.py"), {python_folder().string(), report::to_string(demo), file}));
}

class CheckpointTest : public testing::TestWithParam<Demo> {
 protected:
  std::string path(const std::string& name) const { return folder_.path() / name; }

 private:
  TemporaryDirectory folder_;
};

TEST_P(CheckpointTest, IsGoneOnWithByEitherEngine) {
  for (const Settings& settings : cases()) {
    const Settings whole = with_epochs(settings, all_epochs);
    const Outcome unbroken = train(GetParam(), whole, Engine::autograd, {});
    for (const Engine first : {Engine::autograd, Engine::fused}) {
      const Settings begun = with_epochs(settings, stopped_after);
      train(GetParam(), begun, first, {path("a.pt"), {}});
      for (const Engine second : {Engine::autograd, Engine::fused}) {
        const Outcome resumed = train(GetParam(), whole, second, {{}, path("a.pt")});
        EXPECT_EQ(resumed.printed, rest(unbroken.printed));
        EXPECT_EQ(fmt::format("{}", fmt::join(resumed.epoch_loss, " ")),
                  fmt::format("{}", fmt::join(unbroken.epoch_loss, " ")));
        const pytorch::Diff difference = pytorch::diff(resumed.state, unbroken.state);
        EXPECT_TRUE(difference.equal()) << difference;
      }
    }
  }
}

TEST_P(CheckpointTest, CrossesToPythonAndBack) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  at::set_num_threads(1);  // as Python's
  nlohmann::json begin = nlohmann::json::array();
  nlohmann::json go_on = nlohmann::json::array();
  const auto arguments = [](const Settings& settings, const std::vector<std::string>& more) {
    std::vector<std::string> words = pytorch_arguments(settings, 1);
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::vector<Settings> all = cases();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Settings begun = with_epochs(all[i], stopped_after);
    begin.push_back(arguments(begun, {"--checkpoint", path(fmt::format("python_{}.pt", i))}));
    const std::string by_cpp = path(fmt::format("cpp_{}.pt", i));
    train(GetParam(), begun, i % 2 == 0 ? Engine::autograd : Engine::fused, {by_cpp, {}});
    go_on.push_back(arguments(with_epochs(all[i], all_epochs),
                              {"--resume", by_cpp, "--save", path(fmt::format("net_{}.pt", i))}));
  }
  run_python_program(GetParam(), begin);
  const nlohmann::json python = run_python_program(GetParam(), go_on);
  ASSERT_EQ(python.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(i);
    const Settings whole = with_epochs(all[i], all_epochs);
    const Outcome unbroken = train(GetParam(), whole, Engine::autograd, {});
    EXPECT_EQ(python[i]["stdout"].get<std::string>(), rest(unbroken.printed));
    const pytorch::Diff by_python = pytorch::diff(
        pytorch::load_state_dict_file(path(fmt::format("net_{}.pt", i))), unbroken.state);
    EXPECT_TRUE(by_python.equal()) << by_python;
    for (const Engine engine : {Engine::autograd, Engine::fused}) {
      const Outcome resumed =
          train(GetParam(), whole, engine, {{}, path(fmt::format("python_{}.pt", i))});
      EXPECT_EQ(resumed.printed, rest(unbroken.printed));
      const pytorch::Diff difference = pytorch::diff(resumed.state, unbroken.state);
      EXPECT_TRUE(difference.equal()) << difference;
    }
  }
}

/// Kills the program at random moments, and goes on with what it left, until it is done.
TEST_P(CheckpointTest, SurvivesKill9) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::string demo = report::to_string(GetParam());
  const std::vector<std::string> settings{"--examples=2000", "--epochs=60", "--batch-size=4"};
  const std::string file = path("checkpoint.pt");
  std::minstd_rand random(1);
  int kills = 0;
  for (int turn = 0; turn < 12; ++turn) {
    std::vector<std::string> words{LINREG_PROGRAM, demo};
    if (turn % 4 == 3) {  // Python's turn
      words = {live_python().value(), (python_folder() / (demo + ".py")).string()};
    } else if (turn % 2 == 1) {
      words.emplace_back("--engine=fused");
    }
    words.insert(words.end(), settings.begin(), settings.end());
    words.push_back("--checkpoint=" + file);
    if (std::filesystem::exists(file)) words.push_back("--resume=" + file);
    Running program(words);
    if (program.line().empty()) break;  // its first epoch, unless it had all of them
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
    program.interrupt(SIGKILL);
    kills += program.exit_status() == 128 + SIGKILL ? 1 : 0;
    pytorch::load_checkpoint(file);  // whole
  }
  EXPECT_GE(kills, 3);
  std::vector<std::string> words{demo, "--resume=" + file, "--save=" + path("resumed.pt")};
  words.insert(words.end(), settings.begin(), settings.end());
  const ProcessResult resumed = linreg(words);
  EXPECT_EQ(resumed.exit_status, 0) << resumed.err;
  words = {demo, "--save=" + path("unbroken.pt")};
  words.insert(words.end(), settings.begin(), settings.end());
  EXPECT_TRUE(linreg(words).out.ends_with(resumed.out)) << resumed.out;
  const pytorch::Diff difference =
      pytorch::diff(pytorch::load_state_dict_file(path("resumed.pt")),
                    pytorch::load_state_dict_file(path("unbroken.pt")));
  EXPECT_TRUE(difference.equal()) << difference;
}

TEST_P(CheckpointTest, OfOtherSettingsIsRefusedByTheFirstThatDiffers) {
  const std::string demo = report::to_string(GetParam());
  const std::string other = GetParam() == Demo::scratch ? "concise" : "scratch";
  const std::string file = path("checkpoint.pt");
  const std::string net = path("net.pt");
  ASSERT_EQ(linreg({demo, "--checkpoint", file, "--save", net, "--seed=-1"}).exit_status, 0);
  const std::string resume = "--resume is '" + file + "', but ";
  std::ofstream(path("text.pt")) << "not a checkpoint";
  for (const auto& [words, reason] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{demo, "--resume", file}, resume + "it was trained with --seed -1, not 0"},
           {{demo, "--resume", file, "--seed=-1", "--lr=0.1", "--true-w=1,2"},
            resume + "it was trained with --true-w [2.0,-3.4], not [1.0,2.0]"},
           {{demo, "--resume", file, "--seed=-1", "--batch-size=11"},
            resume + "it was trained with --batch-size 10, not 11"},
           {{demo, "--resume", file, "--seed=-1", "--init=zero"},
            resume + "it was trained with --init normal, not zero"},
           {{other, "--resume", file, "--seed=-1"},
            resume + "it is a training of `linreg " + demo + "`"},
           {{demo, "--resume", file, "--seed=-1", "--epochs=2"},
            resume + "it is at epoch 3, after --epochs 2"},
           {{demo, "--resume", net},
            "must be a file of --checkpoint: it can't be read: there is "
            "no \"demo\"; there is \"0.weight\", \"0.bias\""},
           {{demo, "--resume", path("text.pt")}, "a text file, not one of torch.save"},
           {{demo, "--resume", path("none.pt")}, "there is no such file"},
           {{demo, "--resume", file, "--plot=-"}, "--plot draws every step"},
           {{demo, "--checkpoint", net, "--save", net}, "must be two files"},
           {{demo, "--checkpoint", "-"}, "--checkpoint is '-'"}}) {
    const ProcessResult result = linreg(words);
    EXPECT_EQ(result.exit_status, 2) << reason;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_NE(result.err.find(reason), std::string::npos) << result.err;
  }
  // With all epochs done, nothing is left but the two lines.
  const ProcessResult done = linreg({demo, "--resume", file, "--seed=-1"});
  EXPECT_EQ(done.exit_status, 0) << done.err;
  EXPECT_EQ(lines(done.out), 2U) << done.out;
}

INSTANTIATE_TEST_SUITE_P(Demos, CheckpointTest, testing::Values(Demo::scratch, Demo::concise),
                         [](const auto& demo) { return report::to_string(demo.param); });

}  // namespace
}  // namespace linreg::app
