#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::data {
namespace {

TEST(SyntheticData, IsXwPlusBWithoutNoise) {
  torch::manual_seed(1);
  const torch::Tensor w = torch::tensor({2.0F, -3.4F, 0.5F});
  const auto [X, y] = synthetic_data(w, 4.2, 50, /*noise=*/0);
  ASSERT_EQ(X.sizes(), torch::IntArrayRef({50, 3}));
  ASSERT_EQ(y.sizes(), torch::IntArrayRef({50, 1}));
  const torch::Tensor expected = torch::matmul(X.to(torch::kDouble), w.to(torch::kDouble)) + 4.2;
  // Three products and four sums of numbers below 32 are each rounded by at most 2^-20.
  EXPECT_LT((y.reshape(-1) - expected).abs().max().item<double>(), 7 * std::ldexp(1, -20));
}

TEST(SyntheticData, DrawsFeaturesFirstAndThenTheNoise) {
  torch::manual_seed(3);
  const auto [X, y] = synthetic_data(torch::tensor({0.0F, 0.0F}), 0, 20, /*noise=*/0.5);
  torch::manual_seed(3);
  EXPECT_TRUE(X.equal(torch::normal(0, 1, {20, 2})));
  EXPECT_TRUE(y.equal(torch::normal(0, 0.5, {20}).reshape({20, 1})));
}

TEST(SyntheticData, RefusesWeightsThatAreNotAFloatVector) {
  EXPECT_THROW(synthetic_data(torch::zeros({2, 1}), 0, 5), c10::Error);
  EXPECT_THROW(synthetic_data(torch::zeros({0}), 0, 5), c10::Error);
  EXPECT_THROW(synthetic_data(torch::zeros({2}, torch::kDouble), 0, 5), c10::Error);
  EXPECT_THROW(synthetic_data(torch::Tensor(), 0, 5), c10::Error);
}

TEST(SyntheticData, RefusesZeroExamplesAndNegativeNoiseAndNamesTheValue) {
  const torch::Tensor w = torch::zeros({2});
  EXPECT_THROW(synthetic_data(w, 0, 0), c10::Error);
  EXPECT_THROW(synthetic_data(w, 0, 5, std::nan("")), c10::Error);
  try {
    synthetic_data(w, 0, 5, -0.5);
    FAIL() << "a negative standard deviation is accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what_without_backtrace()).find("noise is -0.5"), std::string::npos);
  }
}

TEST(CheckExamples, RefusesLabelsThatWouldBroadcast) {
  const torch::Tensor features = torch::zeros({5, 2});
  EXPECT_NO_THROW(detail::check_examples("test", features, torch::zeros({5, 1})));
  EXPECT_THROW(detail::check_examples("test", features, torch::zeros({5})), c10::Error);
  EXPECT_THROW(detail::check_examples("test", features, torch::zeros({1, 5})), c10::Error);
  EXPECT_THROW(detail::check_examples("test", features, torch::zeros({4, 1})), c10::Error);
  EXPECT_THROW(detail::check_examples("test", features, torch::zeros({5, 1}, torch::kDouble)),
               c10::Error);
  EXPECT_THROW(detail::check_examples("test", features, torch::Tensor()), c10::Error);
}

TEST(CheckExamples, RefusesFeaturesThatAreNotAFloatMatrix) {
  const torch::Tensor labels = torch::zeros({5, 1});
  EXPECT_THROW(detail::check_examples("test", torch::zeros({5}), labels), c10::Error);
  EXPECT_THROW(detail::check_examples("test", torch::zeros({5, 0}), labels), c10::Error);
  EXPECT_THROW(detail::check_examples("test", torch::zeros({5, 2}, torch::kLong), labels),
               c10::Error);
  EXPECT_THROW(detail::check_examples("test", torch::zeros({0, 2}), torch::zeros({0, 1})),
               c10::Error);
}

}  // namespace
}  // namespace linreg::data
