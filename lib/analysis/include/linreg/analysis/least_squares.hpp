#pragma once

#include <torch/types.h>

#include <cstdint>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::analysis {

/// The weights and bias of the least squared error, which training only approaches.
struct LeastSquares {
  torch::Tensor w;                ///< weights, float64, shape (d, 1)
  double b = 0;                   ///< bias
  std::int64_t rank = 0;          ///< of (features, 1): d + 1 unless collinear
  double mean_squared_error = 0;  ///< nn.MSELoss; the mean of squared_loss is half of it
};

/// Returns the analytical solution (article, 1.2) in float64, as Python's
/// `torch.linalg.lstsq(A, y, driver="gelsd")` does for A = (features, 1). If several fit equally
/// well, since features are collinear or examples fewer than d + 1, returns the one of least norm,
/// the bias included.
///
/// Takes memory for (d + 2)² numbers and a few MiB, whatever the number of examples, and time for
/// about 4 n d² operations.
///
/// Throws c10::Error unless the examples are finite and have the shapes (n, d) and (n, 1).
LeastSquares least_squares(const data::Examples& examples);

}  // namespace linreg::analysis
