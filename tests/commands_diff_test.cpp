#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "commands/diff.hpp"
#include "program.hpp"
#include "python_scripts.hpp"
#include "running.hpp"
#include "system/process.hpp"

namespace linreg::app {
namespace {

using namespace test;
using nlohmann::json;

void save(const std::filesystem::path& path,
          std::initializer_list<std::pair<std::string, torch::Tensor>> entries) {
  pytorch::StateDict state;
  for (const auto& [name, tensor] : entries) state.insert(name, tensor);
  pytorch::save_state_dict_file(path, state);
}

/// The tensors without their order: that of a file of safetensors is by dtype.
json sorted(json tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const json& left, const json& right) {
    return left["name"].get<std::string>() < right["name"].get<std::string>();
  });
  return tensors;
}

TEST(Diff, MeasuresWhatPythonMeasures) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const TemporaryDirectory folder;
  const auto pairs =
      json::parse(run_python(script("diff_pairs.py"), {folder.path().string(), "0", "400"}));
  ASSERT_EQ(pairs.size(), 400U);
  for (const json& pair : pairs) {
    DiffCommandOptions options;
    options.left = pair["files"][0];
    options.right = pair["files"][1];
    SCOPED_TRACE(fmt::format("{} {}", options.left, options.right));
    const json& tolerance = pair["tolerance"];
    options.diff.tolerance = {tolerance["ulp"], tolerance["rtol"], tolerance["atol"]};
    const pytorch::Diff difference = pytorch::diff(
        pytorch::TensorFile(options.left), pytorch::TensorFile(options.right), options.diff);
    bool equal = pair["only_left"].empty() && pair["only_right"].empty();
    for (const json& tensor : pair["tensors"]) equal = equal && tensor["equal"].get<bool>();
    EXPECT_EQ(difference.equal(), equal);
    const auto record = json::parse(diff_record(options, difference));
    EXPECT_EQ(record["equal"], equal);
    EXPECT_EQ(record["tolerance"], tolerance);
    const bool in_order = options.left.ends_with(".pt") && options.right.ends_with(".pt");
    for (const char* list : {"tensors", "only_left", "only_right"}) {
      EXPECT_EQ(in_order ? record[list] : sorted(record[list]),
                in_order ? pair[list] : sorted(pair[list]))
          << list;
    }
    const std::string text = to_string(difference);
    EXPECT_EQ(text.find("NOT EQUAL: ") != std::string::npos, !equal) << text;
    expect_at_most_80_columns(text);
  }
}

class DiffTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() / name; }

  ProcessResult diff(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"diff", path("left.pt"), path("right.pt")});
    return linreg(options);
  }

 private:
  TemporaryDirectory folder_;
};

TEST_F(DiffTest, SaysWhereTensorsDiffer) {
  save(path("left.pt"), {{"0.weight", torch::tensor({{1.0F, 2.0F}})},
                         {"0.bias", torch::tensor({0.0F})},
                         {"steps", torch::tensor(7)},
                         {"old", torch::zeros({4, 4})}});
  save(path("right.pt"), {{"0.weight", torch::tensor({{1.0F, 2.0000005F}})},
                          {"0.bias", torch::tensor({-0.0F})},
                          {"steps", torch::tensor(7.0F)},
                          {"a name of its own, which is long", torch::zeros({2})}});
  const ProcessResult result = diff();
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "  0.weight  float32 (1, 2)       1 of 2 differ, up to 2 ulp\n"
            "    [0, 1]: 2.0 in left, 2.0000005 in right\n"
            "  0.bias    float32 (1)          equal\n"
            "    1 times 0 on one side and -0 on the other, which are equal\n"
            "  steps     int64 () in left, float32 () in right\n"
            "  only in left: old, float32 (4, 4)\n"
            "  only in right: a name of its own, which is long, float32 (2)\n"
            "NOT EQUAL: 2 of 3 shared tensors differ.\n"
            "NOT EQUAL: 2 tensors are on one side only.\n");
}

TEST_F(DiffTest, ToleratesWhatItIsTold) {
  save(path("left.pt"), {{"w", torch::tensor({1.0F})}});
  save(path("right.pt"), {{"w", torch::tensor({1.0000005F})}});
  EXPECT_EQ(diff().exit_status, 1);
  EXPECT_EQ(diff({"--ulp=3"}).exit_status, 1);
  const ProcessResult tolerant = diff({"--ulp=4"});
  EXPECT_EQ(tolerant.exit_status, 0);
  EXPECT_TRUE(tolerant.out.ends_with("Equal within the tolerance: all 1 tensors.\n"))
      << tolerant.out;
  EXPECT_EQ(diff({"--rtol=1e-6"}).exit_status, 0);
  EXPECT_EQ(diff({"--atol=1e-7"}).exit_status, 1);
  EXPECT_EQ(diff({"--json", path("record.json"), "--atol=1e-6"}).exit_status, 0);
  EXPECT_EQ(read_json(path("record.json"))["tensors"][0]["distance"], 4);
}

