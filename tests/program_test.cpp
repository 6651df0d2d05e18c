#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // setenv
#include <torch/types.h>

#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"
#include "running.hpp"
#include "system/process.hpp"
#include "training/demo.hpp"

/// The program as a person runs it.
namespace linreg::app {
namespace {

using namespace std::chrono_literals;

ProcessResult linreg(std::vector<std::string> words) {
  words.insert(words.begin(), LINREG_PROGRAM);
  return run_process(words, 600s);
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void expect_at_most_80_columns(const std::string& text) {
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 80U) << line;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

/// The learning rate that a line on a diverged run advises.
std::string advised_lr(const std::string& err) {
  const std::string before = "up to about ";
  const std::size_t first = err.find(before);
  if (first == std::string::npos) return "none: " + err;
  return err.substr(first + before.size(),
                    err.find(' ', first + before.size()) - first - before.size());
}

TEST(Program, SaysWhatItIs) {
  const ProcessResult version = linreg({"--version"});
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_TRUE(version.out.starts_with("linreg " LINREG_VERSION " (LibTorch ")) << version.out;
}

TEST(Program, HelpsWithEveryCommandWithin80Columns) {
  for (const char* command : {"scratch", "concise", "compare"}) {
    const ProcessResult help = linreg({command, "--help"});
    EXPECT_EQ(help.exit_status, 0);
    EXPECT_EQ(help.err, "");
    for (const char* option :
         {"--seed", "--examples", "--true-w", "--true-b", "--noise", "--lr", "--epochs",
          "--batch-size", "--init", "--threads", "--json", "--plot"}) {
      EXPECT_NE(help.out.find(option), std::string::npos) << option;
    }
    for (const char* option : {"--save", "--lang"}) {
      EXPECT_EQ(help.out.find(option) != std::string::npos, command != std::string("compare"));
    }
    EXPECT_EQ(help.out.find("--look") != std::string::npos, command == std::string("concise"));
    expect_at_most_80_columns(help.out);
  }
  for (const std::string command : {"data", "sweep"}) {
    const ProcessResult help = linreg({command, "--help"});
    EXPECT_EQ(help.exit_status, 0);
    expect_at_most_80_columns(help.out);
    for (const char* option : {"--seed", "--examples", "--true-w", "--true-b", "--noise",
                               "--batch-size", "--threads", "--plot"}) {
      EXPECT_NE(help.out.find(option), std::string::npos) << option;
    }
    for (const char* option : {"--lr", "--epochs", "--init", "--json", "--demo"}) {
      EXPECT_EQ(help.out.find(option) != std::string::npos, command == "sweep") << option;
    }
    EXPECT_EQ(help.out.find("--loader") != std::string::npos, command == "data");
  }
  const ProcessResult help = linreg({"--help"});
  EXPECT_EQ(help.exit_status, 0);
  expect_at_most_80_columns(help.out);
}

TEST(Program, RefusesAnUnusableCommandLineInOneLineWithStatus2) {
  const std::vector<std::vector<std::string>> command_lines{
      {},
      {"train"},
      {"--foo"},
      {"scratch", "--lr"},
      {"scratch", "--lr", "0.1", "--lr", "0.2"},
      {"scratch", "--lr", "nan"},
      {"scratch", "--learning-rate", "0.1"},
      {"scratch", "concise"},
      {"concise", "--seed", "18446744073709551616"},
      {"concise", "--json", "/nonexistent/record.json"},
      {"scratch", "--save", "/nonexistent/weights.pt"},
      {"scratch", "--save", "one", "--json", "./one"},
      {"scratch", "--plot", "picture.gif"},
      {"compare", "--plot", "-", "--json", "-"},
      {"compare", "--save", "weights.pt"},
      {"compare", "--lang", "zh"},
      {"scratch", "--lang", "fr"},
      {"scratch", "--look"},
      {"concise", "--look=1"},
      {"data", "--lr", "0.1"},
      {"data", "--loader", "both"},
      {"sweep", "--demo", "both"},
      {"sweep", "--lr", "0.1,,1"},
      {"sweep", "--lr", "0.1,0"},
      {"sweep", "--lr", ""},
      {"sweep", "--batch-size", "0"},
      {"sweep", "--batch-size", "10,any"},
      {"sweep", "--batch-size", "all,"},
      {"sweep", "--init", "/nonexistent"},
      {"sweep", "--save", "weights.pt"},
      {"compare", "--pytorch", "/nonexistent"},
      {"compare", "--pytorch", "/"},
      {"compare", "--pytorch", ""},
  };
  for (const auto& words : command_lines) {
    const ProcessResult result = linreg(words);
    SCOPED_TRACE(fmt::format("linreg {}", fmt::join(words, " ")));
    EXPECT_EQ(result.exit_status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_TRUE(result.err.starts_with("linreg: ")) << result.err;
  }
  EXPECT_NE(linreg({"scratch", "--ephocs", "3"}).err.find("'--epochs'"), std::string::npos)
      << "the nearest option is named";
  EXPECT_EQ(linreg({"scratch", "--lang", "fr"}).err,
            "linreg: --lang is 'fr', but must be en or zh\n");
}

TEST(Program, WritesARecordThatReadsBackAndPrintsTheSameWithIt) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  for (const std::string command : {"scratch", "concise"}) {
    const ProcessResult plain = linreg({command, "--seed", "-7", "--epochs", "2"});
    EXPECT_EQ(plain.exit_status, 0);
    EXPECT_EQ(lines(plain.out), 4U);
    EXPECT_EQ(plain.err, "");
    EXPECT_EQ(linreg({command, "--seed", "-7", "--epochs", "2", "--json", file}).out, plain.out);

    const nlohmann::json record = read_json(file);
    EXPECT_EQ(record["linreg"], LINREG_VERSION);
    EXPECT_GE(record["threads"], 1);
    const report::Settings settings{.seed = {7, true}, .epochs = 2};
    EXPECT_EQ(report::settings_from_json(record["settings"]), settings);
    ASSERT_EQ(record["runs"].size(), 1U);
    const report::Run run = report::run_from_json(record["runs"][0]);
    EXPECT_EQ(run.implementation, command);
    EXPECT_EQ(run.framework, "libtorch");
    EXPECT_EQ(run.steps, 200);
    EXPECT_NE(plain.out.find(fmt::format("epoch 2, loss {:f}\n", run.epoch_loss.at(1))),
              std::string::npos);

    nlohmann::json on_stdout = nlohmann::json::parse(
        linreg({command, "--seed", "-7", "--epochs", "2", "--json", "-"}).out);
    on_stdout["runs"][0]["train_seconds"] = record["runs"][0]["train_seconds"];
    EXPECT_EQ(on_stdout, record);
  }
}

TEST(Program, DrawsAPictureAndPrintsTheSameWithIt) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "picture.svg";
  for (const std::string command : {"scratch", "concise"}) {
    const ProcessResult plain = linreg({command, "--epochs", "2"});
    const ProcessResult drawing = linreg({command, "--epochs", "2", "--plot", file});
    EXPECT_EQ(drawing.exit_status, 0) << drawing.err;
    EXPECT_EQ(drawing.err, "");
    EXPECT_EQ(drawing.out, plain.out);
    std::ifstream picture(file);
    const std::string svg(std::istreambuf_iterator<char>(picture), {});
    EXPECT_NE(svg.find("linreg " + command + ": seed 0"), std::string::npos);
    EXPECT_NE(svg.find("</svg>"), std::string::npos);

    const ProcessResult text = linreg({command, "--epochs", "2", "--plot", "-"});
    EXPECT_TRUE(text.out.starts_with(plain.out)) << "the picture comes after the text";
    EXPECT_GT(lines(text.out), lines(plain.out) + 30);
    expect_at_most_80_columns(text.out);
  }
  EXPECT_EQ(linreg({"compare", "--epochs", "1", "--plot", folder.path() / "both.png"}).err, "");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "both.png"));
  EXPECT_EQ(linreg({"data", "--plot", file}).out, linreg({"data"}).out);
  const ProcessResult sweep = linreg({"sweep", "--batch-size", "all", "--plot", "-"});
  EXPECT_NE(sweep.out.find("batch size 1000 (all)"), std::string::npos) << sweep.out;
  expect_at_most_80_columns(sweep.out);
}

