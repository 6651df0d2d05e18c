#pragma once

#include <torch/types.h>

namespace linreg::data::detail {

/// Throws c10::Error, naming `caller`, unless features are float32 of shape (n, d) and labels of
/// shape (n, 1), both on the CPU, with n >= 1 and d >= 1: other shapes would broadcast, and train
/// on nonsense.
void check_examples(const char* caller, const torch::Tensor& features, const torch::Tensor& labels);

}  // namespace linreg::data::detail
