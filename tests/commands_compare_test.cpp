#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // setenv
#include <sys/types.h>
#include <torch/version.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <linreg/report/comparison.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "commands/compare.hpp"
#include "program.hpp"
#include "python_scripts.hpp"
#include "running.hpp"
#include "system/process.hpp"
#include "training/analysis.hpp"
#include "training/demo.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;
using namespace test;

/// A run of one epoch and one feature: five values to compare.
report::Run run_with(float loss, float b = 4.2F) {
  return {.demo = Demo::scratch,
          .framework = "libtorch",
          .version = "1",
          .epoch_loss = {loss},
          .w = {2},
          .b = b,
          .w_error = {0},
          .b_error = 0};
}

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
const float next_to_half = std::nextafter(0.5F, 1.0F);

TEST(Judge, AcceptsValuesThatAreEqualToTheLastBit) {
  for (const float loss : {0.5F, nan}) {
    const auto comparison = report::compare(run_with(loss), run_with(loss));
    for (const bool same_version : {true, false}) {
      const Verdict verdict = judge({comparison, comparison}, same_version);
      EXPECT_EQ(verdict.text, "Equal to the last bit: all 10 values.");
      EXPECT_EQ(verdict.status, 0);
    }
  }
}

TEST(Judge, RefusesTheLeastDifferenceFromTheSameVersion) {
  const auto equal = report::compare(run_with(0.5F), run_with(0.5F));
  const auto near = report::compare(run_with(0.5F), run_with(next_to_half));
  const Verdict verdict = judge({equal, near}, /*same_version=*/true);
  EXPECT_EQ(verdict.text, "NOT EQUAL: 1 of 10 values differ, by up to 1 units in the last place.");
  EXPECT_EQ(verdict.status, 1);
}

TEST(Judge, AcceptsADifferenceWithinToleranceFromAnotherVersion) {
  const auto near = report::compare(run_with(0.5F), run_with(next_to_half));
  const Verdict verdict = judge({near}, /*same_version=*/false);
  EXPECT_TRUE(
      verdict.text.starts_with("Equal within tolerance:\n1 of 5 values differ, by up to 1 "))
      << verdict.text;
  EXPECT_EQ(verdict.status, 0);
}

TEST(Judge, RefusesADifferenceBeyondToleranceInAnyComparison) {
  const auto near = report::compare(run_with(0.5F), run_with(next_to_half));
  for (const report::Run& far : {run_with(0.5001F), run_with(0.5F, 4.2001F)}) {
    const auto beyond = report::compare(run_with(0.5F), far);
    for (const auto& comparisons : {std::vector{beyond, near}, {near, beyond}}) {
      const Verdict verdict = judge(comparisons, /*same_version=*/false);
      EXPECT_TRUE(verdict.text.starts_with("NOT EQUAL, even within tolerance:\n2 of 10 values "))
          << verdict.text;
      EXPECT_EQ(verdict.status, 1);
    }
  }
}

TEST(Judge, RefusesNanBesideANumber) {
  for (const auto& [left, right] : {std::pair{nan, 0.5F}, {0.5F, nan}}) {
    const auto comparison = report::compare(run_with(left), run_with(right));
    for (const bool same_version : {true, false}) {
      const Verdict verdict = judge({comparison}, same_version);
      EXPECT_NE(verdict.text.find("1 of 5 values differ, some by being no number"),
                std::string::npos)
          << verdict.text;
      EXPECT_EQ(verdict.status, 1);
    }
  }
}

/// The verdict where PyTorch of that version, run by `python` or recorded, differs in a last bit.
Verdict conclusion(const std::string& python, const std::string& version) {
  const report::Run run = run_with(0.5F);
  const report::Run other = run_with(next_to_half);
  const PytorchResult pytorch{PytorchRuns{python, version, {other, other}}, ""};
  return conclude({{run, run}, {}}, pytorch, compare_runs({{run, run}, {}}, pytorch));
}

TEST(Conclude, DemandsEqualBitsOnlyOfALivePytorchOfTheSameVersion) {
  for (const char* suffix : {"", "+cpu", "a0"}) {
    EXPECT_EQ(conclusion("python3", TORCH_VERSION + std::string(suffix)).status, 1) << suffix;
  }
  EXPECT_EQ(conclusion("", TORCH_VERSION).status, 0) << "recorded, perhaps on another CPU";
  EXPECT_EQ(conclusion("python3", "0.4.1").status, 0);
}

