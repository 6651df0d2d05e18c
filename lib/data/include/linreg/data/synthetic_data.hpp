#pragma once

#include <torch/types.h>

#include <cstdint>

/// The data that both demos learn from. Legend of shapes: n examples, d features.
namespace linreg::data {

struct Examples {
  torch::Tensor features;  ///< X, float32, shape (n, d)
  torch::Tensor labels;    ///< y, float32, shape (n, 1)
};

/// Article 3.2: y = Xw + b + noise, with X from N(0, 1) and the noise from N(0, noise²).
///
/// `w` is float32 of shape (d); `noise` is a standard deviation, in the labels' unit. Draws X, in
/// shape (n, d), and then the noise, in shape (n), from the global generator, as Python does.
///
/// Departure: the article fixes the noise at 0.01.
///
/// Throws c10::Error unless w is a float32 vector on the CPU of at least one weight, num_examples
/// >= 1 and noise >= 0.
Examples synthetic_data(const torch::Tensor& w, double b, std::int64_t num_examples,
                        double noise = 0.01);

}  // namespace linreg::data
