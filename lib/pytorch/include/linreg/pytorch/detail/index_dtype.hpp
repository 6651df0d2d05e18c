#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <limits>

namespace linreg::pytorch::detail {

/// The narrowest dtype that holds the indices of n examples: int32 for n <= 2³¹ - 1, else int64.
inline c10::ScalarType index_dtype(std::int64_t n) {
  return n <= std::numeric_limits<std::int32_t>::max() ? c10::kInt : c10::kLong;
}

}  // namespace linreg::pytorch::detail
