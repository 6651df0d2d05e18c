#pragma once

#include <torch/types.h>

#include <cstdint>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::analysis {

/// The weights and bias of the least squared error, which training only comes near to.
struct LeastSquares {
  torch::Tensor w;        ///< weights, float64, shape (d, 1)
  double b = 0;           ///< bias
  std::int64_t rank = 0;  ///< of the features with a column of ones: d + 1, unless collinear
  double mean_squared_error = 0;  ///< what nn.MSELoss comes to; squared_loss's mean is half of it
};

/// Article 1.2: the analytical solution, in float64, as Python's
/// `torch.linalg.lstsq(A, y, driver="gelsd")` gives it for features with a column of ones, A. Where
/// several fit as well, the features being collinear or the examples fewer than d + 1, it is the
/// one of the least norm, the bias counted in.
///
/// Takes memory for (d + 2)² numbers and a few MiB, however many examples there are, and time for
/// about 4 n d² operations.
///
/// Throws c10::Error unless the examples are finite and of shapes (n, d) and (n, 1).
LeastSquares least_squares(const data::Examples& examples);

}  // namespace linreg::analysis
