#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>

#include <functional>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/scratch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

/// Wrong arguments to the libraries: each error names the function and the value.
namespace linreg {
namespace {

struct Misuse {
  std::function<void()> call;
  std::string function;
  std::string value;
};

void expect_refused(const std::vector<Misuse>& misuses) {
  for (const auto& [call, function, value] : misuses) {
    SCOPED_TRACE(function + ": " + value);
    std::string message;
    try {
      call();
    } catch (const c10::Error& error) {
      message = error.what_without_backtrace();
    } catch (const std::invalid_argument& error) {
      message = error.what();
    }
    EXPECT_TRUE(message.starts_with("linreg::" + function + ": ")) << message;
    EXPECT_NE(message.find(value), std::string::npos) << message;
  }
}

const data::Examples examples{torch::ones({5, 2}), torch::ones({5, 1})};

TEST(Misuse, OfShapesTypesDevicesAndNumbersIsRefused) {
  pytorch::Random random(0);
  const auto meta = torch::device(torch::kMeta).dtype(torch::kFloat);
  const torch::Tensor order = torch::arange(5);
  const data::Examples none{torch::ones({0, 2}), torch::ones({0, 1})};
  expect_refused({
      {[&] {
         data::synthetic_data(torch::ones({2, 1}), 0, 5);
       },
       "data::synthetic_data", "[2, 1]"},
      {[&] { data::synthetic_data(torch::ones({2}, meta), 0, 5); }, "data::synthetic_data", "[2]"},
      {[&] { data::synthetic_data(torch::ones({2}), 0, -1); }, "data::synthetic_data", "-1"},
      {[&] { data::synthetic_data(torch::ones({2}), 0, 5, -0.5); }, "data::synthetic_data", "-0.5"},
      {[&] { data::Minibatches(examples, torch::arange(5), -2); }, "data::Minibatches", "-2"},
      {[&] { data::Minibatches(none, torch::arange(0), 2); }, "data::Minibatches", "[0, 2]"},
      {[&] { scratch::data_iter(0, examples.features, examples.labels, random); },
       "data::Minibatches", "0"},
      {[&] { scratch::data_iter(2, examples.features, torch::ones({5}), random); },
       "scratch::data_iter", "[5]"},
      {[&] {
         scratch::data_iter(2, torch::ones({5, 2}, meta), examples.labels, random);
       },
       "scratch::data_iter", "on the CPU"},
      {[&] { scratch::initialize_parameters(-3); }, "scratch::initialize_parameters", "-3"},
      {[&] {
         scratch::squared_loss(torch::ones({3, 1}), torch::ones({4}));
       },
       "scratch::squared_loss", "[4]"},
      {[&] {
         scratch::sgd({torch::ones({3, 1}).requires_grad_()}, 0.1, 1);
       },
       "scratch::sgd", "[3, 1]"},
      {[&] { concise::load_array(examples, -4); }, "pytorch::DataLoader", "-4"},
      {[&] { concise::load_array(none, 4); }, "concise::load_array", "[0, 2]"},
      {[&] { concise::linreg(0); }, "concise::linreg", "0"},
      {[&] { pytorch::data_loader_order(0); }, "pytorch::data_loader_order", "0"},
      {[&] {
         (void)pytorch::TensorDataset(torch::ones({3, 1}), torch::ones(4));
       },
       "pytorch::TensorDataset", "[4]"},
      {[&] { (void)pytorch::TensorDataset(torch::ones({})); }, "pytorch::TensorDataset", "[]"},
      {[&] { (void)pytorch::TensorDataset(torch::Tensor()); }, "pytorch::TensorDataset",
       "Undefined"},
      {[&] {
         pytorch::DataLoader(pytorch::TensorDataset(torch::ones({0, 1})), {.shuffle = true});
       },
       "pytorch::DataLoader", "shuffle"},
      {[&] {
         pytorch::DataLoader(pytorch::TensorDataset(order), {.shuffle = true, .sampler = order});
       },
       "pytorch::DataLoader", "sampler"},
      {[&] { pytorch::DataLoader(pytorch::TensorDataset(order), {.sampler = torch::ones(5)}); },
       "pytorch::DataLoader", "[5]"},
      {[&] {
         pytorch::random_split(10, {4, 5});
       },
       "pytorch::random_split", "9"},
      {[&] {
         pytorch::random_split(10, {4.5, 5.5});
       },
       "pytorch::random_split", "4.5"},
      {[&] {
         pytorch::random_split(10, {11, -1});
       },
       "pytorch::random_split", "-1"},
      {[&] {
         pytorch::random_split(10, {1.5, -0.5});
       },
       "pytorch::random_split", "1.5"},
      {[&] { pytorch::distributed_sampler_order(0, {.num_replicas = 2, .rank = 0}); },
       "pytorch::distributed_sampler_order", "0"},
      {[&] { pytorch::distributed_sampler_order(9, {.num_replicas = 2, .rank = 2}); },
       "pytorch::distributed_sampler_order", "2"},
      {[&] { random.getrandbits(65); }, "pytorch::Random::getrandbits", "65"},
      {[&] { random.randbelow(0); }, "pytorch::Random::randbelow", "0"},
  });
}

TEST(Misuse, OfTrainingIsRefused) {
  pytorch::Random random(0);
  const auto scratch = [&](const torch::Tensor& w, const torch::Tensor& b, double lr = 0.1) {
    return [=, &random] { scratch::train({w, b}, examples, {.lr = lr}, random); };
  };
  const auto concise = [](const torch::nn::Sequential& net) {
    return [=] { concise::train(net, examples, {}); };
  };
  const auto grad = torch::requires_grad();
  const torch::Tensor w = torch::ones({2, 1}, grad);
  const torch::Tensor b = torch::ones({1}, grad);
  const torch::nn::Sequential frozen = concise::linreg(2);
  concise::layer(frozen)->weight.requires_grad_(false);
  torch::nn::Sequential wide = concise::linreg(2);
  wide->to(torch::kDouble);
  expect_refused({
      {scratch(torch::ones({2}, grad), b), "scratch::train", "[2]"},
      {scratch(torch::ones({2, 1}), b), "scratch::train", "without grad of shape [2, 1]"},
      {scratch(torch::ones({2, 1}, grad.dtype(torch::kDouble)), b), "scratch::train", "Double"},
      {scratch(torch::ones({2, 1}, grad.device(torch::kMeta)), b), "scratch::train", "on the CPU"},
      {scratch(w, torch::ones({1})), "scratch::train", "b must be"},
      {scratch(w, torch::Tensor()), "scratch::train", "b must be"},
      {scratch(w, b, -0.25), "scratch::train", "-0.25"},
      {concise(nullptr), "concise::train", "torch::nn::Linear"},
      {concise(torch::nn::Sequential()), "concise::train", "torch::nn::Linear"},
      {concise(torch::nn::Sequential(torch::nn::ReLU())), "concise::train", "torch::nn::Linear"},
      {concise(frozen), "concise::train", "without grad of shape [1, 2]"},
      {concise(wide), "concise::train", "Double"},
      {concise(concise::linreg(3)), "concise::train", "[1, 3]"},
  });
}

}  // namespace
}  // namespace linreg