TEST_F(DiffTest, ShowsTheDifferingTensorsFirstWhereThereAreMany) {
  pytorch::StateDict left;
  pytorch::StateDict right;
  for (int i = 0; i < 50; ++i) {
    left.insert(std::to_string(i), torch::tensor({1.0F}));
    right.insert(std::to_string(i), torch::tensor({i == 33 ? 2.0F : 1.0F}));
  }
  pytorch::save_state_dict_file(path("left.pt"), left);
  pytorch::save_state_dict_file(path("right.pt"), right);
  const std::string out = diff().out;
  EXPECT_TRUE(out.starts_with("  33 ")) << out;
  EXPECT_NE(out.find("NOT EQUAL: 1 of 50 shared tensors differ, by up to 8388608 ulp."),
            std::string::npos)
      << out;
}

TEST_F(DiffTest, StopsAtTheFirstDifferenceInTheLeftFilesOrder) {
  save(path("left.pt"),
       {{"a", torch::ones({1})}, {"b", torch::ones({1})}, {"c", torch::ones({1})}});
  save(path("right.pt"),
       {{"c", torch::zeros({1})}, {"b", torch::zeros({1})}, {"a", torch::ones({1})}});
  const ProcessResult result = diff({"--first"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.out,
            "  b     float32 (1)          1 of 1 differ, up to 1065353216 ulp\n"
            "    [0]: 1.0 in left, 0.0 in right\n"
            "NOT EQUAL: the first difference, after 1 equal tensors.\n");
  EXPECT_EQ(diff({"--first", "--only", "a"}).exit_status, 0);
  EXPECT_EQ(diff({"--only=[ab]"}).out.find(" c "), std::string::npos);
}

TEST_F(DiffTest, JoinsTheNamesInACheckpointAndAList) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  run_python(script("checkpoint_pair.py"), {path("left.pt"), path("right.pt")});
  const auto names = [](const json& tensors) {
    std::vector<std::string> result;
    for (const json& tensor : tensors) result.push_back(tensor["name"]);
    return result;
  };
  const auto record = json::parse(diff({"--json=-"}).out);
  EXPECT_EQ(names(record["tensors"]), (std::vector<std::string>{"model.weight", "steps.0"}));
  EXPECT_EQ(names(record["only_left"]), (std::vector<std::string>{"optimizer.state.0.step"}));
  EXPECT_EQ(names(record["only_right"]), (std::vector<std::string>{"steps.1.1"}));
  EXPECT_EQ(record["tensors"][0]["distance"], 1);
}

TEST_F(DiffTest, HoldsOneTensorOfEachFileAtATime) {
  if (is_sanitized) GTEST_SKIP() << "the address sanitizer takes more";
  pytorch::StateDict state;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    state.insert(name, torch::ones({1 << 24}));  // 64 MiB
  }
  pytorch::save_state_dict_file(path("left.pt"), state);
  pytorch::save_safetensors_file(path("right.pt"), state);
  // 300 MiB of its own, where two of the tensors take 128 and the files 1024.
  const ProcessResult result =
      run_process({"sh", "-c", "ulimit -d 307200; exec \"$0\" diff \"$1\" \"$2\"", LINREG_PROGRAM,
                   path("left.pt"), path("right.pt")},
                  std::chrono::seconds(600));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_TRUE(result.out.ends_with("Equal: all 8 tensors.\n")) << result.out;
}

TEST_F(DiffTest, RefusesWhatIsUnusableInOneLineWithStatus2) {
  save(path("left.pt"), {{"a", torch::ones({1})}});
  std::ofstream(path("right.pt")) << "not tensors";
  const std::string left = path("left.pt");
  for (const auto& [words, reason] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{left}, "linreg diff needs RIGHT; see linreg diff --help"},
           {{}, "linreg diff needs LEFT"},
           {{left, path("right.pt")}, path("right.pt") + ": a text file, not one of torch.save"},
           {{left, path("none.pt")}, path("none.pt") + ": can't be opened: No such file"},
           {{left, "-"}, "-: can't be opened"},
           {{left, left, left}, left},
           {{left, left, "--ulp=-1"}, "--ulp is '-1', but must be"},
           {{left, left, "--rtol=x"}, "--rtol is 'x', but must be a number, 0 or more"},
           {{left, left, "--atol=nan"}, "--atol is 'nan', but must be a number, 0 or more"},
           {{left, left, "--json=/no/such/file"}, "--json"}}) {
    std::vector<std::string> command{"diff"};
    command.insert(command.end(), words.begin(), words.end());
    const ProcessResult result = linreg(command);
    EXPECT_EQ(result.exit_status, 2) << reason;
    EXPECT_EQ(result.out, "") << reason;
    EXPECT_EQ(lines(result.err), 1U) << result.err;
    EXPECT_NE(result.err.find(reason), std::string::npos) << result.err;
  }
}

}  // namespace
}  // namespace linreg::app
