#pragma once

#include <cstdint>
#include <linreg/scratch/scratch.hpp>

namespace linreg::scratch::detail {

/// Throws c10::Error, naming `caller`, unless w and b are such as `train` can update: float32 on
/// the CPU, requiring grad, of shapes (num_features, 1) and (1).
void check_parameters(const char* caller, const Parameters& parameters, std::int64_t num_features);

}  // namespace linreg::scratch::detail
