#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <linreg/data/synthetic_data.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "linreg/analysis/least_squares.hpp"
#include "python_scripts.hpp"

namespace linreg::analysis {
namespace {

/// (features, 1) in float64.
torch::Tensor with_ones(const torch::Tensor& features) {
  return torch::cat({features, torch::ones({features.size(0), 1})}, 1).to(torch::kDouble);
}

/// (w, b), shape (d + 1, 1).
torch::Tensor joined(const LeastSquares& answer) {
  return torch::cat({answer.w, torch::full({1, 1}, answer.b, torch::kDouble)});
}

/// Features whose last is twice the first, and labels independent of them.
data::Examples collinear_examples(std::int64_t n, std::int64_t d) {
  torch::Tensor X = torch::normal(0, 1, {n, d});
  X.select(1, d - 1) = 2 * X.select(1, 0);
  return {X, torch::normal(0, 3, {n, 1})};
}

TEST(LeastSquares, AgreesWithPythonsLstsq) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  for (const auto& c : nlohmann::json::parse(test::run_python(test::script("least_squares.py")))) {
    SCOPED_TRACE(testing::Message()
                 << "n " << c["n"] << ", d " << c["d"] << ", collinear " << c["collinear"]);
    const auto n = c["n"].get<std::int64_t>();
    const auto d = c["d"].get<std::int64_t>();
    torch::manual_seed(static_cast<std::uint64_t>(n + d));
    const data::Examples examples =
        c["collinear"].get<bool>()
            ? collinear_examples(n, d)
            : data::Examples{torch::normal(0, 1, {n, d}), torch::normal(0, 3, {n, 1})};
    const LeastSquares answer = least_squares(examples);
    EXPECT_EQ(answer.rank, c["rank"].get<std::int64_t>());
    ASSERT_EQ(answer.w.scalar_type(), torch::kDouble);
    ASSERT_EQ(answer.w.sizes(), torch::IntArrayRef({d, 1}));
    // Two orders of float64 arithmetic; these data magnify a rounding of 1e-16 by far less than
    // 1e4.
    const auto w = c["w"].get<std::vector<double>>();
    for (std::int64_t j = 0; j < d; ++j) {
      EXPECT_NEAR(answer.w[j].item<double>(), w[static_cast<std::size_t>(j)], 1e-12) << j;
    }
    EXPECT_NEAR(answer.b, c["b"].get<double>(), 1e-12);
    EXPECT_NEAR(answer.mean_squared_error, c["mean_squared_error"].get<double>(), 1e-11);
  }
}

TEST(LeastSquares, SolvesTheNormalEquations) {
  torch::manual_seed(0);
  for (const std::int64_t n : {1, 2, 3, 1000, 174763, 400000}) {  // the last ones in several blocks
    const data::Examples examples =
        data::synthetic_data(torch::tensor({2.0F, -3.4F, 1.5F, 9.0F}), 4.2, n, 0.5);
    const torch::Tensor A = with_ones(examples.features);
    const torch::Tensor error =
        A.mm(joined(least_squares(examples))) - examples.labels.to(torch::kDouble);
    EXPECT_EQ(error.sizes(), examples.labels.sizes());
    EXPECT_LT(A.t().mm(error).abs().max().item<double>() / static_cast<double>(n), 1e-12) << n;
    EXPECT_NEAR(least_squares(examples).mean_squared_error, error.square().mean().item<double>(),
                1e-12);
  }
}

TEST(LeastSquares, FindsTheTruthWithoutNoise) {
  torch::manual_seed(0);
  const LeastSquares answer =
      least_squares(data::synthetic_data(torch::tensor({2.0F, -3.5F}), 4.25, 500, 0));
  // Labels of up to 20 are rounded to float32, by 1e-7 of them.
  EXPECT_NEAR(answer.w[0].item<double>(), 2, 1e-6);
  EXPECT_NEAR(answer.w[1].item<double>(), -3.5, 1e-6);
  EXPECT_NEAR(answer.b, 4.25, 1e-6);
  EXPECT_EQ(answer.rank, 3);
  EXPECT_LT(answer.mean_squared_error, 1e-12);
}

TEST(LeastSquares, HasTheLeastNormForCollinearFeatures) {
  torch::manual_seed(0);
  const LeastSquares answer = least_squares(collinear_examples(100, 3));
  EXPECT_EQ(answer.rank, 3);
  // (1, 0, -1/2) can be added to w without changing a prediction; w is orthogonal to it.
  EXPECT_NEAR(answer.w[0].item<double>() - answer.w[2].item<double>() / 2, 0, 1e-12);
}

TEST(LeastSquares, FitsFewExamplesExactly) {
  torch::manual_seed(0);
  const LeastSquares answer =
      least_squares(data::synthetic_data(torch::tensor({1.0F, 2.0F, 3.0F}), 4.2, 2));
  EXPECT_EQ(answer.rank, 2);
  EXPECT_LT(answer.mean_squared_error, 1e-24);
}

TEST(LeastSquares, RefusesExamplesThatAreNotFiniteOrOfTheWrongShape) {
  const torch::Tensor X = torch::ones({4, 2});
  const torch::Tensor y = torch::ones({4, 1});
  EXPECT_NO_THROW(least_squares({X, y}));
  EXPECT_THROW(least_squares({X, torch::ones(4)}), c10::Error);
  EXPECT_THROW(least_squares({X, torch::ones({3, 1})}), c10::Error);
  EXPECT_THROW(least_squares({X.to(torch::kDouble), y}), c10::Error);
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    torch::Tensor one_wrong = y.clone();
    one_wrong[2] = wrong;
    EXPECT_THROW(least_squares({X, one_wrong}), c10::Error) << wrong;
    one_wrong = X.clone();
    one_wrong[3][1] = wrong;
    EXPECT_THROW(least_squares({one_wrong, y}), c10::Error) << wrong;
  }
}

}  // namespace
}  // namespace linreg::analysis