TEST(Program, SucceedsWithoutAPictureWhereThereIsNoGnuplot) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "picture.svg";
  const ProcessResult result =
      run_process({"env", "PATH=/nonexistent", LINREG_PROGRAM, "scratch", "--plot", file}, 600s);
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.out, linreg({"scratch"}).out);
  EXPECT_EQ(lines(result.err), 1U) << result.err;
  EXPECT_NE(result.err.find("apt install gnuplot-nox"), std::string::npos) << result.err;
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(Program, PrintsTheSameBytesEachTime) {
  const auto record = [] {
    return run_process(
        {"sh", "-c",
         fmt::format("'{}' scratch --json - --threads 2 --examples 100000 --epochs 1 --batch-size "
                     "100000 --true-w 1,2,3,4 | grep -v train_seconds",
                     LINREG_PROGRAM)},
        600s);
  };
  const std::string first = record().out;
  EXPECT_GT(lines(first), 20U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(record().out, first);
}

TEST(Program, PrintsWhatThePytorchProgramsPrint) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::vector<std::string> options{"--seed",   "-12345678901", "--examples", "97",
                                         "--true-w", "-1,0.5,3",     "--lr",       "0.1",
                                         "--noise",  "0.2",          "--threads",  "1"};
  for (const std::string program : {"scratch", "concise"}) {
    std::vector<std::string> words{program};
    words.insert(words.end(), options.begin(), options.end());
    EXPECT_EQ(linreg(words).out, test::run_python(python_folder() / (program + ".py"), options));
  }
}

TEST(Program, PrintsTheArticlesLabelsAndTheFirstMinibatchAsThePytorchProgramsDo) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  for (const auto& [program, options] :
       std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"scratch", {"--lang", "zh", "--threads", "1"}},
           {"concise", {"--lang", "zh", "--threads", "1"}},
           {"concise", {"--lang=zh", "--look", "--seed", "3", "--threads", "1"}},
           {"concise", {"--look", "--batch-size", "2", "--examples", "5", "--threads", "1"}}}) {
    std::vector<std::string> words{program};
    words.insert(words.end(), options.begin(), options.end());
    EXPECT_EQ(linreg(words).out, test::run_python(python_folder() / (program + ".py"), options));
  }
}

TEST(Program, DrawsTheMinibatchOfALookThoughARecordTakesThePlaceOfTheText) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  linreg({"concise", "--look", "--json", file});
  nlohmann::json record = read_json(file);
  EXPECT_EQ(record["settings"]["look"], true);
  nlohmann::json on_stdout =
      nlohmann::json::parse(linreg({"concise", "--look", "--json", "-"}).out);
  on_stdout["runs"][0]["train_seconds"] = record["runs"][0]["train_seconds"];
  EXPECT_EQ(on_stdout, record);
  linreg({"concise", "--json", file});
  EXPECT_NE(read_json(file)["runs"][0]["w"], record["runs"][0]["w"]) << "another order of examples";
}

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

