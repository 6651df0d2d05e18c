#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/optimizer.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

namespace optim = torch::optim;

constexpr const char* names[]{"sgd",  "momentum",    "all_of_sgd", "nesterov",
                              "adam", "all_of_adam", "adamw",      "all_of_adamw"};

std::vector<torch::Tensor> tensors(const Value& list) {
  std::vector<torch::Tensor> result;
  for (const Value& item : list.as<Value::List>()) {
    result.push_back(item.as<at::Tensor>().detach().clone());
  }
  return result;
}

/// An optimizer of the kind that tests/python/optimizers.py names, in the same two groups. Its
/// options are others, for the state_dict to set.
std::unique_ptr<optim::Optimizer> make_optimizer(std::string_view name,
                                                 std::vector<torch::Tensor>& params) {
  for (torch::Tensor& param : params) param.requires_grad_();
  std::vector<optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector{params[0]});
  groups.emplace_back(std::vector{params[1], params[2]});
  if (name.ends_with("adam")) return std::make_unique<optim::Adam>(groups, optim::AdamOptions(7));
  if (name.ends_with("adamw")) {
    return std::make_unique<optim::AdamW>(groups, optim::AdamWOptions(7));
  }
  return std::make_unique<optim::SGD>(groups, optim::SGDOptions(7));
}

void take_step(optim::Optimizer& optimizer, std::vector<torch::Tensor>& params,
               const Value& grads) {
  const std::vector<torch::Tensor> given = tensors(grads);
  for (std::size_t i = 0; i < params.size(); ++i) params[i].mutable_grad() = given[i];
  step(optimizer);
}

class OptimizerTest : public testing::Test {
 protected:
  void SetUp() override {
    LINREG_REQUIRE_LIVE_PYTORCH();
    test::run_python(script_, {"write", folder_.path().string()});
  }

  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }

  test::TemporaryDirectory folder_;
  const std::filesystem::path script_ = test::script("optimizers.py");
};

TEST_F(OptimizerTest, GoesOnWithWhatPythonBegan) {
  for (const std::string name : names) {
    SCOPED_TRACE(name);
    const Value saved = load_checkpoint(path(name + ".pt"));
    std::vector<torch::Tensor> params = tensors(saved["params"]);
    const auto optimizer = make_optimizer(name, params);
    load_into(*optimizer, saved["optimizer"]);
    take_step(*optimizer, params, saved["grads"].as<Value::List>()[3]);

    save_checkpoint(path("ours.pt"),
                    Value::Dict{{"params", Value::List(params.begin(), params.end())},
                                {"optimizer", state_dict(*optimizer)}});
    const Diff difference = diff(TensorFile(path("ours.pt")), TensorFile(path(name + "_4.pt")));
    EXPECT_TRUE(difference.equal()) << difference;
    EXPECT_GE(difference.shared.size(), 3U);
  }
}

TEST_F(OptimizerTest, IsGoneOnWithByPython) {
  for (const std::string name : names) {
    const Value saved = load_checkpoint(path(name + ".pt"));
    std::vector<torch::Tensor> params = tensors(saved["first"]);
    const auto optimizer = make_optimizer(name, params);
    // Python's options, and none of its state.
    load_into(*optimizer, Value::Dict{{"state", Value::Dict{}},
                                      {"param_groups", saved["optimizer"]["param_groups"]}});
    const auto& grads = saved["grads"].as<Value::List>();
    for (std::size_t i = 0; i < 3; ++i) take_step(*optimizer, params, grads[i]);
    save_checkpoint(path(name + "_cpp.pt"),
                    Value::Dict{{"params", Value::List(params.begin(), params.end())},
                                {"optimizer", state_dict(*optimizer)}});
  }
  test::run_python(script_, {"go-on", folder_.path().string()});
  for (const std::string name : names) {
    const Diff difference =
        diff(TensorFile(path(name + "_cpp_4.pt")), TensorFile(path(name + "_4.pt")));
    EXPECT_TRUE(difference.equal()) << name << "\n" << difference;
  }
}

/// What is said of loading `state`, and that it changes nothing.
std::string error_of(optim::Optimizer& optimizer, const Value& state) {
  const double lr = optimizer.param_groups()[0].options().get_lr();
  try {
    load_into(optimizer, state);
  } catch (const c10::Error& error) {
    EXPECT_EQ(optimizer.param_groups()[0].options().get_lr(), lr);
    EXPECT_TRUE(optimizer.state().empty());
    return error.what_without_backtrace();
  }
  return "no error";
}

TEST(Optimizer, RefusesStateThatDoesNotFit) {
  const torch::Tensor w = torch::ones({2}, torch::requires_grad());
  optim::SGD sgd({w}, optim::SGDOptions(0.5));
  const auto state = [](const Value::Dict& group, const Value& params, const Value& states) {
    Value::Dict all = group;
    all.emplace_back("params", params);
    return Value(Value::Dict{{"state", states}, {"param_groups", Value::List{all}}});
  };
  const Value::Dict group{
      {"lr", 0.1}, {"momentum", 0.9}, {"dampening", 0}, {"weight_decay", 0.0}, {"nesterov", false}};
  const Value none = Value::Dict{};
  const Value one = Value::List{0};
  EXPECT_EQ(error_of(sgd, Value::Dict{{"state", none}, {"param_groups", Value::List{}}}),
            "the state has 0 groups of parameters, the optimizer 1");
  EXPECT_EQ(error_of(sgd, state(group, Value::List{0, 1}, none)),
            "entry \"param_groups.0\": it has 2 parameters, the optimizer's has 1");
  EXPECT_EQ(error_of(sgd, state({{"lr", "fast"}}, one, none)),
            "entry \"param_groups.0\": entry \"lr\": it is of type str, not float");
  Value::Dict maximize = group;
  maximize.emplace_back("maximize", true);
  EXPECT_EQ(error_of(sgd, state(maximize, one, none)),
            "entry \"param_groups.0\": maximize is True, which LibTorch's optimizer can't do");
  const Value::Dict buffer{{"momentum_buffer", torch::ones({3})}};
  EXPECT_EQ(error_of(sgd, state(group, one, Value::Dict{{0, buffer}})),
            "entry \"param_groups.0\": entry \"state.0\": entry \"momentum_buffer\": it has shape "
            "[3], the parameter [2]");

  optim::RMSprop other({w});
  EXPECT_EQ(error_of(other, state(group, one, none)),
            "the optimizer is neither SGD nor Adam nor AdamW");
  load_into(sgd, state(group, one, none));
  EXPECT_EQ(sgd.param_groups()[0].options().get_lr(), 0.1);
}

}  // namespace
}  // namespace linreg::pytorch
