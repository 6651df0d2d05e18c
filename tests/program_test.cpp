#include "program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"
#include "running.hpp"
#include "training/memory.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(Program, PrintsItsVersion) {
  const ProcessResult version = linreg({"--version"});
  EXPECT_EQ(version.exit_status, 0);
  EXPECT_TRUE(version.out.starts_with("linreg " LINREG_VERSION " (LibTorch ")) << version.out;
}

TEST(Program, PrintsHelpForEveryCommandIn80Columns) {
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
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"--help"}, {"diff", "--help"}}) {
    const ProcessResult help = linreg(command);
    EXPECT_EQ(help.exit_status, 0);
    expect_at_most_80_columns(help.out);
  }
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
    EXPECT_EQ(to_string(run.demo), command);
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

TEST(Program, SucceedsWithoutAPictureWhereGnuplotIsMissing) {
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

TEST(Program, PrintsTheSameBytesWithEitherEngine) {
  for (const std::string demo : {"scratch", "concise"}) {
    const ProcessResult plain = linreg({demo, "--epochs", "2"});
    EXPECT_EQ(linreg({demo, "--epochs", "2", "--engine", "fused"}).out, plain.out);
    const auto record = [&](const std::string& engine) {
      return nlohmann::json::parse(linreg({demo, "--engine", engine, "--json", "-"}).out);
    };
    EXPECT_EQ(record("fused")["runs"][0]["engine"], "fused");
    EXPECT_EQ(record("fused")["runs"][0]["w"], record("autograd")["runs"][0]["w"]);
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

TEST(Program, DrawsTheMinibatchOfALookEvenWhenItPrintsARecord) {
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

std::string from_last_epoch_on(const std::string& out) { return out.substr(out.find("error in ")); }

TEST(Program, StartsFromSavedWeights) {
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

TEST(Program, SavesAndStartsFromSafetensors) {
  const test::TemporaryDirectory folder;
  const std::string plain = folder.path() / "net.pt";
  const std::string safe = folder.path() / "net.safetensors";
  for (const std::string& file : {plain, safe}) {
    ASSERT_EQ(linreg({"concise", "--seed=3", "--save", file}).exit_status, 0);
  }
  std::ifstream saved(safe, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(saved), {});
  EXPECT_EQ(bytes.substr(8, 11), "{\"0.bias\":{") << bytes;
  const ProcessResult from_plain = linreg({"scratch", "--init", plain});
  EXPECT_EQ(from_plain.exit_status, 0);
  EXPECT_EQ(linreg({"scratch", "--init", safe}).out, from_plain.out);
  if (!test::live_python()) GTEST_SKIP() << "no Python here imports this LibTorch's torch";
  const std::string safe_of_python = folder.path() / "python.safetensors";
  const ProcessResult python = run_process(
      {*test::live_python(), python_folder() / "concise.py", "--seed=3", "--save", safe_of_python},
      600s);
  if (python.err.find("No module named 'safetensors'") != std::string::npos) {
    GTEST_SKIP() << "this Python has no safetensors";
  }
  std::ifstream by_python(safe_of_python, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(by_python), {}), bytes);
  EXPECT_EQ(
      run_process({*test::live_python(), python_folder() / "scratch.py", "--init", safe}, 600s).out,
      from_plain.out);
}

TEST(Program, RefusesAnInitThatIsNotAStateDictOfTheModel) {
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
  save("prefixed", {{"module.0.weight", weight}, {"module.0.bias", bias}});
  save("none", {});

  EXPECT_EQ(linreg({"concise", "--init", path("right")}).exit_status, 0);
  const std::vector<std::pair<const char*, const char*>> wrong{
      {"missing", "there is no such file"},
      {"folder", "not a regular file"},
      {"empty", "it can't be read: "},
      {"truncated", "it can't be read: "},
      {"garbage", "a text file, not one of torch.save"},
      {"shape", "its 0.weight has shape (2, 1)"},
      {"features", "its 0.weight has shape (1, 3)"},
      {"scalar", "its 0.bias has shape ()"},
      {"dtype", "its 0.bias is of dtype Double"},
      {"nan", "its 0.weight is not finite"},
      {"lacking", "it has no 0.bias"},
      {"names", "it has no 0.weight"},
      {"prefixed", "but 'module.0.weight': take the prefix 'module.' off"},
      {"more", "it also has a '1.weight'"},
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

TEST(Program, KeepsItsExitStatusWhereOutputFails) {
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
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "no file without its text";
}

TEST(Program, PrintsErrorsAsOneLineOfText) {
  ProcessResult result = linreg({"scratch", "--lr", "0.1\n\x1b[31m\xff"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_EQ(
      result.err,
      "linreg: --lr is '0.1\\n\\x1b[31m\\xff', but must be a finite float32 number above 0\n");
  result = linreg({"scratch", "--lr", std::string(100'000, '1')});
  EXPECT_LT(result.err.size(), 1000U);
  EXPECT_TRUE(result.err.ends_with("1', but must be a finite float32 number above 0\n"));
}

TEST(Program, RefusesMoreExamplesThanAnyMemoryHoldsInOneLine) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"scratch"}, {"concise"}, {"compare"}, {"data"}, {"sweep"}}) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--examples", "1000000000000"});
    const auto start = std::chrono::steady_clock::now();
    const ProcessResult result = linreg(words);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    EXPECT_EQ(result.exit_status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines(result.err), 1U);
    EXPECT_TRUE(result.err.starts_with("linreg: --examples is '1000000000000', but must be fewer"))
        << result.err;
  }
}

TEST(Program, ReportsAFailedAllocationInOneLine) {
  if (test::is_sanitized) GTEST_SKIP() << "can't run with the address sanitizer";
  if (available_memory() < 8e9) GTEST_SKIP() << "this would be refused before it is tried";
  const ProcessResult result =
      run_process({"prlimit", "--as=4000000000", LINREG_PROGRAM, "scratch", "--examples",
                   "100000000", "--true-w", "1,1,1,1,1,1,1,1,1,1"},
                  600s);
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(lines(result.err), 1U) << result.err;
  EXPECT_NE(result.err.find("can't allocate memory"), std::string::npos) << result.err;
}

TEST(Program, RefusesMoreThreadsThanTheSystemStarts) {
  if (test::is_sanitized) GTEST_SKIP() << "can't run with the address sanitizer";
  const ProcessResult result = run_process(
      {"prlimit", "--as=4000000000", LINREG_PROGRAM, "scratch", "--threads", "1024"}, 600s);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("linreg: --threads is '1024', but must be fewer"))
      << result.err;
}

TEST(Program, WritesTheOtherFilesWhereOneFailsAndReportsEachFailure) {
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

TEST(Program, KeepsTheFinishedEpochsAndWritesNoFileWhenInterrupted) {
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

TEST(Program, EndsAtOnceWhenInterruptedWithinAStep) {
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

TEST(Program, IsSilentAboutAClosedPipe) {
  for (const char* trap : {"", "trap '' PIPE; "}) {
    const ProcessResult result = run_process(
        {"sh", "-c", fmt::format("{}'{}' scratch --epochs 300 | head -1", trap, LINREG_PROGRAM)},
        600s);
    EXPECT_EQ(result.out, "epoch 1, loss 0.039163\n");
    EXPECT_EQ(result.err, "");
  }
}

}  // namespace
}  // namespace linreg::app
