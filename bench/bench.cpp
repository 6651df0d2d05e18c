#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <benchmark/benchmark.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/fused/fused.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "gather.hpp"

/// The C++ side of scripts/bench: each benchmark is one way to run an epoch of one setting.
/// Legend of shapes: n examples, d features, k examples in a minibatch.
namespace linreg {
namespace {

struct Problem {
  data::Examples examples;
  training::Hyperparameters one_epoch;
};

scratch::Parameters first_parameters(const Problem& problem) {
  torch::manual_seed(0);
  return scratch::initialize_parameters(problem.examples.features.size(1));
}

/// The same steps over plain floats, about as fast as the machine allows. `w` has d weights and
/// then the bias.
void train_plain(std::vector<float>& w, const Problem& problem, pytorch::Random& random) {
  const auto n = static_cast<std::size_t>(problem.examples.features.size(0));
  const std::size_t d = w.size() - 1;
  const auto batch_size = static_cast<std::size_t>(problem.one_epoch.batch_size);
  const float scale = static_cast<float>(problem.one_epoch.lr) / static_cast<float>(batch_size);
  const float* features = problem.examples.features.data_ptr<float>();
  const float* labels = problem.examples.labels.data_ptr<float>();
  std::vector<std::int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(std::span(order));
  std::vector<float> grad(w.size());
  for (std::size_t first = 0; first < n; first += batch_size) {
    std::fill(grad.begin(), grad.end(), 0.0F);
    for (std::size_t i = first; i < std::min(first + batch_size, n); ++i) {
      const auto row = static_cast<std::size_t>(order[i]);
      const float* x = features + row * d;
      const float error = std::inner_product(x, x + d, w.begin(), w[d]) - labels[row];
      for (std::size_t j = 0; j < d; ++j) grad[j] += error * x[j];
      grad[d] += error;
    }
    for (std::size_t j = 0; j <= d; ++j) w[j] -= scale * grad[j];
  }
}

/// Throws c10::Error unless all ways give the same result: the fused engine the same bits as from
/// scratch, plain floats up to the rounding of another order of summation.
void check(const Problem& problem) {
  const scratch::Parameters from_scratch = first_parameters(problem);
  const scratch::Parameters without = first_parameters(problem);
  const torch::Tensor plain = torch::cat({without.w.detach().reshape(-1), without.b.detach()});
  std::vector<float> w(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  pytorch::Random random(0);
  scratch::train(from_scratch, problem.examples, problem.one_epoch, random);
  random.seed(0);
  fused::train(without, problem.examples, problem.one_epoch, random);
  random.seed(0);
  train_plain(w, problem, random);
  const torch::Tensor expected = torch::cat({from_scratch.w.reshape(-1), from_scratch.b}).detach();
  TORCH_CHECK(torch::cat({without.w.reshape(-1), without.b}).equal(expected),
              "linreg_bench: the fused result is not that of scratch::train");
  TORCH_CHECK(torch::allclose(torch::tensor(w), expected, /*rtol=*/1e-3, /*atol=*/1e-3),
              "linreg_bench: the result of the plain loop is not that of scratch::train");
}

void add(const char* name, auto epoch) {
  benchmark::RegisterBenchmark(name,
                               [epoch](benchmark::State& state) mutable {
                                 epoch();  // warm-up
                                 for ([[maybe_unused]] auto _ : state) epoch();
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

/// What an epoch of the fused engine does beside its steps, and a copy of the examples.
void register_parts(const Problem& problem) {
  const auto& [features, labels] = problem.examples;
  const std::int64_t n = features.size(0);
  const std::int64_t d = features.size(1);
  torch::Tensor order = torch::randperm(n);
  const auto indices = [n](const torch::Tensor& tensor) {
    return std::span(tensor.data_ptr<std::int64_t>(), static_cast<std::size_t>(n));
  };
  add("part: order, scratch",
      [order = order.clone(), indices, random = pytorch::Random(0)]() mutable {
        random.shuffle(indices(order));
      });
  add("part: order, concise", [n] { pytorch::data_loader_order(n); });
  add("part: gather", [&features, &labels, order, indices, n, d] {
    constexpr std::int64_t block = 1 << 18;
    torch::Tensor X = torch::empty({std::min(n, block / (d + 1)), d});
    torch::Tensor y = torch::empty({X.size(0), 1});
    for (std::int64_t first = 0; first < n; first += X.size(0)) {
      const auto here =
          indices(order).subspan(static_cast<std::size_t>(first),
                                 static_cast<std::size_t>(std::min(X.size(0), n - first)));
      fused::gather(features, here, here.size(), static_cast<std::size_t>(X.numel()),
                    X.data_ptr<float>());
      fused::gather(labels, here, here.size(), here.size(), y.data_ptr<float>());
    }
  });
  const scratch::Parameters parameters = first_parameters(problem);
  add("part: loss, scratch", [&features, &labels, parameters] {
    const torch::NoGradGuard no_grad;
    const auto& [w, b] = parameters;
    scratch::squared_loss(scratch::linreg(features, w, b), labels).mean();
  });
  torch::nn::Sequential net = concise::linreg(d);
  add("part: loss, concise", [&features, &labels, net]() mutable {
    const torch::NoGradGuard no_grad;
    torch::mse_loss(net->forward(features), labels);
  });
  add("part: copy", [&features, &labels, X = torch::empty_like(features),
                     y = torch::empty_like(labels)]() mutable {
    X.copy_(features);
    y.copy_(labels);
  });
}

void register_benchmarks(const Problem& problem) {
  add("scratch",
      [&problem, parameters = first_parameters(problem), random = pytorch::Random(0)]() mutable {
        scratch::train(parameters, problem.examples, problem.one_epoch, random);
      });
  const torch::nn::Sequential net = concise::linreg(problem.examples.features.size(1));
  concise::initialize_parameters(net);
  add("concise", [&problem, net] { concise::train(net, problem.examples, problem.one_epoch); });
  add("scratch, fused",
      [&problem, parameters = first_parameters(problem), random = pytorch::Random(0)]() mutable {
        fused::train(parameters, problem.examples, problem.one_epoch, random);
      });
  add("concise, fused",
      [&problem, net] { fused::train(net, problem.examples, problem.one_epoch); });
  add("plain",
      [&problem,
       w = std::vector<float>(static_cast<std::size_t>(problem.examples.features.size(1)) + 1),
       random = pytorch::Random(0)]() mutable { train_plain(w, problem, random); });
  register_parts(problem);
}

}  // namespace
}  // namespace linreg

/// linreg_bench [GOOGLE BENCHMARK'S OPTIONS] EXAMPLES FEATURES BATCH_SIZE THREADS
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 5) {
    std::fputs("usage: linreg_bench [--benchmark_...] EXAMPLES FEATURES BATCH_SIZE THREADS\n",
               stderr);
    return 2;
  }
  const std::int64_t n = std::atoll(argv[1]);
  const std::int64_t d = std::atoll(argv[2]);
  at::set_num_threads(std::atoi(argv[4]));
  torch::manual_seed(0);
  const torch::Tensor true_w = torch::linspace(-3.4, 2, d);
  const linreg::Problem problem{linreg::data::synthetic_data(true_w, 4.2, n, 0.01),
                                {.lr = 0.03, .num_epochs = 1, .batch_size = std::atoll(argv[3])}};
  if (n <= 100'000) linreg::check(problem);
  benchmark::AddCustomContext("libtorch", TORCH_VERSION);
  benchmark::AddCustomContext("allocator", LINREG_ALLOCATOR);
  benchmark::AddCustomContext("config", at::show_config());
  linreg::register_benchmarks(problem);
  benchmark::RunSpecifiedBenchmarks();
}
