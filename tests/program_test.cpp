#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // setenv

#include <fstream>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "live_pytorch.hpp"
#include "process.hpp"
#include "pytorch.hpp"

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
    for (const char* option : {"--seed", "--examples", "--true-w", "--true-b", "--noise", "--lr",
                               "--epochs", "--batch-size", "--threads", "--json"}) {
      EXPECT_NE(help.out.find(option), std::string::npos) << option;
    }
    expect_at_most_80_columns(help.out);
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

TEST(Program, PrintsWhatThePytorchProgramsPrint) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::vector<std::string> options{"--seed",   "-12345678901", "--examples", "97",
                                         "--true-w", "-1,0.5,3",     "--lr",       "0.1",
                                         "--noise",  "0.2",          "--threads",  "1"};
  for (const std::string program : {"scratch", "concise"}) {
    std::vector<std::string> words{program};
    words.insert(words.end(), options.begin(), options.end());
    EXPECT_EQ(linreg(words).out, test::run_python(pytorch_folder() / (program + ".py"), options));
  }
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

/// A program in Python's place, written to a file of its own.
std::string impostor(const test::TemporaryDirectory& folder, const std::string& script) {
  const auto path = folder.path() / "python";
  std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenPythonFails) {
  const test::TemporaryDirectory folder;
  const std::vector<std::pair<std::string, std::string>> failures{
      {"echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1", "has no torch"},
      {"echo 'Segmentation fault' >&2; exit 139", "Segmentation fault"},
      {"exit 0", "did not print a record"},
      {"echo '{\"runs\": [{}]}'", "did not print a record"},
      {"echo '{'", "did not print a record"},
      {"kill -KILL $$", "exit status 137"},
      {"sleep 100", "--pytorch-timeout"},
  };
  for (const auto& [script, expected] : failures) {
    SCOPED_TRACE(script);
    const ProcessResult result =
        linreg({"compare", "--pytorch", impostor(folder, script), "--pytorch-timeout", "2"});
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_NE(result.err.find(expected), std::string::npos) << result.err;
    EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("Equal"), std::string::npos) << result.out;
  }
  const ProcessResult verbose = linreg(
      {"compare", "--pytorch", impostor(folder, "echo its own words >&2; exit 1"), "--verbose"});
  EXPECT_NE(verbose.err.find("its own words\n"), std::string::npos) << verbose.err;
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

}  // namespace
}  // namespace linreg::app
