#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>
#include <linreg/scratch/scratch.hpp>
#include <numeric>
#include <span>

namespace linreg::scratch {
namespace {

data::Examples examples(std::int64_t n) {
  torch::manual_seed(5);
  return data::synthetic_data(torch::tensor({2.0F, -3.4F}), 4.2, n);
}

TEST(DataIter, VisitsTheExamplesInPythonsShuffledOrder) {
  const torch::Tensor numbers = torch::arange(10, torch::kFloat).reshape({10, 1});
  pytorch::Random random(42);
  std::vector<torch::Tensor> seen;
  for (const auto& [X, y] : data_iter(4, numbers, numbers, random)) seen.push_back(X);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen.back().size(0), 2) << "the last minibatch is what is left";
  const torch::Tensor order =
      torch::tensor({7.0F, 3.0F, 2.0F, 8.0F, 5.0F, 6.0F, 9.0F, 4.0F, 0.0F, 1.0F});
  EXPECT_TRUE(torch::cat(seen).reshape(-1).equal(order));
}

TEST(DataIter, RefusesABatchSizeBelowOneAndLabelsThatWouldBroadcast) {
  pytorch::Random random(0);
  EXPECT_THROW(data_iter(0, torch::zeros({5, 2}), torch::zeros({5, 1}), random), c10::Error);
  EXPECT_THROW(data_iter(2, torch::zeros({5, 2}), torch::zeros({5}), random), c10::Error);
}

TEST(InitializeParameters, AreSmallWeightsAndAZeroBiasThatRequireGrad) {
  torch::manual_seed(9);
  const auto [w, b] = initialize_parameters(40);
  torch::manual_seed(9);
  EXPECT_TRUE(w.detach().equal(torch::normal(0, 0.01, {40, 1})));
  EXPECT_TRUE(b.detach().equal(torch::zeros({1})));
  EXPECT_TRUE(w.requires_grad() && w.is_leaf());
  EXPECT_TRUE(b.requires_grad() && b.is_leaf());
}

TEST(InitializeParameters, RefuseNoFeatures) { EXPECT_THROW(initialize_parameters(0), c10::Error); }

TEST(Linreg, IsXwPlusB) {
  const torch::Tensor X = torch::tensor({{1.0F, 2.0F}, {3.0F, 4.0F}});
  const torch::Tensor w = torch::tensor({{10.0F}, {100.0F}});
  EXPECT_TRUE(linreg(X, w, torch::tensor({0.5F})).equal(torch::tensor({{210.5F}, {430.5F}})));
}

TEST(SquaredLoss, IsHalfTheSquareOfEachError) {
  const torch::Tensor y_hat = torch::tensor({{1.0F}, {5.0F}, {-2.0F}});
  const torch::Tensor expected = torch::tensor({{0.5F}, {4.5F}, {8.0F}});
  EXPECT_TRUE(squared_loss(y_hat, torch::tensor({{2.0F}, {2.0F}, {2.0F}})).equal(expected));
  EXPECT_TRUE(squared_loss(y_hat, torch::tensor({2.0F, 2.0F, 2.0F})).equal(expected))
      << "y takes y_hat's shape, as in the article";
}

TEST(SquaredLoss, RefusesShapesThatWouldBroadcast) {
  EXPECT_THROW(squared_loss(torch::zeros({3, 1}), torch::zeros({1})), c10::Error);
  EXPECT_THROW(squared_loss(torch::zeros({1}), torch::zeros({3})), c10::Error);
}

TEST(SquaredLoss, HasTheBitsOfTheArticlesExpressionAndOfItsGradient) {
  torch::manual_seed(3);
  torch::Tensor y_hat =
      torch::randn({4000, 1}) * torch::pow(10, torch::empty({4000, 1}).uniform_(-45, 39));
  y_hat[0] = std::numeric_limits<float>::quiet_NaN();
  y_hat[1] = std::numeric_limits<float>::infinity();
  y_hat[2] = -std::numeric_limits<float>::infinity();
  y_hat[3] = 3e38F;  // twice this is infinite
  y_hat.slice(0, 4, 500).zero_();
  const torch::Tensor y = torch::cat({torch::zeros({2000, 1}), torch::randn({2000, 1})});
  const auto bits = [](const torch::Tensor& x) { return x.nan_to_num(-1).view(torch::kInt); };

  const torch::Tensor leaf = y_hat.clone().requires_grad_();
  const torch::Tensor l = squared_loss(leaf, y);
  l.sum().backward();
  const torch::Tensor article_leaf = y_hat.clone().requires_grad_();
  const torch::Tensor article_l = (article_leaf - y).pow(2) / 2;
  article_l.sum().backward();
  EXPECT_TRUE(bits(l.detach()).equal(bits(article_l.detach())));
  EXPECT_TRUE(bits(leaf.grad()).equal(bits(article_leaf.grad())));
}

TEST(SquaredLoss, WorksWithAutogradAfterACallInInferenceMode) {
  {
    const c10::InferenceMode inference;
    squared_loss(torch::ones({1, 1}), torch::zeros({1, 1}));
  }
  const torch::Tensor y_hat = torch::full({1, 1}, 3.0F).requires_grad_();
  squared_loss(y_hat, torch::ones({1, 1})).sum().backward();
  EXPECT_EQ(y_hat.grad().item<float>(), 2);
}

TEST(SquaredLoss, HasTheGradientOfItsFormula) {
  const auto [X, y] = examples(16);
  const auto [w, b] = initialize_parameters(2);
  squared_loss(linreg(X, w, b), y).sum().backward();
  const torch::Tensor X_double = X.to(torch::kDouble);
  const torch::Tensor error =
      torch::matmul(X_double, w.detach().to(torch::kDouble)) + b.detach() - y.to(torch::kDouble);
  // Sums of 16 float32 products of size about 10.
  EXPECT_TRUE(torch::allclose(w.grad().to(torch::kDouble), torch::matmul(X_double.t(), error),
                              /*rtol=*/1e-5, /*atol=*/1e-5));
  EXPECT_TRUE(torch::allclose(b.grad().to(torch::kDouble), error.sum(0), 1e-5, 1e-5));
}

TEST(Sgd, GoesDownByLrTimesGradOverBatchSizeInThatOrder) {
  torch::manual_seed(2);
  const torch::Tensor before = torch::randn({1000});
  const torch::Tensor grad = torch::randn({1000}) * 100;
  torch::Tensor param = before.clone().requires_grad_();
  param.mutable_grad() = grad.clone();
  sgd({param}, 0.03, 7);
  const float lr = 0.03F;
  for (std::int64_t i = 0; i < 1000; ++i) {
    const float step = lr * grad[i].item<float>();
    ASSERT_EQ(param[i].item<float>(), before[i].item<float>() - step / 7.0F) << i;
  }
}

TEST(Sgd, ZeroesTheGradient) {
  torch::Tensor param = torch::ones({3}).requires_grad_();
  param.sum().backward();
  sgd({param}, 0.5, 1);
  EXPECT_TRUE(param.detach().equal(torch::full({3}, 0.5F)));
  EXPECT_TRUE(param.grad().equal(torch::zeros({3})));
}

TEST(Sgd, RefusesAParameterWithoutAGradient) {
  EXPECT_THROW(sgd({torch::ones({3}).requires_grad_()}, 0.5, 1), c10::Error);
}

TEST(Train, EstimatesTheTrueParameters) {
  const data::Examples data = examples(1000);
  const Parameters parameters = initialize_parameters(2);
  pytorch::Random random(5);
  const std::vector<float> loss = train(parameters, data, {}, random);
  ASSERT_EQ(loss.size(), 3U);
  // The remaining loss is half of the noise's variance.
  EXPECT_NEAR(loss.back(), 0.01 * 0.01 / 2, 1e-5);
  EXPECT_NEAR(parameters.w[0].item<float>(), 2, 2e-3);
  EXPECT_NEAR(parameters.w[1].item<float>(), -3.4, 2e-3);
  EXPECT_NEAR(parameters.b.item<float>(), 4.2, 2e-3);
}

TEST(Train, IsTheArticlesLoopStepByStep) {
  const auto [features, labels] = examples(25);
  Parameters parameters = initialize_parameters(2);
  torch::Tensor w = parameters.w.detach().clone();
  torch::Tensor b = parameters.b.detach().clone();
  std::vector<torch::Tensor> step_losses;
  const auto keep = [&](const torch::Tensor& l) {
    step_losses.push_back(l.detach());
    return true;
  };
  pytorch::Random random(1);
  const std::vector<float> epoch_loss =
      train(parameters, {features, labels}, {.lr = 0.1, .num_epochs = 2, .batch_size = 10}, random,
            {.on_step = keep});
  ASSERT_EQ(epoch_loss.size(), 2U);
  ASSERT_EQ(step_losses.size(), 6U);

  random.seed(1);
  std::size_t step = 0;
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<std::int64_t> indices(25);
    std::iota(indices.begin(), indices.end(), 0);
    random.shuffle(std::span(indices));
    for (const auto& batch : torch::tensor(indices).split(10)) {
      w.detach_().requires_grad_();
      b.detach_().requires_grad_();
      const torch::Tensor y_hat = torch::matmul(features.index({batch}), w) + b;
      const torch::Tensor l = (y_hat - labels.index({batch})).pow(2) / 2;
      EXPECT_TRUE(step_losses[step].equal(l)) << "step " << step;
      ++step;
      l.sum().backward();
      w = w.detach() - 0.1 * w.grad() / 10;
      b = b.detach() - 0.1 * b.grad() / 10;
    }
    const torch::Tensor train_l = (torch::matmul(features, w) + b - labels).pow(2) / 2;
    EXPECT_EQ(epoch_loss[epoch], train_l.mean().item<float>());
  }
  EXPECT_TRUE(parameters.w.detach().equal(w.detach()));
  EXPECT_TRUE(parameters.b.detach().equal(b.detach()));
}

