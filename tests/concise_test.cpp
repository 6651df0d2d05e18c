#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/scratch/scratch.hpp>
#include <vector>

namespace linreg::concise {
namespace {

data::Examples examples(std::int64_t n) {
  torch::manual_seed(5);
  return data::synthetic_data(torch::tensor({2.0F, -3.4F}), 4.2, n);
}

data::Examples numbered(std::int64_t n) {
  const torch::Tensor numbers = torch::arange(n, torch::kFloat).reshape({n, 1});
  return {numbers, numbers};
}

TEST(LoadArray, ShufflesAsTheDataLoaderOnlyToTrain) {
  torch::manual_seed(8);
  const auto [X, y] = *load_array(numbered(23), 10).begin();
  torch::manual_seed(8);
  const torch::Tensor expected = pytorch::data_loader_order(23).slice(0, 0, 10);
  EXPECT_TRUE(X.reshape(-1).equal(expected.to(torch::kFloat)));
  EXPECT_TRUE(y.equal(X));
  const auto [in_order, _] = *load_array(numbered(23), 10, /*is_train=*/false).begin();
  EXPECT_TRUE(in_order.equal(numbered(10).features));
}

TEST(LoadArray, RefusesABatchSizeBelowOneAndLabelsThatWouldBroadcast) {
  EXPECT_THROW(load_array(numbered(5), 0), c10::Error);
  EXPECT_THROW(load_array({torch::zeros({5, 2}), torch::zeros({5})}, 2), c10::Error);
}

TEST(Linreg, IsOneLinearLayerOfOneOutput) {
  const torch::nn::Sequential net = linreg(3);
  EXPECT_EQ(net->size(), 1U);
  EXPECT_EQ(layer(net)->weight.sizes(), torch::IntArrayRef({1, 3}));
  EXPECT_EQ(layer(net)->bias.sizes(), torch::IntArrayRef({1}));
  EXPECT_THROW(linreg(0), c10::Error);
}

TEST(InitializeParameters, DrawsSmallWeightsAfterTheLayersOwnAndAZeroBias) {
  torch::manual_seed(4);
  const torch::nn::Sequential net = linreg(40);
  initialize_parameters(net);
  torch::manual_seed(4);
  torch::nn::Linear own(40, 1);
  EXPECT_TRUE(layer(net)->weight.detach().equal(torch::normal(0, 0.01, {1, 40})));
  EXPECT_TRUE(layer(net)->bias.detach().equal(torch::zeros({1})));
}

TEST(Train, EstimatesTheTrueParameters) {
  const data::Examples data = examples(1000);
  const torch::nn::Sequential net = linreg(2);
  initialize_parameters(net);
  const std::vector<float> loss = train(net, data, {});
  ASSERT_EQ(loss.size(), 3U);
  // The remaining loss is the noise's variance.
  EXPECT_NEAR(loss.back(), 0.01 * 0.01, 2e-5);
  EXPECT_NEAR(layer(net)->weight[0][0].item<float>(), 2, 3e-3);
  EXPECT_NEAR(layer(net)->weight[0][1].item<float>(), -3.4, 3e-3);
  EXPECT_NEAR(layer(net)->bias.item<float>(), 4.2, 3e-3);
}

TEST(Train, AtHalfTheLearningRateTakesTheStepsOfScratch) {
  const auto [features, labels] = examples(40);
  const torch::nn::Sequential net = linreg(2);
  initialize_parameters(net);
  const torch::Tensor w = layer(net)->weight.detach().clone().reshape({2, 1}).requires_grad_();
  const torch::Tensor b = layer(net)->bias.detach().clone().requires_grad_();

  std::vector<torch::Tensor> steps;
  const auto on_step = [&](const torch::Tensor&) {
    steps.push_back(
        torch::cat({layer(net)->weight.detach().reshape(-1), layer(net)->bias.detach()}));
    return true;
  };
  torch::manual_seed(8);
  train(net, {features, labels}, {.lr = 0.015, .num_epochs = 2, .batch_size = 10}, {on_step, {}});

  torch::manual_seed(8);
  std::size_t step = 0;
  const auto data_iter = load_array({features, labels}, 10);
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const auto& [X, y] : data_iter) {
      scratch::squared_loss(scratch::linreg(X, w, b), y).sum().backward();
      scratch::sgd({w, b}, 0.03, 10);
      // A mean of ten and a sum of ten that is divided later round differently.
      const torch::Tensor here = torch::cat({w.detach().reshape(-1), b.detach()});
      ASSERT_TRUE(torch::allclose(steps.at(step), here, /*rtol=*/1e-6, /*atol=*/1e-6)) << step;
      ++step;
    }
  }
  EXPECT_EQ(step, steps.size());
}

