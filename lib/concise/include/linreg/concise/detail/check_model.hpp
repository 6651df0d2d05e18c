#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

namespace linreg::concise::detail {

/// Throws c10::Error, naming `caller`, unless the model is one that `train` can update: one
/// torch::nn::Linear whose weight is float32 on the CPU, requires grad and has shape
/// (1, num_features).
void check_model(const char* caller, const torch::nn::Sequential& net, std::int64_t num_features);

}  // namespace linreg::concise::detail
