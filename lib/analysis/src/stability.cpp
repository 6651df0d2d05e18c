#include "linreg/analysis/stability.hpp"

#include <algorithm>
#include <cstdint>
#include <linreg/data/detail/check_examples.hpp>

namespace linreg::analysis {

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

  torch::Tensor H = torch::zeros({d + 1, d + 1}, torch::kDouble);
  torch::Tensor mean_of_squares = torch::zeros_like(H);  // of (x xᵀ)² = |x|² x xᵀ
  constexpr std::int64_t numbers_in_block = 1 << 20;     // to bound memory
  for (const torch::Tensor& block :
       features.split(std::max<std::int64_t>(1, numbers_in_block / (d + 1)))) {
    const torch::Tensor ones = torch::ones({block.size(0), 1});
    const torch::Tensor X = torch::cat({block, ones}, 1).to(torch::kDouble);
    H += X.t().mm(X) / n;
    mean_of_squares += (X * X.square().sum(1, true)).t().mm(X) / n;
  }
  TORCH_CHECK(mean_of_squares.isfinite().all().item<bool>(),
              "linreg::analysis::largest_stable_lr: features must be finite");
  const double variance = k == n ? 0 : (n - k) / (n - 1) / k;  // of the mean of k out of n
  const torch::Tensor square = (1 - variance) * H.mm(H) + variance * mean_of_squares;  // E[H_B²]

  // H is singular if there are fewer examples than parameters; then only its range matters.
  const auto [eigenvalues, eigenvectors] = torch::linalg_eigh(H);
  const torch::Tensor kept = (eigenvalues > 1e-10 * eigenvalues.max()).nonzero().squeeze(1);
  const torch::Tensor W =
      eigenvectors.index_select(1, kept) / eigenvalues.index_select(0, kept).sqrt();
  return 2 / torch::linalg_eigvalsh(W.t().mm(square).mm(W), "L").max().item<double>();
}

}  // namespace linreg::analysis
