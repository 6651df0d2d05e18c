#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <linreg/concise/concise.hpp>
#include <linreg/concise/data_loader.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/scratch/scratch.hpp>
#include <sstream>
#include <utility>

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

torch::Tensor visited(DataLoader& loader) {
  std::vector<torch::Tensor> seen;
  for (const auto& [X, y] : loader) {
    EXPECT_TRUE(X.equal(y));
    seen.push_back(X);
  }
  return torch::cat(seen).reshape(-1).to(torch::kLong);
}

TEST(LoadArray, VisitsTheExamplesInTheDataLoadersOrderAnewEachEpoch) {
  const auto loader = load_array(numbered(23), 10);
  torch::manual_seed(8);
  const torch::Tensor first = visited(*loader);
  const torch::Tensor second = visited(*loader);
  torch::manual_seed(8);
  EXPECT_TRUE(first.equal(pytorch::data_loader_order(23)));
  EXPECT_TRUE(second.equal(pytorch::data_loader_order(23)));
  EXPECT_FALSE(first.equal(second));
}

TEST(LoadArray, KeepsTheOrderOfTheExamplesWhenNotTraining) {
  const auto loader = load_array(numbered(5), 2, /*is_train=*/false);
  torch::manual_seed(8);
  EXPECT_TRUE(visited(*loader).equal(torch::arange(5)));
  const auto next = torch::randint(1 << 30, {1}).item<std::int64_t>();
  torch::manual_seed(8);
  pytorch::skip_data_loader_base_seed();
  EXPECT_EQ(next, torch::randint(1 << 30, {1}).item<std::int64_t>());
}

TEST(LoadArray, RefusesABatchSizeBelowOneAndLabelsThatWouldBroadcast) {
  EXPECT_THROW(load_array(numbered(5), 0), c10::Error);
  EXPECT_THROW(load_array({torch::zeros({5, 2}), torch::zeros({5})}, 2), c10::Error);
}

TEST(DataLoaderSampler, RefusesNoExamples) { EXPECT_THROW(DataLoaderSampler(0, true), c10::Error); }

DataLoaderSampler saved_and_restored(const DataLoaderSampler& sampler) {
  std::stringstream stream;
  torch::serialize::OutputArchive out;
  sampler.save(out);
  out.save_to(stream);
  DataLoaderSampler restored(1, true);
  torch::serialize::InputArchive in;
  in.load_from(stream);
  restored.load(in);
  return restored;
}

torch::Tensor indices(const BatchIndices& batch) {
  return batch.order.slice(0, batch.first, batch.last);
}

TEST(DataLoaderSampler, KeepsIndicesInInt32WhileTheyFit) {
  for (const bool shuffle : {true, false}) {
    DataLoaderSampler sampler(10, shuffle);
    sampler.reset();
    EXPECT_EQ(sampler.next(4)->order.scalar_type(), torch::kInt);
  }
}

TEST(DataLoaderSampler, ContinuesFromWhereItWasSaved) {
  DataLoaderSampler sampler(10, true);
  sampler.reset();
  sampler.next(4);
  DataLoaderSampler restored = saved_and_restored(sampler);
  const torch::Tensor rest = indices(restored.next(100).value());
  EXPECT_EQ(rest.size(0), 6);
  EXPECT_TRUE(rest.equal(indices(sampler.next(100).value())));
  EXPECT_FALSE(restored.next(1).has_value());
}

TEST(DataLoaderSampler, ReturnsNothingAfterAnEpochSavedOrNot) {
  DataLoaderSampler sampler(10, true);
  EXPECT_FALSE(sampler.next(4).has_value()) << "no epoch has begun";
  sampler.reset();
  EXPECT_EQ(sampler.next(10)->size(), 10U);
  EXPECT_FALSE(sampler.next(4).has_value());
  DataLoaderSampler restored = saved_and_restored(sampler);
  EXPECT_FALSE(restored.next(4).has_value());
  restored.reset();
  EXPECT_EQ(restored.next(100)->size(), 10U) << "the number of examples is restored, too";
}

TEST(DataLoaderSampler, TakesANewSizeAtReset) {
  DataLoaderSampler sampler(10, true);
  sampler.reset(4);
  EXPECT_EQ(sampler.next(100)->size(), 4U);
}

TEST(TensorDataset, HasTheSizeOfTheExamples) {
  const auto [features, labels] = numbered(5);
  EXPECT_EQ(TensorDataset(features, labels).size(), 5U);
}

TEST(TensorDataset, ServesAnyRangeOfAnyOrder) {
  const auto [features, labels] = numbered(100'000);
  TensorDataset dataset(features, labels);
  const torch::Tensor orders[] = {torch::randperm(100'000), torch::randperm(100'000)};
  for (const auto& [first, last] :
       {std::pair(0, 7), {70'000, 70'010}, {3, 5}, {0, 100'000}, {99'999, 100'000}}) {
    for (const torch::Tensor& order : orders) {
      const torch::Tensor expected = features.index_select(0, order.slice(0, first, last));
      const auto [X, y] = dataset.get_batch({order, first, last});
      EXPECT_TRUE(X.equal(expected));
      EXPECT_TRUE(y.equal(expected));
    }
  }
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
    for (const auto& [X, y] : *data_iter) {
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