TEST(Data, FromScratchIsWhatTrainingMeetsFirst) {
  const ProcessResult result = linreg({"data", "--batch-size", "1", "--true-w", "2"});
  std::vector<torch::Tensor> losses;
  const report::Settings settings{.true_w = {2}, .lr = 1e-30, .batch_size = 1, .init = "zero"};
  run_scratch(settings, {}, [&](const torch::Tensor& l) {
    losses.push_back(l);
    return false;
  });
  // From zero, the loss is half of the label's square.
  const float y = std::sqrt(2 * losses.at(0).item<float>());
  EXPECT_NE(result.out.find(fmt::format(" \n tensor([[{:.4f}]])\n", y)), std::string::npos)
      << y << " in " << result.out;
}

TEST(Sweep, TrainsEachRowAsTheDemoWithItsOptionsWould) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  const std::vector<std::string> common{"--examples", "97", "--epochs", "4", "--seed", "3"};
  for (const std::string demo : {"scratch", "concise"}) {
    std::vector<std::string> words{"sweep",  "--demo", demo,           "--lr",        "0.3,3",
                                   "--json", file,     "--batch-size", "1,10,all,200"};
    words.insert(words.end(), common.begin(), common.end());
    const ProcessResult result = linreg(words);
    EXPECT_EQ(result.exit_status, 0);
    EXPECT_EQ(result.err, "");
    expect_at_most_80_columns(result.out);
    const nlohmann::json record = read_json(file);
    EXPECT_FALSE(record["settings"].contains("lr"));
    ASSERT_EQ(record["runs"].size(), 8U);
    std::size_t i = 0;
    for (const char* batch_size : {"1", "10", "97", "200"}) {
      for (const char* lr : {"0.3", "3"}) {
        const nlohmann::json& row = record["runs"][i++];
        SCOPED_TRACE(fmt::format("{} --lr {} --batch-size {}", demo, lr, batch_size));
        std::vector<std::string> alone{demo, "--lr", lr, "--json", "-", "--batch-size", batch_size};
        alone.insert(alone.end(), common.begin(), common.end());
        const nlohmann::json run = nlohmann::json::parse(linreg(alone).out)["runs"][0];
        EXPECT_EQ(fmt::format("{}", row["lr"].get<double>()), lr);
        EXPECT_EQ(fmt::to_string(row["batch_size"].get<int>()), batch_size);
        for (const char* key : {"implementation", "epoch_loss", "w", "b", "w_error", "steps"}) {
          EXPECT_EQ(row[key], run[key]) << key;
        }
        const auto diverged = row["diverged_at_epoch"];
        const std::string shown =
            diverged.is_null() ? fmt::format("{:.5g} ", row["epoch_loss"].back().get<float>())
                               : fmt::format("diverged at epoch {} ", diverged.get<int>());
        EXPECT_NE(result.out.find(shown), std::string::npos) << shown << " in\n" << result.out;
      }
    }
    EXPECT_EQ(record["runs"][1]["diverged_at_epoch"].is_null(), false) << "3 is far too large";
  }
}

TEST(Sweep, NamesTheLargestStableLearningRateBesideWhatCameOfIt) {
  const nlohmann::json record =
      nlohmann::json::parse(linreg({"sweep", "--epochs", "200", "--lr", "1,1.8,2.2", "--batch-size",
                                    "all", "--json", "-"})
                                .out);
  const double stable = record["stable_lr"];
  EXPECT_GT(stable, 1.8);
  EXPECT_LT(stable, 2.2);
  for (const auto& run : record["runs"]) {
    EXPECT_EQ(run["stable_lr"], stable);
    const bool grows = run["epoch_loss"].back() > run["epoch_loss"].front();
    EXPECT_EQ(grows, run["lr"].get<double>() > stable) << run["lr"];
  }
  const ProcessResult table = linreg({"sweep", "--epochs", "1"});
  EXPECT_EQ(table.exit_status, 0);
  EXPECT_EQ(lines(table.out), 5U + 20U + 5U)
      << table.out;  // a head, four sizes of five rates, words
  EXPECT_NE(
      table.out.find(
          "stable up to a learning rate of " +
          advised_lr(
              linreg({"scratch", "--lr", "9", "--epochs", "300", "--batch-size", "1000"}).err)),
      std::string::npos)
      << table.out;
}

TEST(Compare, OfTheSameVersionIsEqualToTheLastBit) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  const ProcessResult result = linreg({"compare", "--pytorch", *test::live_python(), "--examples",
                                       "95", "--true-w", "1,2,3", "--json", file});
  EXPECT_EQ(result.exit_status, 0) << result.out << result.err;
  EXPECT_EQ(result.err, "");
  expect_at_most_80_columns(result.out);
  EXPECT_NE(result.out.find("Equal to the last bit: all 22 values.\n"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("The last minibatch is short"), std::string::npos);

  const nlohmann::json record = read_json(file);
  ASSERT_EQ(record["runs"].size(), 4U);
  ASSERT_EQ(record["comparison"].size(), 2U);
  for (const auto& comparison : record["comparison"]) {
    ASSERT_EQ(comparison["values"].size(), 11U);
    for (const auto& value : comparison["values"]) EXPECT_EQ(value["ulp"], 0) << value;
  }
}

