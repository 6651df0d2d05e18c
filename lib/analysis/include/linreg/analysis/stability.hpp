#pragma once

#include <torch/types.h>

#include <cstdint>

namespace linreg::analysis {

/// Returns the supremum of the learning rates at which gradient descent on these features is
/// stable, for the loss of half the mean squared error. Features are float32 of shape (n, d);
/// labels do not matter.
///
/// For a batch of all examples, it is 2 over the greatest eigenvalue of the loss's Hessian: below
/// it every run converges to the best fit, above it almost every run diverges.
///
/// For smaller batches, it is the rate below which every step is *expected* to come closer to the
/// best fit, whatever examples its minibatch gets. It is smaller, since the Hessians of minibatches
/// vary. A run above it may diverge, or be lucky.
///
/// A step on a minibatch B changes the distance e from the best fit to (I - lr H_B) e, where the
/// Hessian H_B is the mean of x xᵀ over B (x ends in a 1, for the bias). So it changes E|e|² by
/// lr² eᵀ E[H_B²] e - 2 lr eᵀ H e, where H = E[H_B]. That is negative for every e while lr is below
/// 2 over the greatest generalized eigenvalue of E[H_B²] v = λ H v. With an orthonormal basis U of
/// the range of X = (features, 1), e = Wu and XW = √n U, that is the greatest eigenvalue of
/// Wᵀ E[H_B²] W = (1 - v) Uᵀ X Xᵀ U / n + v Uᵀ diag(|x|²) U, v the variance of the mean of k out of
/// n. It is precise however differently the features are scaled: never above the true limit, and
/// below it by one part in 10⁹ or less unless columns are collinear but for rounding.
///
/// Takes time for about 10 n d² + 20 d³ operations. A batch_size above n counts as n. Throws
/// c10::Error unless features are finite float32 of shape (n, d), n >= 1, d >= 1, and batch_size
/// >= 1.
double largest_stable_lr(const torch::Tensor& features, std::int64_t batch_size);

}  // namespace linreg::analysis
