#include "linreg/analysis/stability.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <linreg/data/detail/check_examples.hpp>
#include <tuple>

namespace linreg::analysis {
namespace {

/// Calls `take` with the rows of X = (features, 1) in float64, in blocks, to bound memory.
void for_each_block(const torch::Tensor& features,
                    const std::function<void(const torch::Tensor&)>& take) {
  constexpr std::int64_t numbers_in_block = 1 << 20;
  const std::int64_t num_parameters = features.size(1) + 1;
  for (const torch::Tensor& block :
       features.split(std::max(num_parameters, numbers_in_block / num_parameters))) {
    take(torch::cat({block, torch::ones({block.size(0), 1})}, 1).to(torch::kDouble));
  }
}

}  // namespace

double largest_stable_lr(const torch::Tensor& features, std::int64_t batch_size) {
  data::detail::check_examples(
      "linreg::analysis::largest_stable_lr", features,
      features.defined() && features.dim() == 2 ? features.slice(1, 0, 1) : features);
  TORCH_CHECK(batch_size >= 1, "linreg::analysis::largest_stable_lr: batch_size is ", batch_size,
              ", but must be positive");
  const torch::NoGradGuard no_grad;
  const std::int64_t d = features.size(1);
  const auto n = static_cast<double>(features.size(0));
  const double k = std::min(n, static_cast<double>(batch_size));

  const double variance = k == n ? 0 : (n - k) / (n - 1) / k;  // of the mean of k out of n
  TORCH_CHECK(features.isfinite().all().item<bool>(),
              "linreg::analysis::largest_stable_lr: features must be finite");

  // A power of two a column, so that all are of one size: that changes no digit, nor the range.
  const torch::Tensor largest = torch::cat({features.abs().amax(0), torch::ones(1)});
  const torch::Tensor exponent = std::get<1>(torch::frexp(largest.to(torch::kDouble)));
  const torch::Tensor scale = torch::exp2(exponent);

  // With the singular value decomposition X = U S Vᵀ, U = X V / S is an orthonormal basis of the
  // range. X = QR has the S and V of R, which takes up the examples block by block.
  torch::Tensor R = torch::empty({0, d + 1}, torch::kDouble);
  for_each_block(features, [&](const torch::Tensor& X) {
    R = std::get<1>(torch::linalg_qr(torch::cat({R, X / scale}), "r"));
  });
  const auto [_, S, Vh] = torch::linalg_svd(R, /*full_matrices=*/false);
  const double rounding = 10 * std::numeric_limits<double>::epsilon() *
                          std::sqrt(std::max(n, static_cast<double>(d + 1)));
  const torch::Tensor kept = (S > rounding * S.max()).nonzero().squeeze(1);
  const torch::Tensor to_range =
      Vh.index_select(0, kept).t() / S.index_select(0, kept) / scale.unsqueeze(1);

  // E[H_B²] in that basis, in which H is the identity: no small eigenvalue is divided by.
  torch::Tensor XtU = torch::zeros({d + 1, kept.size(0)}, torch::kDouble);
  torch::Tensor mean_of_squares = torch::zeros({kept.size(0), kept.size(0)}, torch::kDouble);
  torch::Tensor UtU = torch::zeros_like(mean_of_squares);  // the identity, but for rounding
  for_each_block(features, [&](const torch::Tensor& X) {
    const torch::Tensor U = X.mm(to_range);
    XtU += X.t().mm(U);
    mean_of_squares += (U * X.square().sum(1, true)).t().mm(U);
    UtU += U.t().mm(U);
  });
  const torch::Tensor square = (1 - variance) * XtU.t().mm(XtU) / n + variance * mean_of_squares;
  const torch::Tensor L = torch::linalg_cholesky(UtU);
  const torch::Tensor half = torch::linalg_solve(L, square);
  const torch::Tensor whitened = torch::linalg_solve(L, half.t());
  // Rounding errors must not lift the limit above the true one.
  constexpr double below = 1 - 1e-10;
  return below * 2 / torch::linalg_eigvalsh(whitened, "L").max().item<double>();
}

}  // namespace linreg::analysis