TEST(Train, IsTheArticlesLoopStepByStep) {
  const auto [features, labels] = examples(25);
  const torch::nn::Sequential net = linreg(2);
  initialize_parameters(net);
  torch::Tensor w = layer(net)->weight.detach().clone();
  torch::Tensor b = layer(net)->bias.detach().clone();
  std::vector<torch::Tensor> step_losses;
  const auto keep = [&](const torch::Tensor& l) {
    step_losses.push_back(l.detach());
    return true;
  };
  torch::manual_seed(8);
  const std::vector<float> epoch_loss = train(
      net, {features, labels}, {.lr = 0.1, .num_epochs = 2, .batch_size = 10}, {.on_step = keep});
  ASSERT_EQ(epoch_loss.size(), 2U);
  ASSERT_EQ(step_losses.size(), 6U);

  torch::manual_seed(8);
  std::size_t step = 0;
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    for (const auto& batch : pytorch::data_loader_order(25).split(10)) {
      w.detach_().requires_grad_();
      b.detach_().requires_grad_();
      const torch::Tensor y_hat = torch::addmm(b, features.index({batch}), w.t());
      const torch::Tensor l = torch::mse_loss(y_hat, labels.index({batch}));
      EXPECT_TRUE(step_losses[step].equal(l)) << "step " << step;
      ++step;
      l.backward();
      w = torch::add(w.detach(), w.grad(), -0.1);
      b = torch::add(b.detach(), b.grad(), -0.1);
    }
    const torch::Tensor l = torch::mse_loss(torch::addmm(b, features, w.t()), labels);
    EXPECT_EQ(epoch_loss[epoch], l.item<float>());
  }
  EXPECT_TRUE(layer(net)->weight.detach().equal(w.detach()));
  EXPECT_TRUE(layer(net)->bias.detach().equal(b.detach()));
}

TEST(Train, CallsTheObserverAfterEachStepAndEpochAndStopsOnFalse) {
  const data::Examples data = examples(25);
  int steps = 0;
  std::vector<float> train_losses;
  const auto on_step = [&](const torch::Tensor& l) {
    EXPECT_EQ(l.dim(), 0);
    return ++steps < 5;
  };
  const auto on_epoch = [&](float train_loss) { train_losses.push_back(train_loss); };
  const auto loss = train(linreg(2), data, {}, {on_step, on_epoch});
  EXPECT_EQ(steps, 5);
  EXPECT_EQ(train_losses.size(), 1U);
  EXPECT_EQ(loss, train_losses);
}

TEST(Train, RefusesAModelThatDoesNotFitAndHyperparametersOutOfRange) {
  const data::Examples data = examples(5);
  EXPECT_THROW(train(linreg(3), data, {}), c10::Error);
  EXPECT_THROW(train(linreg(2), data, {.batch_size = 0}), c10::Error);
  const torch::nn::Sequential two_layers(torch::nn::Linear(2, 1), torch::nn::Linear(1, 1));
  EXPECT_THROW(train(two_layers, data, {}), c10::Error);
  EXPECT_THROW(train(linreg(2), {data.features, data.labels.reshape(-1)}, {}), c10::Error);
}

}  // namespace
}  // namespace linreg::concise
