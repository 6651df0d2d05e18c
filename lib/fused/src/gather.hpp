#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace linreg::fused {

/// Sets row i of `out` to row order[i] of `rows`, both float32 and contiguous: index_select_out in
/// a fraction of its time. Some rows ahead are on their way from memory.
void gather(const at::Tensor& rows, std::span<const std::int64_t> order, at::Tensor& out);

}  // namespace linreg::fused
