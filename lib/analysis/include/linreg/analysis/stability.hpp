#pragma once

#include <torch/types.h>

#include <cstdint>

namespace linreg::analysis {

/// The largest learning rate, exclusive, at which gradient descent on these features is stable, for
/// the loss of half the mean squared error. Features are float32 of shape (n, d); labels don't
/// matter.
///
/// With all examples in a batch it is 2 over the greatest eigenvalue of the loss's Hessian: below
/// it every run comes to the best fit, above it almost every run grows without end.
///
/// With fewer, it is the rate below which every step is *expected* to come closer to the best fit,
/// whichever examples its minibatch gets: a smaller one, since minibatches have other Hessians than
/// all examples. A run above it may grow without end, or be lucky.
///
/// A step on a minibatch B takes the distance e from the best fit to (I - lr H_B) e, where the
/// Hessian H_B is the mean of x xᵀ over B (x ends in a 1, for the bias). So E|e|² changes by
/// lr² eᵀ E[H_B²] e - 2 lr eᵀ H e, which is negative for every e below 2 over the greatest
/// eigenvalue of E[H_B²] against H = E[H_B].
///
/// Takes time for about n d² + 10 d³ operations. Throws c10::Error unless features are finite
/// float32 of shape (n, d), n >= 1, d >= 1, and batch_size >= 1; more than n counts as n.
double largest_stable_lr(const torch::Tensor& features, std::int64_t batch_size);

}  // namespace linreg::analysis
