#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cstdint>
#include <limits>
#include <linreg/analysis/stability.hpp>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::analysis {
namespace {

/// The losses of a run from scratch, whose loss largest_stable_lr is for.
std::vector<float> train_from_scratch(const data::Examples& examples,
                                      const training::Hyperparameters& how,
                                      std::uint64_t seed = 0) {
  pytorch::Random random(seed);
  return scratch::train(scratch::initialize_parameters(examples.features.size(1)), examples, how,
                        random);
}

std::vector<float> train_concisely(const data::Examples& examples,
                                   const training::Hyperparameters& how) {
  torch::nn::Sequential net = concise::linreg(examples.features.size(1));
  return concise::train(net, examples, how);
}

TEST(LargestStableLr, SeparatesConvergenceFromDivergenceForABatchOfAllExamples) {
  torch::manual_seed(0);
  for (const std::int64_t n : {20, 100, 1000}) {
    const data::Examples examples = data::synthetic_data(torch::tensor({2.0F, -3.4F}), 4.2, n);
    const double bound = largest_stable_lr(examples.features, n);
    // A step multiplies the error along the steepest eigenvector by -0.9 or by -1.1.
    const training::Hyperparameters below{.lr = 0.95 * bound, .num_epochs = 100, .batch_size = n};
    const training::Hyperparameters above{.lr = 1.05 * bound, .num_epochs = 100, .batch_size = n};
    const training::Hyperparameters below_for_mse{
        .lr = below.lr / 2, .num_epochs = 100, .batch_size = n};
    const training::Hyperparameters above_for_mse{
        .lr = above.lr / 2, .num_epochs = 100, .batch_size = n};
    EXPECT_LT(train_from_scratch(examples, below).back(), 1e-4F) << n;
    EXPECT_GT(train_from_scratch(examples, above).back(), 1e4F) << n;
    EXPECT_LT(train_concisely(examples, below_for_mse).back(), 2e-4F) << n;
    EXPECT_GT(train_concisely(examples, above_for_mse).back(), 1e4F) << n;
  }
}

TEST(LargestStableLr, IsTwoOverTheGreatestEigenvalueOfTheLosssHessian) {
  torch::manual_seed(1);
  const data::Examples examples =
      data::synthetic_data(torch::tensor({2.0F, -3.4F, 1.0F}), 4.2, 200);
  const auto& [features, labels] = examples;
  // By autograd: a row of the Hessian is the gradient of an entry of the gradient.
  const torch::Tensor p = torch::zeros({4, 1}, torch::requires_grad());
  const torch::Tensor l =
      scratch::squared_loss(scratch::linreg(features, p.slice(0, 0, 3), p[3]), labels).mean();
  const torch::Tensor grad = torch::autograd::grad({l}, {p}, {}, true, true)[0];
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < 4; ++i) {
    rows.push_back(torch::autograd::grad({grad[i][0]}, {p}, {}, true)[0].reshape(-1));
  }
  const double greatest = torch::linalg_eigvalsh(torch::stack(rows), "L").max().item<double>();
  const double bound = 2 / greatest;
  EXPECT_NEAR(largest_stable_lr(features, 200), bound, 1e-5 * bound);  // the Hessian is float32
}

TEST(LargestStableLr, IsWhereAStepOnARandomMinibatchStopsComingCloser) {
  torch::manual_seed(2);
  for (const std::int64_t d : {1, 2, 9}) {  // 9: fewer examples than parameters
    const torch::Tensor features = torch::normal(0, 1, {7, d});
    const torch::Tensor X = torch::cat({features, torch::ones({7, 1})}, 1).to(torch::kDouble);
    const torch::Tensor H = X.t().mm(X) / 7;
    const auto [eigenvalues, eigenvectors] = torch::linalg_eigh(H);
    const torch::Tensor range =  // of H, shape (d + 1, rank)
        eigenvectors.index_select(1, (eigenvalues > 1e-9).nonzero().squeeze(1));
    for (const std::int64_t k : {1, 2, 6}) {
      /// The greatest factor by which a step changes E|e|², over all minibatches of k out of 7.
      const auto growth = [&](double lr) {
        torch::Tensor sum = torch::zeros({d + 1, d + 1}, torch::kDouble);
        const torch::Tensor choices = torch::combinations(torch::arange(7), k);
        for (std::int64_t i = 0; i < choices.size(0); ++i) {
          const torch::Tensor batch = X.index_select(0, choices[i]);
          const torch::Tensor step =
              torch::eye(d + 1, torch::kDouble) - lr * batch.t().mm(batch) / k;
          sum += step.mm(step);
        }
        const torch::Tensor mean = range.t().mm(sum / choices.size(0)).mm(range);
        return torch::linalg_eigvalsh(mean, "L").max().item<double>();
      };
      const double bound = largest_stable_lr(features, k);
      EXPECT_LT(growth(0.999 * bound), 1) << d << ' ' << k;
      EXPECT_NEAR(growth(bound), 1, 1e-9) << d << ' ' << k;
      EXPECT_GT(growth(1.001 * bound), 1) << d << ' ' << k;
    }
  }
}

