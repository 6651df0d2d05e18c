#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <limits>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

using test::run_python;
using test::script;

/// The message of the c10::Error that `action` throws.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

/// Python's float.hex().
std::string hex(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  if (number == 0) return std::signbit(number) ? "-0x0.0p+0" : "0x0.0p+0";
  char text[40];
  // Python writes a denormal number with the exponent -1022.
  if (std::abs(number) < std::numeric_limits<double>::min()) {
    const auto bits = static_cast<unsigned long long>(std::ldexp(std::abs(number), 1074));
    std::snprintf(text, sizeof text, "%s0x0.%013llxp-1022", number < 0 ? "-" : "", bits);
  } else {
    std::snprintf(text, sizeof text, "%.13a", number);
  }
  return text;
}

/// As tests/python/checkpoints.py does.
std::string describe(const Value& value) {
  if (value.is<bool>()) return value.as<bool>() ? "bool True" : "bool False";
  if (value.is<std::int64_t>()) return fmt::format("int {}", value.as<std::int64_t>());
  if (value.is<double>()) return "float " + hex(value.as<double>());
  if (value.is<std::string>()) {
    std::string text = "str ";
    for (const char c : value.as<std::string>()) {
      text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return text;
  }
  if (value.is<at::Tensor>()) {
    const auto& tensor = value.as<at::Tensor>();
    std::string numbers;
    const torch::Tensor flat = tensor.to(torch::kDouble).reshape(-1);
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      numbers += (i > 0 ? "," : "") + hex(flat[i].item<double>());
    }
    return fmt::format("{}[{}]({})", tensor.scalar_type(), fmt::join(tensor.sizes(), ","), numbers);
  }
  const auto items = [](const std::vector<Value>& values) {
    std::string text;
    for (const Value& item : values) text += describe(item) + ";";
    return text;
  };
  if (value.is<Value::List>()) return "list(" + items(value.as<Value::List>()) + ")";
  if (value.is<Value::Tuple>()) return "tuple(" + items(value.as<Value::Tuple>().items) + ")";
  if (value.is<Value::Dict>()) {
    std::string text = "{";
    for (const auto& [key, item] : value.as<Value::Dict>()) {
      text += std::visit([](const auto& k) { return describe(Value(k)); }, key);
      text += ":" + describe(item) + ";";
    }
    return text + "}";
  }
  return "NoneType None";
}

TEST(Checkpoint, CrossesBothWays) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const auto expected =
      nlohmann::json::parse(
          run_python(script("checkpoints.py"), {"write", folder.path().string(), "0", "300"}))
          .get<std::vector<std::string>>();
  ASSERT_EQ(expected.size(), 300U);
  std::vector<std::string> read{"read"};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Value value = load_checkpoint(folder.path() / fmt::format("{}.pt", i));
    ASSERT_EQ(describe(value), expected[i]) << i;
    read.push_back(folder.path() / fmt::format("ours_{}.pt", i));
    save_checkpoint(read.back(), value);
    ASSERT_EQ(describe(load_checkpoint(read.back())), expected[i]) << i;
  }
  EXPECT_EQ(nlohmann::json::parse(run_python(script("checkpoints.py"), read)),
            nlohmann::json(expected));
}

TEST(Checkpoint, GivesItsStateDictAlone) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "checkpoint.pt";
  const torch::Tensor w = torch::rand({2, 3});
  save_checkpoint(path, Value::Dict{{"epoch", 3},
                                    {"model_state_dict", Value::Dict{{"0.weight", w}}},
                                    {"losses", Value::List{0.5, 0.25}}});
  const StateDict state = load_state_dict_file(path, "model_state_dict");
  ASSERT_EQ(state.size(), 1U);
  EXPECT_TRUE(torch::equal(state["0.weight"], w));
  EXPECT_EQ(error_of([&] { load_state_dict_file(path, "model"); }),
            path.string() +
                ": the file's dict has no \"model\", but \"epoch\", "
                "\"model_state_dict\", \"losses\"");
  EXPECT_NE(error_of([&] { load_state_dict_file(path); }).find("\"model_state_dict\""),
            std::string::npos);
}

TEST(Checkpoint, KeepsViewsOfOneStorage) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "checkpoint.pt";
  const torch::Tensor all = torch::arange(4.0);
  save_checkpoint(path, Value::List{all, all.narrow(0, 1, 2)});
  const auto read = load_checkpoint(path).as<Value::List>();
  read[0].as<at::Tensor>().zero_();
  EXPECT_TRUE(torch::equal(read[1].as<at::Tensor>(), torch::zeros({2})));
}

TEST(Value, SaysWhatItHolds) {
  const Value value = Value::Dict{{"epoch", 3}, {"lr", 0.5}, {7, Value::Tuple{{1, "x"}}}};
  EXPECT_EQ(value["epoch"].as<std::int64_t>(), 3);
  EXPECT_EQ(value[7].as<Value::Tuple>().items[1].as<std::string>(), "x");
  EXPECT_EQ(value.find("loss"), nullptr);
  EXPECT_EQ(error_of([&] { value["loss"]; }),
            "there is no \"loss\"; there is \"epoch\", \"lr\", 7");
  EXPECT_EQ(error_of([&] { value["lr"].as<std::int64_t>(); }), "it is of type float, not int");
  EXPECT_EQ(error_of([&] { value["lr"]["x"]; }), "it is of type float, not dict");
  EXPECT_EQ(error_of([] { Value(std::numeric_limits<std::uint64_t>::max()); }),
            "the integer 18446744073709551615 is over 64 bits");
}

/// What is said of a checkpoint with this pickle.
std::string error_of_pickle(std::string pickle) {
  pickle.resize(std::max<std::size_t>(pickle.size(), 64), '.');
  // A text's pickle of the same size gives way to it, so that the zip's sizes stay true.
  const std::string text(pickle.size() - std::size("\x80\x02Xsize"), 'k');
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "checkpoint.pt";
  save_checkpoint(path, text);
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator(in), {}};
  bytes.replace(bytes.find("\x80\x02X"), pickle.size(), pickle);
  std::ofstream(path, std::ios::binary) << bytes;
  return error_of([&] { load_checkpoint(path); });
}

TEST(Checkpoint, RefusesValuesThatGrowWithoutBound) {
  // Each list holds the one before ten times.
  std::string pickle = "\x80\x02(";
  for (char i = 0; i < 30; ++i) {
    pickle += std::string("]q") + i + "(";
    for (int k = 0; i > 0 && k < 10; ++k) pickle += std::string("h") + static_cast<char>(i - 1);
    pickle += "e";
  }
  EXPECT_NE(error_of_pickle(pickle + "t.").find("out of proportion"), std::string::npos)
      << error_of_pickle(pickle + "t.");
}

TEST(Checkpoint, RefusesAListInsideItself) {
  using namespace std::string_literals;
  const std::string error = error_of_pickle("\x80\x02]q\0h\0a."s);
  EXPECT_NE(error.find("nested over 100 deep"), std::string::npos) << error;
}

TEST(Checkpoint, RefusesToWriteATextThatIsNotUtf8) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "checkpoint.pt";
  EXPECT_NE(error_of([&] {
              save_checkpoint(path, Value::Dict{{"\xff", 1}});
            }).find("not UTF-8"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              save_checkpoint(path, Value::Dict{{"net", Value::Dict{{"w", at::Tensor()}}}});
            }).find("entry \"net.w\": the tensor is undefined"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace linreg::pytorch
