#pragma once

#include <torch/types.h>

#include <cstdint>
#include <limits>

namespace linreg::data::detail {

/// The narrowest dtype that holds the indices of n examples: int32 for n <= 2³¹ - 1, else int64.
inline torch::ScalarType index_dtype(std::int64_t n) {
  return n <= std::numeric_limits<std::int32_t>::max() ? torch::kInt : torch::kLong;
}

}  // namespace linreg::data::detail