TEST(Conclude, ComparesTheTwoDemosWherePytorchIsMissingAndFailsWhereItFailed) {
  const OwnRuns own{{run_with(0.5F), run_with(0.6F)}, {}};
  for (const std::string failure : {"", "python3 fails"}) {
    const PytorchResult pytorch{std::nullopt, failure};
    const auto comparisons = compare_runs(own, pytorch);
    ASSERT_EQ(comparisons.size(), 1U);
    EXPECT_EQ(comparisons[0].values[0].left, 0.5F);
    EXPECT_EQ(comparisons[0].values[0].right, 0.6F);
    const Verdict verdict = conclude(own, pytorch, comparisons);
    EXPECT_TRUE(verdict.text.starts_with("Not compared with PyTorch: ")) << verdict.text;
    EXPECT_EQ(verdict.status, failure.empty() ? 0 : 1);
  }
}

TEST(Conclude, FailsWhereARunDiverged) {
  const report::Run run = run_with(nan);
  const PytorchResult pytorch{PytorchRuns{"python3", TORCH_VERSION, {run, run}}, ""};
  const OwnRuns own{{run, run}, {"the loss is not finite"}};
  const Verdict verdict = conclude(own, pytorch, compare_runs(own, pytorch));
  EXPECT_EQ(verdict.text,
            "Equal to the last bit: all 10 values.\n"
            "The training diverged: not every loss is finite.");
  EXPECT_EQ(verdict.status, 1);
}

TEST(TrainHere, TrainsBothDemosAndFindsTheExactAnswerForTheirData) {
  const report::Settings settings{.examples = 100};
  const OwnRuns own = train_here(settings);
  const TrainedDemo scratch = run_demo(Demo::scratch, settings);
  EXPECT_TRUE(report::compare(own.runs[0], scratch.run).equal());
  EXPECT_TRUE(report::compare(own.runs[1], run_demo(Demo::concise, settings).run).equal());
  ASSERT_EQ(own.fused.size(), 2U);
  EXPECT_EQ(own.fused[1].engine, Engine::fused);
  EXPECT_TRUE(engines_agree(own));
  OwnRuns other = own;
  other.fused[1].b += 1e-6F;
  EXPECT_FALSE(engines_agree(other));
  EXPECT_EQ(conclude(other, {}, compare_runs(other, {})).status, 1);
  EXPECT_TRUE(train_here(settings, Engine::fused).fused.empty());
  EXPECT_EQ(train_here(settings, Engine::fused).runs[0].engine, Engine::fused);
  EXPECT_EQ(own.best_fit.value().w, best_fit(scratch.examples).value().w);
  EXPECT_TRUE(own.divergences.empty());
  EXPECT_EQ(train_here({.examples = 100, .lr = 10, .epochs = 20}).divergences.size(), 2U);
}

/// An executable file.
std::string executable(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

/// A script in place of Python.
std::string impostor(const test::TemporaryDirectory& folder, const std::string& script) {
  return executable(folder.path() / "python", "#!/bin/sh\n" + script + '\n');
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
    const double loss = fit["loss"][to_string(run.demo)];
    // No weights do better, up to float32's rounding, and these are close to the best.
    EXPECT_GT(run.epoch_loss.back(), loss * (1 - 1e-4)) << to_string(run.demo);
    EXPECT_LT(run.epoch_loss.back(), loss * 1.1) << to_string(run.demo);
    for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(run.w[j], fit["w"][j].get<double>(), 0.005);
  }
}