TEST(Train, CallsTheObserverAfterEachStepAndEpochAndStopsOnFalse) {
  const data::Examples data = examples(25);
  pytorch::Random random(1);
  std::vector<std::int64_t> step_sizes;
  std::vector<float> train_losses;
  const auto on_step = [&](const torch::Tensor& l) {
    step_sizes.push_back(l.size(0));
    return step_sizes.size() < 5;
  };
  const auto on_epoch = [&](float train_loss) { train_losses.push_back(train_loss); };
  const auto loss = train(initialize_parameters(2), data, {}, random, {on_step, on_epoch});
  EXPECT_EQ(step_sizes, (std::vector<std::int64_t>{10, 10, 5, 10, 10}));
  EXPECT_EQ(train_losses.size(), 1U);
  EXPECT_EQ(loss, train_losses);
}

TEST(Train, RefusesParametersThatDoNotFitOrDoNotRequireGrad) {
  const data::Examples data = examples(5);
  pytorch::Random random(0);
  EXPECT_THROW(train(initialize_parameters(3), data, {}, random), c10::Error);
  EXPECT_THROW(train({torch::zeros({2, 1}), torch::zeros({1})}, data, {}, random), c10::Error);
  EXPECT_THROW(train({torch::Tensor(), torch::Tensor()}, data, {}, random), c10::Error);
}

TEST(Train, RefusesHyperparametersOutOfRangeAndExamplesThatWouldBroadcast) {
  const data::Examples data = examples(5);
  pytorch::Random random(0);
  EXPECT_THROW(train(initialize_parameters(2), data, {.lr = 0}, random), c10::Error);
  EXPECT_THROW(
      train(initialize_parameters(2), {data.features, data.labels.reshape(-1)}, {}, random),
      c10::Error);
}

}  // namespace
}  // namespace linreg::scratch