TEST(LargestStableLr, LetsMinibatchRunsConvergeBelowItAndDivergeFarAboveIt) {
  for (const std::int64_t batch_size : {1, 5, 10}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      torch::manual_seed(seed);
      const data::Examples examples =
          data::synthetic_data(torch::tensor({2.0F, -3.4F}), 4.2, 100, 0);
      const double bound = largest_stable_lr(examples.features, batch_size);
      const training::Hyperparameters below{
          .lr = 0.95 * bound, .num_epochs = 30, .batch_size = batch_size};
      const training::Hyperparameters above{
          .lr = 4 * bound, .num_epochs = 30, .batch_size = batch_size};
      EXPECT_LT(train_from_scratch(examples, below, seed).back(), 1e-6F) << batch_size;
      EXPECT_FALSE(train_from_scratch(examples, above, seed).back() < 1e6F) << batch_size;
    }
  }
}

TEST(LargestStableLr, GrowsWithTheBatchSizeUpToAllExamples) {
  torch::manual_seed(3);
  const torch::Tensor features = torch::normal(0, 1, {100, 2});
  double last = 0;
  for (const std::int64_t batch_size : {1, 2, 10, 50, 99, 100}) {
    const double bound = largest_stable_lr(features, batch_size);
    EXPECT_GT(bound, last) << batch_size;
    last = bound;
  }
  EXPECT_EQ(largest_stable_lr(features, 101), last);
  EXPECT_EQ(largest_stable_lr(features, std::numeric_limits<std::int64_t>::max()), last);
}

TEST(LargestStableLr, IsTheSameInManyBlocks) {
  torch::manual_seed(4);
  const torch::Tensor features = torch::normal(0, 1, {1000, 3});
  const torch::Tensor many = features.repeat({600, 1});  // the same Hessian
  const double bound = largest_stable_lr(features, 1000);
  EXPECT_NEAR(largest_stable_lr(many, 600000), bound, 1e-12 * bound);
}

/// The script decides in rational numbers.
TEST(LargestStableLr, IsNeverAboveTheExactOneHoweverTheFeaturesAreScaled) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto cases = nlohmann::json::parse(test::run_python(test::script("stable_lrs.py")));
  ASSERT_GE(cases.size(), 200U);
  for (const auto& expected : cases) {
    std::vector<torch::Tensor> rows;
    for (const auto& row : expected["features"]) {
      rows.push_back(torch::tensor(row.get<std::vector<double>>(), torch::kFloat));
    }
    const double bound = largest_stable_lr(torch::stack(rows), expected["batch_size"]);
    EXPECT_LE(bound, expected["limits"][1].get<double>()) << expected;
    EXPECT_GE(bound, expected["limits"][0].get<double>() * (1 - 1e-8)) << expected;
  }
}

TEST(LargestStableLr, RefusesFeaturesThatAreNotFiniteAndAnEmptyBatch) {
  const torch::Tensor features = torch::ones({4, 2});
  EXPECT_NO_THROW(largest_stable_lr(features, 1));
  EXPECT_THROW(largest_stable_lr(features, 0), c10::Error);
  EXPECT_THROW(largest_stable_lr(torch::ones(4), 1), c10::Error);
  EXPECT_THROW(largest_stable_lr(features.to(torch::kDouble), 1), c10::Error);
  EXPECT_THROW(largest_stable_lr({}, 1), c10::Error);
  EXPECT_THROW(largest_stable_lr(features / 0, 1), c10::Error);
}

}  // namespace
}  // namespace linreg::analysis
