#include <gtest/gtest.h>
#include <torch/nn.h>

#include <cstddef>
#include <linreg/pytorch/module.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "python_scripts.hpp"

namespace nn = torch::nn;

struct NetImpl : nn::Module {
  NetImpl() {
    register_module("hidden", nn::Sequential(nn::Linear(4, 8), nn::ReLU()));
    register_module("output", nn::Linear(nn::LinearOptions(8, 1).bias(false)));
  }
};

namespace linreg::pytorch {
namespace {

TEST(StrOfModule, NamesTheArticlesModelAsPythonDoes) {
  EXPECT_EQ(str(*nn::Sequential(nn::Linear(2, 1))),
            "Sequential(\n  (0): Linear(in_features=2, out_features=1, bias=True)\n)");
}

std::vector<std::string> texts() {
  return {
      str(*nn::Sequential(nn::Linear(2, 1))),
      str(*nn::Linear(nn::LinearOptions(2, 1).bias(false))),
      str(*nn::Sequential()),
      str(*nn::ReLU()),
      str(*nn::Sigmoid()),
      str(*nn::Tanh()),
      str(*nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.1))),
      str(*nn::GELU()),
      str(*nn::Softmax(1)),
      str(*nn::Flatten()),
      str(*nn::Identity()),
      str(*nn::Dropout(0.25)),
      str(*nn::MSELoss()),
      str(*nn::L1Loss()),
      str(*nn::CrossEntropyLoss()),
      str(*nn::Conv1d(nn::Conv1dOptions(2, 3, 5).stride(2).padding(1).bias(false))),
      str(*nn::Conv2d(nn::Conv2dOptions(3, 4, 3))),
      str(*nn::Conv2d(nn::Conv2dOptions(4, 4, {3, 5}).padding({1, 2}).groups(2))),
      str(*nn::ConvTranspose2d(nn::ConvTranspose2dOptions(1, 2, 3))),
      str(*nn::MaxPool1d(2)),
      str(*nn::MaxPool2d(2)),
      str(*nn::MaxPool2d(nn::MaxPool2dOptions({2, 3}))),
      str(*nn::AvgPool2d(2)),
      str(*nn::AdaptiveAvgPool2d(nn::AdaptiveAvgPool2dOptions({1, 1}))),
      str(*nn::BatchNorm1d(4)),
      str(*nn::BatchNorm2d(nn::BatchNorm2dOptions(3).affine(false))),
      str(*nn::GroupNorm(2, 4)),
      str(*nn::LayerNorm(nn::LayerNormOptions({5}))),
      str(*nn::LayerNorm(nn::LayerNormOptions({5, 6}))),
      str(*nn::Embedding(7, 3)),
      str(*nn::LSTM(nn::LSTMOptions(3, 4).num_layers(2).bidirectional(true))),
      str(*nn::GRU(2, 3)),
      str(*nn::RNN(nn::RNNOptions(2, 3).batch_first(true))),
      str(*nn::ModuleList(nn::Linear(2, 2), nn::Linear(2, 2), nn::Linear(2, 1))),
      str(*nn::ModuleList(nn::Sequential(nn::ReLU()), nn::Sequential(nn::ReLU()))),
      str(NetImpl()),
  };
}

TEST(StrOfModule, IsLivePytorchs) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto expected = nlohmann::json::parse(test::run_python(test::script("modules.py")))
                            .get<std::vector<std::string>>();
  EXPECT_EQ(texts(), expected);
}

}  // namespace
}  // namespace linreg::pytorch
