#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <ios>
#include <iterator>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <string>
#include <utility>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator(file), {}};
}

class SafetensorsTest : public testing::Test {
 protected:
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  StateDict load(const std::string& bytes) const {
    std::ofstream(path("file.safetensors"), std::ios::binary) << bytes;
    return load_state_dict_file(path("file.safetensors"));
  }

  /// What is said of the file with these bytes.
  std::string error_of(const std::string& bytes) const {
    try {
      load(bytes);
    } catch (const c10::Error& error) {
      const std::string message = error.what_without_backtrace();
      const std::string start = path("file.safetensors").string() + ": ";
      return message.starts_with(start) ? message.substr(start.size()) : message;
    }
    return "no error";
  }

 private:
  test::TemporaryDirectory folder_;
};

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

TEST_F(SafetensorsTest, AreThePythonPackagesBothWays) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::string said =
      test::run_python(test::script("safetensors_files.py"), {path("").string()});
  if (!said.empty()) GTEST_SKIP() << "this Python has " << said;
  const StateDict expected = load_state_dict_file(path("torch.pt"));
  ASSERT_GE(expected.size(), 20U);
  for (const char* name : {"package.safetensors", "metadata.safetensors"}) {
    const Diff difference = diff(load_state_dict_file(path(name)), expected);
    EXPECT_TRUE(difference.equal()) << difference;
    const TensorFile file(path(name));
    ASSERT_EQ(file.entries().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const TensorDiff one = diff("", file.read(i), expected[file.entries()[i].name]);
      EXPECT_TRUE(one.equal()) << file.entries()[i].name;
    }
  }
  save_safetensors_file(path("ours.safetensors"), expected);
  EXPECT_EQ(read_bytes(path("ours.safetensors")), read_bytes(path("package.safetensors")));
}

TEST_F(SafetensorsTest, HoldEachViewsOwnElements) {
  const torch::Tensor matrix = torch::arange(6.0).reshape({2, 3});
  StateDict state;
  state.insert("t", matrix.t());
  state.insert("column", matrix.select(1, 1));
  state.insert("conj", torch::view_as_complex(torch::ones({1, 2})).conj());
  save_safetensors_file(path("ours.safetensors"), state);
  const Diff difference = diff(load_state_dict_file(path("ours.safetensors")), state);
  EXPECT_TRUE(difference.equal()) << difference;
}

TEST_F(SafetensorsTest, AreRefusedWhereTheHeaderIsNotTrue) {
  const auto tensor = [](const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype, shape, offsets);
  };
  const std::string good = tensor("F32", "[2]", "[0,8]");
  const std::string data = "12345678";
  ASSERT_EQ(load(file_of(fmt::format(R"({{"w":{}}})", good), data)).size(), 1U);
  ASSERT_EQ(load(file_of("{}", "")).size(), 0U);
  for (const auto& [header, message] : std::initializer_list<std::pair<std::string, std::string>>{
           {fmt::format(R"({{"w":{},"w":{}}})", good, good), R"(the header has "w" twice)"},
           {fmt::format(R"({{"w":{})", good), "the header is not JSON: byte "},
           {R"({"w":[[[[]]]]})", "the header is nested over 3 deep"},
           {R"({"w":3})", R"(entry "w": it is number)"},
           {R"({"w":{}})", R"(entry "w": it has no dtype)"},
           {fmt::format(R"({{"w":{}}})", tensor("F31", "[2]", "[0,8]")),
            R"(entry "w": its dtype is "F31")"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[-2]", "[0,8]")),
            R"(entry "w": its shape has -2)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[2.0]", "[0,8]")),
            R"(entry "w": its shape has 2.0)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "2", "[0,8]")),
            R"(entry "w": its shape is 2)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[3]", "[0,8]")),
            R"(entry "w": its shape [3] needs 12 bytes, and data_offsets are [0,8])"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[4294967296,4294967296]", "[0,8]")),
            R"(entry "w": its shape [4294967296, 4294967296] has too many elements)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[2]", "[8,0]")),
            R"(entry "w": its data_offsets are [8,0] of 8 bytes)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[2]", "[8,16]")),
            R"(entry "w": its data_offsets are [8,16] of 8 bytes)"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[1]", "[0,4]")),
            "the entries end at byte "},
           {fmt::format(R"({{"w":{},"v":{}}})", good, tensor("F32", "[1]", "[4,8]")),
            R"(entry "v" starts at byte )"},
           {fmt::format(R"({{"w":{}}})", tensor("F32", "[1]", "[4,8]")),
            R"(entry "w" starts at byte )"}}) {
    const std::string error = error_of(file_of(header, data));
    EXPECT_TRUE(error.starts_with(message)) << header << "\n" << error;
  }
  const std::string whole = file_of(fmt::format(R"({{"w":{}}})", good), data);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error_of(whole.substr(0, size)), "no error") << size;
  }
  EXPECT_EQ(error_of(whole + "9"),
            fmt::format("the entries end at byte {} of {}", whole.size(), whole.size() + 1));
}

TEST_F(SafetensorsTest, AreNotWrittenOfWhatTheyCantHold) {
  const auto error_of_saving = [&](const torch::Tensor& tensor) -> std::string {
    StateDict state;
    state.insert("w", tensor);
    try {
      save_safetensors_file(path("ours.safetensors"), state);
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
    return "no error";
  };
  const std::string start = path("ours.safetensors").string() + ": entry \"w\": ";
  EXPECT_EQ(error_of_saving(torch::ones({1}, torch::kComplexDouble)),
            start + "safetensors has no complex128");
  EXPECT_EQ(error_of_saving(torch::quantize_per_tensor(torch::ones({1}), 1, 0, torch::kQInt8)),
            start + "safetensors has no qint8");
  EXPECT_EQ(error_of_saving(torch::Tensor()), start + "the tensor is undefined");
  EXPECT_FALSE(std::filesystem::exists(path("ours.safetensors")));
}

}  // namespace
}  // namespace linreg::pytorch