TEST(Compare, ShowsTheExactAnswerAndHowFarBothDemosAre) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  const ProcessResult result = linreg({"compare", "--epochs", "10", "--json", file});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  expect_at_most_80_columns(result.out);
  EXPECT_NE(result.out.find("\nThe exact answer, by least squares, that both demos head for\n"),
            std::string::npos)
      << result.out;

  const nlohmann::json record = read_json(file);
  const nlohmann::json& fit = record["best_fit"];
  EXPECT_EQ(fit["rank"], 3);
  EXPECT_EQ(fit["collinear"], false);
  for (std::size_t i = 0; i < 2; ++i) {
    const report::Run run = report::run_from_json(record["runs"][i]);
    const double loss = fit["loss"][run.implementation];
    // No weights do better, up to the rounding of float32; and these have come near.
    EXPECT_GT(run.epoch_loss.back(), loss * (1 - 1e-4)) << run.implementation;
    EXPECT_LT(run.epoch_loss.back(), loss * 1.1) << run.implementation;
    for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(run.w[j], fit["w"][j].get<double>(), 0.005);
  }
}

TEST(Compare, WarnsOfCollinearFeaturesInOneLineAndShowsTheAnswerOfLeastNorm) {
  const ProcessResult result = linreg({"compare", "--examples", "2", "--true-w", "1,2,3"});
  EXPECT_EQ(result.exit_status, 0) << result.out << result.err;
  EXPECT_EQ(
      result.err,
      "linreg: the features are collinear, with the bias of rank 2 below 4: many weights fit as "
      "well as the exact answer shown\n");
  EXPECT_NE(result.out.find("that both demos head for (of several,\nthe one of the least norm)\n"),
            std::string::npos)
      << result.out;
}

TEST(Compare, LeavesTheExactAnswerOutWhereItWouldTakeMinutesOrIsNotFinite) {
  const ProcessResult result = linreg({"compare", "--true-w", "3e38,3e38", "--json", "-"});
  EXPECT_EQ(nlohmann::json::parse(result.out)["best_fit"], nullptr);
  std::string many = "1";
  for (int i = 1; i < 2000; ++i) many += ",1";
  const ProcessResult wide =
      linreg({"compare", "--true-w", many, "--examples", "3", "--lr", "1e-4", "--json", "-"});
  EXPECT_EQ(nlohmann::json::parse(wide.out)["best_fit"], nullptr);
}

std::string from_last_epoch_on(const std::string& out) { return out.substr(out.find("error in ")); }

TEST(Program, StartsFromTheWeightsThatItSaved) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "weights.pt";
  for (const std::string command : {"scratch", "concise"}) {
    const ProcessResult saving = linreg({command, "--epochs", "1", "--save", file});
    EXPECT_EQ(saving.exit_status, 0) << saving.err;
    EXPECT_EQ(saving.out, linreg({command, "--epochs", "1"}).out);
    const ProcessResult untrained = linreg({command, "--epochs", "0", "--init", file});
    EXPECT_EQ(untrained.out, from_last_epoch_on(saving.out)) << untrained.err;

    const ProcessResult onward = linreg({command, "--init", file, "--save", file, "--json", "-"});
    EXPECT_EQ(nlohmann::json::parse(onward.out)["settings"]["init"], file);
    EXPECT_NE(linreg({command, "--epochs", "0", "--init", file}).out, untrained.out);
  }
  EXPECT_EQ(from_last_epoch_on(linreg({"scratch", "--epochs", "0", "--init", "zero"}).out),
            "error in estimating w: tensor([ 2.0000, -3.4000], grad_fn=<SubBackward0>)\n"
            "error in estimating b: tensor([4.2000], grad_fn=<RsubBackward1>)\n");
}

TEST(Program, SharesItsWeightsWithThePytorchPrograms) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const std::string here = folder.path() / "here.pt";
  const std::string python = folder.path() / "python.pt";
  for (const std::string program : {"scratch", "concise"}) {
    const auto in_python = [&](const std::vector<std::string>& options) {
      return test::run_python(python_folder() / (program + ".py"), options);
    };
    linreg({program, "--threads", "1", "--seed", "3", "--epochs", "1", "--save", here});
    in_python({"--threads", "1", "--seed", "4", "--epochs", "1", "--save", python});
    for (const std::string& file : {here, python}) {
      const ProcessResult result = linreg({program, "--threads", "1", "--init", file});
      EXPECT_EQ(result.exit_status, 0) << result.err;
      EXPECT_EQ(result.out, in_python({"--threads", "1", "--init", file}));
    }
  }
  const ProcessResult compare =
      linreg({"compare", "--pytorch", *test::live_python(), "--seed", "5", "--init", python});
  EXPECT_EQ(compare.exit_status, 0) << compare.out << compare.err;
  EXPECT_NE(compare.out.find("Equal to the last bit: all 18 values.\n"), std::string::npos)
      << compare.out;
}

