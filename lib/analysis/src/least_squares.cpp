#include "linreg/analysis/least_squares.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <tuple>

namespace linreg::analysis {

LeastSquares least_squares(const data::Examples& examples) {
  const auto& [features, labels] = examples;
  data::detail::check_examples("linreg::analysis::least_squares", features, labels);
  const torch::NoGradGuard no_grad;
  const std::int64_t n = features.size(0);
  const std::int64_t d = features.size(1);

  // Xw + b - y is (X, 1, y) times (w, b, -1). In (X, 1, y) = QR, Q preserves lengths, so that R, of
  // at most d + 2 rows, has the least squares of all examples. R takes up the examples block by
  // block.
  constexpr std::int64_t numbers_in_block = 1 << 20;
  const std::int64_t rows = std::max(d + 2, numbers_in_block / (d + 2));
  torch::Tensor R = torch::empty({0, d + 2}, torch::kDouble);
  for (std::int64_t first = 0; first < n; first += rows) {
    const std::int64_t last = std::min(first + rows, n);
    const torch::Tensor X = features.slice(0, first, last);
    const torch::Tensor y = labels.slice(0, first, last);
    const torch::Tensor block = torch::cat({X, torch::ones_like(y), y}, 1).to(torch::kDouble);
    R = std::get<1>(torch::linalg_qr(torch::cat({R, block}), "r"));
  }
  TORCH_CHECK(R.isfinite().all().item<bool>(),
              "linreg::analysis::least_squares: features and labels must be finite");

  // PyTorch gives its default driver, gelsy, uninitialized memory as the order of the columns; for
  // collinear ones it then finds too low a rank and a wrong answer. gelsd uses singular values. The
  // tolerance is Python's for (X, 1).
  const double rcond =
      std::numeric_limits<double>::epsilon() * static_cast<double>(std::max(n, d + 1));
  const torch::Tensor A = R.slice(1, 0, d + 1);
  const torch::Tensor target = R.slice(1, d + 1);
  const auto [solution, residuals, rank, singular_values] =
      torch::linalg_lstsq(A, target, rcond, "gelsd");
  const torch::Tensor error = torch::mm(A, solution) - target;
  return {.w = solution.slice(0, 0, d),
          .b = solution[d].item<double>(),
          .rank = rank.item<std::int64_t>(),
          .mean_squared_error = error.square().sum().item<double>() / static_cast<double>(n)};
}

}  // namespace linreg::analysis
