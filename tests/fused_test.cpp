#include <gtest/gtest.h>
#include <torch/types.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/fused/fused.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <new>
#include <utility>
#include <vector>

#include "kernels.hpp"

namespace {
std::atomic<std::int64_t> allocations{0};
}

/// Every tensor that is made, and every node of autograd, comes through here.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

namespace linreg::fused {
namespace {

/// The bits of a training's results.
struct Result {
  std::vector<float> epoch_loss;
  torch::Tensor w;
  torch::Tensor b;
  std::vector<torch::Tensor> step_losses;
  std::int64_t next_random;  ///< that the global generator and `random` gave afterwards
};

/// Bit for bit, but that a NaN is a NaN.
bool same_bits(const torch::Tensor& left, const torch::Tensor& right) {
  return left.sizes() == right.sizes() && torch::equal(left.isnan(), right.isnan()) &&
         torch::equal(left.nan_to_num(0).view(torch::kInt), right.nan_to_num(0).view(torch::kInt));
}

void expect_same(const Result& fused, const Result& demo) {
  EXPECT_TRUE(same_bits(torch::tensor(fused.epoch_loss), torch::tensor(demo.epoch_loss)));
  EXPECT_TRUE(same_bits(fused.w, demo.w)) << fused.w << demo.w;
  EXPECT_TRUE(same_bits(fused.b, demo.b)) << fused.b << demo.b;
  ASSERT_EQ(fused.step_losses.size(), demo.step_losses.size());
  for (std::size_t i = 0; i < demo.step_losses.size(); ++i) {
    ASSERT_TRUE(same_bits(fused.step_losses[i], demo.step_losses[i])) << "step " << i;
  }
  EXPECT_EQ(fused.next_random, demo.next_random);
}

training::Observer keep(std::vector<torch::Tensor>& losses) {
  return {.on_step = [&losses](const torch::Tensor& l) {
    losses.push_back(l.detach().clone());
    return true;
  }};
}

Result run_scratch(const data::Examples& examples, const training::Hyperparameters& how,
                   bool is_fused, bool observed) {
  torch::manual_seed(1);
  pytorch::Random random(1);
  const scratch::Parameters parameters = scratch::initialize_parameters(examples.features.size(1));
  Result result;
  const training::Observer observer = observed ? keep(result.step_losses) : training::Observer{};
  result.epoch_loss = is_fused ? fused::train(parameters, examples, how, random, observer)
                               : scratch::train(parameters, examples, how, random, observer);
  result.w = parameters.w.detach();
  result.b = parameters.b.detach();
  result.next_random = static_cast<std::int64_t>(random.getrandbits(32));
  return result;
}

Result run_concise(const data::Examples& examples, const training::Hyperparameters& how,
                   bool is_fused, bool observed) {
  torch::manual_seed(1);
  torch::nn::Sequential net = concise::linreg(examples.features.size(1));
  concise::initialize_parameters(net);
  Result result;
  const training::Observer observer = observed ? keep(result.step_losses) : training::Observer{};
  result.epoch_loss = is_fused ? fused::train(net, examples, how, observer)
                               : concise::train(net, examples, how, observer);
  result.w = concise::layer(net)->weight.detach();
  result.b = concise::layer(net)->bias.detach();
  result.next_random = torch::randint(1 << 30, {1}).item<std::int64_t>();
  return result;
}

data::Examples examples(std::int64_t n, std::int64_t d) {
  torch::manual_seed(0);
  return data::synthetic_data(torch::linspace(-3.4, 2, d), 4.2, n);
}

void expect_the_demos_bits(std::int64_t n, std::int64_t d, std::int64_t batch_size, double lr,
                           std::int64_t num_epochs = 2) {
  SCOPED_TRACE(testing::Message() << "n " << n << ", d " << d << ", batch size " << batch_size
                                  << ", lr " << lr);
  const data::Examples data = examples(n, d);
  const training::Hyperparameters how{.lr = lr, .num_epochs = num_epochs, .batch_size = batch_size};
  const bool observed = n * num_epochs / batch_size < 1000;
  expect_same(run_scratch(data, how, true, observed), run_scratch(data, how, false, observed));
  expect_same(run_concise(data, how, true, observed), run_concise(data, how, false, observed));
}

TEST(ColumnSum, GivesTheKernelsBits) {
  torch::manual_seed(0);
  torch::Tensor expected = torch::empty({1, 1});
  torch::Tensor sum = torch::empty({1, 1});
  for (std::int64_t k = 1; k < 1100; ++k) {
    const kernels::ColumnSum column_sum(k);
    for (int i = 0; i < 30; ++i) {
      torch::Tensor column = torch::randn({k, 1}) * torch::exp2(torch::randint(-9, 9, {k, 1}));
      if (i == 0) column.fill_(-0.);
      if (i == 1) column[k / 2] = std::numeric_limits<float>::infinity();
      if (i == 2) column[k / 2] = NAN;
      kernels::sum(expected, column);
      column_sum(sum, column);
      ASSERT_TRUE(same_bits(sum, expected)) << "k " << k << ": " << sum << expected;
    }
  }
}

TEST(ColumnSum, NeedsTheKernelForLongColumnsOnly) {
  for (const std::int64_t k : {1, 3, 7, 10, 32, 64, 256, 511}) {
    EXPECT_FALSE(kernels::ColumnSum(k).is_the_kernel()) << k;
  }
  EXPECT_TRUE(kernels::ColumnSum(100'000).is_the_kernel());
}

TEST(FusedTrain, GivesTheDemosBitsForEveryBatchSize) {
  for (std::int64_t batch_size = 1; batch_size <= 70; ++batch_size) {
    expect_the_demos_bits(97, 2, batch_size, 0.03);
  }
  for (const std::int64_t batch_size : {100, 128, 255, 256, 257, 500, 999, 1000, 5000}) {
    expect_the_demos_bits(1000, 2, batch_size, 0.03);
  }
}

TEST(FusedTrain, GivesTheDemosBitsForManyFeatures) {
  for (const std::int64_t d : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 257, 600}) {
    for (const std::int64_t batch_size : {1, 2, 7, 10, 64, 300}) {
      expect_the_demos_bits(300, d, batch_size, 0.5 / static_cast<double>(d));
    }
  }
}

TEST(FusedTrain, GivesTheDemosBitsForManyExamples) {
  expect_the_demos_bits(200'000, 2, 10, 0.03, 1);
  expect_the_demos_bits(200'003, 2, 256, 0.03, 2);
  expect_the_demos_bits(200'003, 2, 100'000, 0.03, 2);
  expect_the_demos_bits(50'000, 100, 256, 0.005, 1);
}

TEST(FusedTrain, DivergesWithTheDemosBits) {
  expect_the_demos_bits(100, 2, 10, 3, 40);
  expect_the_demos_bits(100, 9, 7, 1e10, 20);
  expect_the_demos_bits(10, 1, 10, 1e30, 20);
}

TEST(FusedTrain, OverflowsWhereTheDemosDo) {
  // The article's l / 2 and the square's derivative: 2 e is infinite, e is not.
  const data::Examples data{torch::ones({3, 1}), torch::full({3, 1}, 2e38F)};
  const training::Hyperparameters how{.lr = 1e-3, .num_epochs = 1, .batch_size = 3};
  const Result fused = run_scratch(data, how, true, true);
  EXPECT_TRUE(fused.b.isinf().item<bool>());
  expect_same(fused, run_scratch(data, how, false, true));
  expect_same(run_concise(data, how, true, true), run_concise(data, how, false, true));
}

TEST(FusedTrain, GivesTheDemosBitsOnAnyNumberOfThreads) {
  const int before = torch::get_num_threads();
  for (const int threads : {1, 2}) {
    torch::set_num_threads(threads);
    expect_the_demos_bits(100'000, 2, 50'000, 0.03);
    expect_the_demos_bits(100'000, 2, 10, 0.03, 1);
  }
  torch::set_num_threads(before);
}

TEST(FusedTrain, GivesTheDemosBitsForParametersThatAreNotContiguous) {
  const data::Examples data = examples(100, 3);
  const auto run = [&](bool is_fused) {
    torch::manual_seed(1);
    pytorch::Random random(1);
    const scratch::Parameters parameters{
        torch::normal(0, 0.01, {3, 2}).slice(1, 0, 1).detach().requires_grad_(),
        torch::zeros(1, torch::requires_grad())};
    const auto& how = training::Hyperparameters{};
    return std::pair(is_fused ? fused::train(parameters, data, how, random)
                              : scratch::train(parameters, data, how, random),
                     parameters.w.detach());
  };
  EXPECT_EQ(run(true).first, run(false).first);
  EXPECT_TRUE(run(true).second.equal(run(false).second));
}

TEST(FusedTrain, GivesTheDemosBitsForExamplesThatAreNotContiguous) {
  const data::Examples data = examples(100, 3);
  const data::Examples columns{data.features.t().contiguous().t(),
                               torch::cat({data.labels, data.labels}, 1).slice(1, 0, 1)};
  const auto& how = training::Hyperparameters{};
  expect_same(run_scratch(columns, how, true, true), run_scratch(columns, how, false, true));
  expect_same(run_concise(columns, how, true, true), run_concise(columns, how, false, true));
}

TEST(FusedTrain, AllocatesNothingInAStep) {
  const auto allocations_of = [](std::int64_t n, bool is_fused) {
    const data::Examples data = examples(n, 3);
    const std::int64_t before = allocations;
    run_scratch(data, {.num_epochs = 1}, is_fused, false);
    run_concise(data, {.num_epochs = 1}, is_fused, false);
    return allocations - before;
  };
  // 200 steps more of each, and the loss of more examples.
  EXPECT_LT(allocations_of(3000, true) - allocations_of(1000, true), 20);
  EXPECT_GT(allocations_of(3000, false) - allocations_of(1000, false), 400) << "none counted";
}

TEST(FusedTrain, StopsWhenTheObserverSaysSo) {
  int steps = 0;
  int epochs = 0;
  const training::Observer observer{[&](const torch::Tensor&) { return ++steps < 15; },
                                    [&](float) { ++epochs; }};
  torch::nn::Sequential net = concise::linreg(2);
  EXPECT_EQ(fused::train(net, examples(100, 2), {}, observer).size(), 1U);
  EXPECT_EQ(steps, 15);
  EXPECT_EQ(epochs, 1);
}

TEST(FusedTrain, RefusesWhatTheDemosRefuse) {
  const data::Examples data = examples(5, 2);
  pytorch::Random random(0);
  EXPECT_THROW(fused::train(scratch::initialize_parameters(3), data, {}, random), c10::Error);
  EXPECT_THROW(fused::train(scratch::initialize_parameters(2), data, {.lr = 0}, random),
               c10::Error);
  EXPECT_THROW(fused::train(concise::linreg(3), data, {}), c10::Error);
  EXPECT_THROW(fused::train(concise::linreg(2), {data.features, data.labels.reshape(-1)}, {}),
               c10::Error);
}

}  // namespace
}  // namespace linreg::fused