TEST(Compare, WarnsOfCollinearFeaturesAndShowsTheAnswerOfLeastNorm) {
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

TEST(Compare, OmitsTheExactAnswerWhereItWouldTakeMinutesOrIsNotFinite) {
  const ProcessResult result = linreg({"compare", "--true-w", "3e38,3e38", "--json", "-"});
  EXPECT_EQ(nlohmann::json::parse(result.out)["best_fit"], nullptr);
  std::string many = "1";
  for (int i = 1; i < 2000; ++i) many += ",1";
  const ProcessResult wide =
      linreg({"compare", "--true-w", many, "--examples", "3", "--lr", "1e-4", "--json", "-"});
  EXPECT_EQ(nlohmann::json::parse(wide.out)["best_fit"], nullptr);
}

TEST(Compare, ReportsADivergedRunAfterComparingItWithStatus1) {
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

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenPythonFails) {
  const test::TemporaryDirectory folder;
  const std::vector<std::pair<std::string, std::string>> failures{
      {"echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1", "has no torch"},
      {"echo 'Segmentation fault' >&2; exit 139", "Segmentation fault"},
      {"exit 127", "failed (exit status 127): no message"},
      {"exit 0", "did not print a record of its run (it printed nothing)"},
      {"echo '{\"runs\": [{}]}'", "the record has no \"runs\", a list of 2"},
      {"echo '{\"runs\": [{}, {}]}'", "did not print a record"},
      {"echo '{'", "did not print a record of its run (it is not a JSON object)"},
      {"echo '[]'", "did not print a record of its run (it is not a JSON object)"},
      {"kill -KILL $$", "failed (killed by signal 9): no message"},
      {"sleep 100", "--pytorch-timeout"},
      {"head -c 1000000 /dev/zero | tr '\\0' 1", "did not print a record"},
      {"yes", "printed more than any record holds"},
      {"yes >&2", "printed more than any record holds"},
      {"head -c 100000000 /dev/zero >&2; exit 3", "exit status 3"},
      {"head -c 100000 /dev/urandom", "did not print a record"},
      {"printf '{\"runs\": [{\"implementation\": \"\\377\"}]}'", "did not print a record"},
      {"echo '{\"runs\": [{\"epoch_loss\": [1e999]}]}'", "did not print a record"},
  };
  for (const auto& [script, expected] : failures) {
    SCOPED_TRACE(script);
    const char* seconds = script == "sleep 100" ? "2" : "100";  // the machine may be busy
    const ProcessResult result =
        linreg({"compare", "--pytorch", impostor(folder, script), "--pytorch-timeout", seconds});
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

TEST(Compare, ShowsItsOwnResultsAndWhyPythonCantBeStarted) {
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

TEST(Compare, SkipsAPythonInThePathThatCantBeRun) {
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

TEST(Compare, TakesTheRecordOfAPythonThatSucceedsDespiteItsStderr) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const std::string python = impostor(
      folder,
      fmt::format("echo \"No module named 'torch'\" >&2; exec '{}' \"$@\"", *test::live_python()));
  const ProcessResult result = linreg({"compare", "--pytorch", python});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_NE(result.out.find("Equal to the last bit"), std::string::npos) << result.out;
}

TEST(Compare, PassesPythonMoreWeightsThanAnArgumentHolds) {
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
  const std::string python = impostor(folder, fmt::format("cat '{}'", record));
  nlohmann::json concise = run;
  concise["implementation"] = "concise";
  std::ofstream(record) << nlohmann::json{{"runs", {run, concise}}};
  EXPECT_NE(linreg({"compare", "--pytorch", python}).out.find("NOT EQUAL"), std::string::npos);
  for (const auto& [key, value] : faults) {
    SCOPED_TRACE(testing::Message() << key << ' ' << value);
    nlohmann::json other = run;
    other[key] = value;
    std::ofstream(record) << nlohmann::json{{"runs", {other, concise}}};
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
      {"", "ImportError: cannot import name 'nn' from 'torch'"},
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

/// Interrupts `compare` in so many epochs of training: while it waits for Python, or trains itself.
void expect_killed_python(std::int64_t epochs) {
  SCOPED_TRACE(epochs);
  const test::TemporaryDirectory folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const std::string script =
      fmt::format("trap '' INT TERM; sleep 1000 & echo $! > '{0}'; echo $$ > '{1}'; wait",
                  file("grandchild"), file("child"));
  test::Running running({LINREG_PROGRAM, "compare", "--epochs", std::to_string(epochs), "--json",
                         file("record"), "--pytorch", impostor(folder, script)});
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

TEST(Compare, KillsPythonWhenItIsInterrupted) {
  expect_killed_python(0);
  expect_killed_python(1'000'000);
}

TEST(Compare, ReportsAWrongBitWithStatus1) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  // Python itself, but b differs by about one unit in the last place.
  const std::string script = fmt::format(
      "'{}' \"$@\" | sed -E 's/(\"b\": [0-9]+\\.[0-9]{{5}})[0-9]*/\\10001/'", *test::live_python());
  const ProcessResult result = linreg({"compare", "--pytorch", impostor(folder, script)});
  EXPECT_EQ(result.exit_status, 1) << result.out << result.err;
  EXPECT_NE(result.out.find("NOT EQUAL: 2 of 18 values differ"), std::string::npos) << result.out;
}

TEST(Compare, FallsBackToTheRecordedRunsAndThenToTheTwoDemos) {
  // Every Python finds this torch before all others.
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

TEST(Compare, ShowsItsOwnResultsAndOneLineWhenTheRecordedRunsAreDamaged) {
  // A copy of the program with a both.py that finds no torch in any Python.
  const test::TemporaryDirectory folder;
  const auto share = folder.path() / "share" / "linreg" / "python";
  const auto program = folder.path() / "bin" / "linreg";
  std::filesystem::create_directories(share);
  std::filesystem::create_directories(program.parent_path());
  std::filesystem::copy_file(LINREG_PROGRAM, program);
  std::ofstream(share / "both.py") << "raise ModuleNotFoundError(\"No module named 'torch'\")\n";

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

TEST(Compare, ShowsItsOwnResultsAndOneLineWithoutProc) {
  if (test::is_sanitized) GTEST_SKIP() << "can't run with the address sanitizer";
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
      "linreg: can't find the PyTorch programs: /proc/self/exe can't be read: No such file or "
      "directory\n"))
      << result.err;
  EXPECT_NE(result.out.find("w[1]"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace linreg::app