TEST(Program, RefusesAnInitThatIsNoStateDictOfTheModelBeforeAnyWork) {
  const test::TemporaryDirectory folder;
  const auto path = [&](const char* name) { return folder.path() / name; };
  using Entries = std::vector<std::pair<std::string, torch::Tensor>>;
  const torch::Tensor weight = torch::zeros({1, 2});
  const torch::Tensor bias = torch::zeros(1);
  const auto save = [&](const char* name, const Entries& entries) {
    pytorch::StateDict state;
    for (const auto& [key, tensor] : entries) state.insert(key, tensor);
    pytorch::save_state_dict_file(path(name), state);
  };
  save("right", {{"0.bias", bias}, {"0.weight", weight}});
  std::ifstream right(path("right"), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(right), {});
  std::ofstream(path("truncated"), std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  std::ofstream(path("garbage")) << "epoch 1, loss 0.039163\nepoch 2, loss 0.000145\n";
  std::ofstream(path("empty"));
  std::filesystem::create_directory(path("folder"));
  save("shape", {{"0.weight", torch::zeros({2, 1})}, {"0.bias", bias}});
  save("features", {{"0.weight", torch::zeros({1, 3})}, {"0.bias", bias}});
  save("scalar", {{"0.weight", weight}, {"0.bias", torch::zeros({})}});
  save("dtype", {{"0.weight", weight}, {"0.bias", bias.to(torch::kDouble)}});
  save("nan", {{"0.weight", weight / 0}, {"0.bias", bias}});
  save("lacking", {{"0.weight", weight}});
  save("names", {{"weight", weight}, {"bias", bias}});
  save("more", {{"0.weight", weight}, {"0.bias", bias}, {"1.weight", weight}});
  save("none", {});

  EXPECT_EQ(linreg({"concise", "--init", path("right")}).exit_status, 0);
  const std::vector<std::pair<const char*, const char*>> wrong{
      {"missing", "there is no such file"},
      {"folder", "no regular file"},
      {"empty", "it can't be read: "},
      {"truncated", "it can't be read: "},
      {"garbage", "no zip file"},
      {"shape", "its 0.weight has shape (2, 1)"},
      {"features", "its 0.weight has shape (1, 3)"},
      {"scalar", "its 0.bias has shape ()"},
      {"dtype", "its 0.bias is of dtype Double"},
      {"nan", "its 0.weight is not finite"},
      {"lacking", "it has no 0.bias"},
      {"names", "it has no 0.weight"},
      {"more", "it has a '1.weight', too"},
      {"none", "it has no 0.weight"}};
  std::size_t turn = 0;
  for (const auto& [name, why] : wrong) {
    const char* command = std::array{"scratch", "concise", "compare"}[turn++ % 3];
    SCOPED_TRACE(testing::Message() << command << ' ' << name);
    const ProcessResult result =
        linreg({command, "--init", path(name), "--json", path("record.json")});
    EXPECT_EQ(result.exit_status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_TRUE(
        result.err.starts_with(fmt::format("linreg: --init is '{}', but ", path(name).string())))
        << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_TRUE(result.err.ends_with(
        "normal, zero, or a state_dict file with 0.weight (1, 2) and 0.bias (1), finite "
        "float32\n"))
        << result.err;
    EXPECT_FALSE(std::filesystem::exists(path("record.json")));
  }
}

TEST(DivergedRun, IsShownWholeAndNamesItsStepAndAStableLearningRate) {
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

    // The first minibatch, or else the first epoch, with a loss that is not finite.
    const auto finite = std::ranges::count_if(run.epoch_loss, [](float l) { return l < INFINITY; });
    EXPECT_GT(finite, 0);
    std::vector<bool> steps;
    RunDemo demo = command == "scratch" ? run_scratch : run_concise;
    demo({.examples = 50, .lr = 3, .epochs = finite + 1}, {}, [&](const torch::Tensor& l) {
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
  const std::string shown = run_process({"script", "-qec", command, "/dev/null"}, 600s).out;
  std::string line = linreg({"scratch", "--lr", "100"}).err;
  line.insert(line.size() - 1, 1, '\r');
  EXPECT_TRUE(shown.ends_with(line)) << shown;
}

TEST(DivergedRun, TrainsAtTheLearningRateThatItAdvises) {
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

TEST(DivergedRun, DoesNotBlameALearningRateThatIsStable) {
  const ProcessResult result = linreg({"concise", "--true-w", "1e30,1"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_TRUE(result.err.ends_with(
      "epoch 1, step 1 on: --lr 0.03 is small enough, but the numbers are too large for float32\n"))
      << result.err;
}

TEST(Program, EndsWithItsStatusWhereNobodyHearsIt) {
  const auto status = [](const std::string& words) {
    return run_process({"bash", "-c", fmt::format("'{}' {}", LINREG_PROGRAM, words)}, 600s)
        .exit_status;
  };
  EXPECT_EQ(status("scratch --lr nan 2>/dev/full"), 2);
  EXPECT_EQ(status("scratch --lr nan <&- >&- 2>&-"), 2);
  EXPECT_EQ(status("scratch --lr 100 2>/dev/full"), 1);
  EXPECT_EQ(status("scratch >/dev/full 2>&1"), 1);
  EXPECT_EQ(status("scratch >&-"), 1);
  EXPECT_EQ(status("--help >/dev/full"), 1);
  EXPECT_EQ(status("scratch --help >/dev/full"), 1);
  EXPECT_EQ(status("--version >&-"), 1);
  const test::TemporaryDirectory folder;
  EXPECT_EQ(status(fmt::format("scratch --json {} >&-", (folder.path() / "x").string())), 1);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "what stdout refuses is in no file";
}

TEST(Program, SaysInOneLineOfTextWhatWasNoText) {
  ProcessResult result = linreg({"scratch", "--lr", "0.1\n\x1b[31m\xff"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_EQ(
      result.err,
      "linreg: --lr is '0.1\\n\\x1b[31m\\xff', but must be a finite float32 number above 0\n");
  result = linreg({"scratch", "--lr", std::string(100'000, '1')});
  EXPECT_LT(result.err.size(), 1000U);
  EXPECT_TRUE(result.err.ends_with("1', but must be a finite float32 number above 0\n"));
}

TEST(Program, CountsTheLimitOfItsAddressSpace) {
  if (test::is_sanitized) GTEST_SKIP() << "the sanitizer needs what this takes away";
  const ProcessResult result = run_process(
      {"prlimit", "--as=4000000000", LINREG_PROGRAM, "scratch", "--examples", "400000000"}, 600s);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_TRUE(result.err.starts_with("linreg: --examples is '400000000', but must be at most "))
      << result.err;
}

TEST(Program, RefusesMoreThreadsThanTheSystemStarts) {
  if (test::is_sanitized) GTEST_SKIP() << "the sanitizer needs what this takes away";
  const ProcessResult result = run_process(
      {"prlimit", "--as=4000000000", LINREG_PROGRAM, "scratch", "--threads", "1024"}, 600s);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("linreg: --threads is '1024', but must be fewer"))
      << result.err;
}

TEST(Program, WritesEachFileThatItCanAndSaysEveryFailure) {
  const test::TemporaryDirectory folder;
  const std::string record = folder.path() / "record";
  const std::string weights = folder.path() / "weights";
  const auto limited = [&](const char* bytes, const std::string& json) {
    return run_process({"prlimit", fmt::format("--fsize={}", bytes), LINREG_PROGRAM, "scratch",
                        "--epochs", "0", "--json", json, "--save", weights},
                       600s);
  };
  ProcessResult result = limited("1000", record);  // enough for a record, not for weights
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, fmt::format("linreg: {}: can't be written: File too large\n", weights));
  EXPECT_EQ(read_json(record)["runs"].size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(weights));

  result = limited("unlimited", "/dev/full");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "linreg: can't write /dev/full: No space left on device\n");
  EXPECT_EQ(pytorch::load_state_dict_file(weights).size(), 2U);

  std::filesystem::remove(record);
  std::filesystem::remove(weights);
  result = limited("100", record);
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(lines(result.out), 2U);
  EXPECT_EQ(lines(result.err), 2U) << result.err;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Program, IsInterruptedWithTheEpochsFinishedAndNoFileWritten) {
  for (const auto& [signal, status] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    for (const char* command : {"scratch", "concise"}) {
      SCOPED_TRACE(testing::Message() << command << ' ' << signal);
      const test::TemporaryDirectory folder;
      test::Running running({LINREG_PROGRAM, command, "--epochs", "9223372036854775807", "--json",
                             folder.path() / "record", "--save", folder.path() / "weights"});
      EXPECT_TRUE(running.line().starts_with("epoch 1, loss 0."));
      EXPECT_TRUE(running.line().starts_with("epoch 2, loss 0."));
      running.interrupt(signal);
      std::string line = running.line();
      while (line.starts_with("epoch ") && line.ends_with('\n')) line = running.line();
      EXPECT_EQ(line, "linreg: interrupted\n");
      EXPECT_EQ(running.line(), "");
      EXPECT_EQ(running.exit_status(), status);
      EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    }
  }
}

TEST(Program, IsInterruptedBetweenItsStepsToo) {
  const std::vector<std::vector<std::string>> long_works{
      {"scratch", "--examples", "30000000", "--true-w", "1"},  // data, then a shuffle
      {"concise", "--examples", "30000000", "--true-w", "1"},
      {"scratch", "--lr", "1e30", "--json", "-", "--epochs", "100000"}};
  for (std::vector<std::string> words : long_works) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(words, " ")));
    words.insert(words.begin(), LINREG_PROGRAM);
    test::Running running(words);
    running.wait_until_it_handles(SIGTERM);
    std::this_thread::sleep_for(1s);  // it is at work by then
    running.interrupt(SIGTERM);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(running.line(), "linreg: interrupted\n");
    EXPECT_EQ(running.exit_status(), 143);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  }
}

TEST(Program, IsSilentWhenItsReaderHasSeenEnough) {
  for (const char* trap : {"", "trap '' PIPE; "}) {
    const ProcessResult result = run_process(
        {"sh", "-c", fmt::format("{}'{}' scratch --epochs 300 | head -1", trap, LINREG_PROGRAM)},
        600s);
    EXPECT_EQ(result.out, "epoch 1, loss 0.039163\n");
    EXPECT_EQ(result.err, "");
  }
}

TEST(Compare, OfADivergedRunIsStillMadeAndSaysSoWithStatus1) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const ProcessResult result =
      linreg({"compare", "--pytorch", *test::live_python(), "--lr", "4", "--init", "zero"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_NE(result.out.find("Equal to the last bit: all 18 values.\n"
                            "The training diverged: not every loss is finite.\n"),
            std::string::npos)
      << result.out;
  EXPECT_EQ(lines(result.err), 2U) << result.err;
  EXPECT_TRUE(result.err.starts_with("linreg: the loss of scratch is not finite from epoch "));
}

/// A file that may be run.
std::string executable(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

/// A program in Python's place, written to a file of its own.
std::string impostor(const test::TemporaryDirectory& folder, const std::string& script) {
  return executable(folder.path() / "python", "#!/bin/sh\n" + script + '\n');
}

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenPythonFails) {
  const test::TemporaryDirectory folder;
  const std::vector<std::pair<std::string, std::string>> failures{
      {"echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1", "has no torch"},
      {"echo 'Segmentation fault' >&2; exit 139", "Segmentation fault"},
      {"exit 127", "fails (exit status 127): it says nothing"},
      {"exit 0", "did not print a record of its run (it printed nothing)"},
      {"echo '{\"runs\": [{}]}'", "did not print a record"},
      {"echo '{'", "did not print a record of its run (it is no JSON object)"},
      {"echo '[]'", "did not print a record of its run (it is no JSON object)"},
      {"kill -KILL $$", "fails (killed by signal 9): it says nothing"},
      {"sleep 100", "--pytorch-timeout"},
      {"head -c 1000000 /dev/zero | tr '\\0' 1", "did not print a record"},
      {"yes", "has printed more than any record holds"},
      {"yes >&2", "has printed more than any record holds"},
      {"head -c 100000000 /dev/zero >&2; exit 3", "exit status 3"},
      {"head -c 100000 /dev/urandom", "did not print a record"},
      {"printf '{\"runs\": [{\"implementation\": \"\\377\"}]}'", "did not print a record"},
      {"echo '{\"runs\": [{\"epoch_loss\": [1e999]}]}'", "did not print a record"},
  };
  for (const auto& [script, expected] : failures) {
    SCOPED_TRACE(script);
    const ProcessResult result =
        linreg({"compare", "--pytorch", impostor(folder, script), "--pytorch-timeout", "2"});
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_LE(result.err.size(), 500U);
    EXPECT_NE(result.err.find(expected), std::string::npos) << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("Equal"), std::string::npos) << result.out;
  }
  const ProcessResult verbose = linreg(
      {"compare", "--pytorch", impostor(folder, "echo its own words >&2; exit 1"), "--verbose"});
  EXPECT_NE(verbose.err.find("its own words\n"), std::string::npos) << verbose.err;
}

TEST(Compare, SaysWhyPythonCantBeStartedAndShowsItsOwnResults) {
  const test::TemporaryDirectory folder;
  const auto path = folder.path() / "python";
  const auto expect_error = [](const ProcessResult& result, const std::string& expected) {
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U);
    EXPECT_TRUE(result.err.ends_with(expected + '\n')) << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
  };
  for (const auto& [text, expected] :
       {std::pair{"", "Exec format error"}, {"#!/nonexistent\n", "No such file or directory"}}) {
    expect_error(linreg({"compare", "--pytorch", executable(path, text)}),
                 fmt::format("linreg: {} can't be started: {}", path.string(), expected));
  }
  if (test::is_sanitized) return;  // it needs descriptors to spare
  expect_error(run_process({"sh", "-c", "ulimit -n 6; exec \"$0\" compare", LINREG_PROGRAM}, 600s),
               "can't be started: Too many open files");
}

TEST(Compare, PassesOverAPythonThatItOnlyTriesAndThatCantBeRun) {
  const test::TemporaryDirectory folder;
  for (const char* text : {"", "#!/nonexistent\n", "#!/bin/sh\nexit 127\n"}) {
    SCOPED_TRACE(text);
    executable(folder.path() / "python3", text);
    const ProcessResult result =
        run_process({"env", fmt::format("PATH={}:{}", folder.path().string(), std::getenv("PATH")),
                     LINREG_PROGRAM, "compare"},
                    600s);
    EXPECT_EQ(result.exit_status, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_NE(result.out.find("Equal "), std::string::npos) << result.out;
  }
}

TEST(Compare, TakesTheRecordOfAPythonThatSucceedsWhateverItSays) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const std::string python = impostor(
      folder,
      fmt::format("echo \"No module named 'torch'\" >&2; exec '{}' \"$@\"", *test::live_python()));
  const ProcessResult result = linreg({"compare", "--pytorch", python});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_NE(result.out.find("Equal to the last bit"), std::string::npos) << result.out;
}

TEST(Compare, HandsPythonMoreWeightsThanAnArgumentHolds) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  std::string true_w = "2";
  for (int i = 1; i < 40'000; ++i) true_w += ",2";  // "2.0" for Python: 160 KB
  const ProcessResult result = linreg({"compare", "--pytorch", *test::live_python(), "--examples",
                                       "10", "--lr", "1e-5", "--true-w", true_w});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_NE(result.out.find("Equal to the last bit: all 160010 values."), std::string::npos);
}

TEST(Compare, RefusesARecordOfAnotherShapeAndShowsItsOwnResults) {
  const nlohmann::json run{{"implementation", "scratch"},
                           {"framework", "pytorch"},
                           {"version", "2"},
                           {"epoch_loss", {1, 2, 3}},
                           {"w", {1, 2}},
                           {"b", 1},
                           {"w_error", {1, 2}},
                           {"b_error", 1},
                           {"steps", 300},
                           {"train_seconds", 1}};
  const std::vector<std::pair<const char*, nlohmann::json>> faults{
      {"epoch_loss", nlohmann::json::array()},
      {"epoch_loss", {1, 2, 3, 4}},
      {"w", nlohmann::json::array()},
      {"w", std::vector<int>(50, 1)},
      {"w_error", nlohmann::json::array()},
      {"steps", -1},
      {"train_seconds", "nan"},
      {"version", "\u001b[2J"},
      {"implementation", "concise"},
      {"framework", "libtorch"}};
  const test::TemporaryDirectory folder;
  const std::string record = folder.path() / "record";
  const std::string python = impostor(
      folder,
      fmt::format("case $1 in */concise.py) sed s/scratch/concise/ '{0}';; *) cat '{0}'; esac",
                  record));
  std::ofstream(record) << nlohmann::json{{"runs", {run}}};
  EXPECT_NE(linreg({"compare", "--pytorch", python}).out.find("NOT EQUAL"), std::string::npos);
  for (const auto& [key, value] : faults) {
    SCOPED_TRACE(testing::Message() << key << ' ' << value);
    nlohmann::json other = run;
    other[key] = value;
    std::ofstream(record) << nlohmann::json{{"runs", {other}}};
    const ProcessResult result = linreg({"compare", "--pytorch", python});
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_TRUE(result.err.starts_with(
        fmt::format("linreg: {} did not print a record of its run (", python)))
        << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos);
  }
}

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenTorchIsBroken) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::vector<std::pair<std::string, std::string>> modules{
      {"raise ImportError('libtorch_cpu.so: cannot open shared object file')\n",
       "ImportError: libtorch_cpu.so: cannot open shared object file"},
      {"", "AttributeError: module 'torch' has no attribute "},
      {"import numpy_of_another_age\n", "No module named 'numpy_of_another_age'"},
      {"import torch.nothing\n", "ModuleNotFoundError: No module named 'torch.nothing'"},
      {"print('hello')\nraise SystemExit(0)\n", "did not print a record"}};
  const test::TemporaryDirectory folder;
  for (const auto& [module, expected] : modules) {
    SCOPED_TRACE(module);
    std::ofstream(folder.path() / "torch.py") << module;
    const ProcessResult result = run_process(
        {"env", fmt::format("PYTHONPATH={}", folder.path().string()), "PYTHONDONTWRITEBYTECODE=1",
         LINREG_PROGRAM, "compare", "--pytorch", *test::live_python()},
        600s);
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_NE(result.err.find(expected), std::string::npos) << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
  }
}

TEST(Compare, EndsThePythonThatItRunsWhenItIsInterrupted) {
  const test::TemporaryDirectory folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const std::string script =
      fmt::format("trap '' INT TERM; sleep 1000 & echo $! > '{0}'; echo $$ > '{1}'; wait",
                  file("grandchild"), file("child"));
  test::Running running(
      {LINREG_PROGRAM, "compare", "--json", file("record"), "--pytorch", impostor(folder, script)});
  const pid_t child = test::process_in(file("child"));
  const pid_t grandchild = test::process_in(file("grandchild"));
  ASSERT_GT(child, 0);
  ASSERT_GT(grandchild, 0);
  running.interrupt(SIGINT);
  EXPECT_EQ(running.line(), "linreg: interrupted\n");
  EXPECT_EQ(running.exit_status(), 130);
  EXPECT_FALSE(test::is_running(child));
  EXPECT_FALSE(test::is_running(grandchild));
  EXPECT_FALSE(std::filesystem::exists(file("record")));
}

TEST(Compare, FindsAWrongBitAndSaysSoWithStatus1) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  // Python itself, but the program's first number for b is nudged by about one unit in the last
  // place.
  const std::string script = fmt::format(
      "'{}' \"$@\" | sed -E 's/(\"b\": [0-9]+\\.[0-9]{{5}})[0-9]*/\\10001/'", *test::live_python());
  const ProcessResult result = linreg({"compare", "--pytorch", impostor(folder, script)});
  EXPECT_EQ(result.exit_status, 1) << result.out << result.err;
  EXPECT_NE(result.out.find("NOT EQUAL: 2 of 18 values differ"), std::string::npos) << result.out;
}

TEST(Compare, FallsBackOnRecordedOutputAndThenOnTheTwoDemos) {
  // A folder before all others in which every Python finds this torch.
  const test::TemporaryDirectory folder;
  std::ofstream(folder.path() / "torch.py")
      << "raise ModuleNotFoundError(\"No module named 'torch'\")\n";
  setenv("PYTHONPATH", folder.path().c_str(), 1);
  const ProcessResult article = linreg({"compare"});
  const ProcessResult other = linreg({"compare", "--seed", "5"});
  unsetenv("PYTHONPATH");
  EXPECT_EQ(article.exit_status, 0) << article.out << article.err;
  EXPECT_NE(article.out.find(", recorded: no Python here imports torch"), std::string::npos);
  EXPECT_NE(article.out.find("Equal "), std::string::npos) << article.out;
  EXPECT_EQ(other.exit_status, 0) << other.out << other.err;
  EXPECT_NE(other.out.find("Not compared with PyTorch"), std::string::npos) << other.out;
  expect_at_most_80_columns(article.out + other.out);
}

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenTheRecordedOutputIsDamaged) {
  // The program in a place of its own, with a scratch.py for which no Python has torch.
  const test::TemporaryDirectory folder;
  const auto share = folder.path() / "share" / "linreg" / "python";
  const auto program = folder.path() / "bin" / "linreg";
  std::filesystem::create_directories(share);
  std::filesystem::create_directories(program.parent_path());
  std::filesystem::copy_file(LINREG_PROGRAM, program);
  std::ofstream(share / "scratch.py") << "raise ModuleNotFoundError(\"No module named 'torch'\")\n";

  const nlohmann::json whole = read_json(python_folder() / "recorded.json");
  nlohmann::json lacks_a_run = whole;
  lacks_a_run["runs"].erase(1);
  nlohmann::json lacks_a_loss = whole;
  lacks_a_loss["runs"][1]["epoch_loss"].erase(0);
  const auto compare_with = [&](const std::string& text) {
    std::ofstream(share / "recorded.json") << text;
    return run_process({program, "compare"}, 600s);
  };
  EXPECT_EQ(compare_with(whole.dump()).exit_status, 0);
  const std::vector<std::string> damages{
      "", "{", "[]", "{\"settings\": 1}", lacks_a_run.dump(), lacks_a_loss.dump()};
  for (const std::string& text : damages) {
    SCOPED_TRACE(text);
    const ProcessResult result = compare_with(text);
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_TRUE(result.err.starts_with(
        fmt::format("linreg: {} is damaged (", (share / "recorded.json").string())))
        << result.err;
    EXPECT_EQ(result.err.find("exception"), std::string::npos) << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
  }
}

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenItCantTellItsOwnPath) {
  if (test::is_sanitized) GTEST_SKIP() << "the sanitizer needs what this takes away";
  const auto without_proc = [](std::vector<std::string> words) {
    const std::vector<std::string> hide{"env",
                                        "unshare",
                                        "--map-root-user",
                                        "--mount",
                                        "sh",
                                        "-c",
                                        "mount -t tmpfs none /proc && exec \"$@\"",
                                        "sh"};
    words.insert(words.begin(), hide.begin(), hide.end());
    return run_process(words, 600s);
  };
  if (without_proc({"true"}).exit_status != 0) GTEST_SKIP() << "/proc can't be hidden here";
  const ProcessResult result = without_proc({LINREG_PROGRAM, "compare"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_TRUE(result.err.ends_with(  // after what LibTorch says about it
      "linreg: the PyTorch programs can't be found by /proc/self/exe: No such file or directory\n"))
      << result.err;
  EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace linreg::app
