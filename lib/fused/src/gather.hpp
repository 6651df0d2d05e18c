#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace linreg::fused {

/// Writes row order[i] of `rows`, for each i, to `to`, `batch_size` rows to a minibatch and
/// `stride` floats from one minibatch to the next: index_select_out in a fraction of its time.
/// `rows` is float32, of shape (n, d) and contiguous. Some rows ahead are on their way from memory.
void gather(const at::Tensor& rows, std::span<const std::int64_t> order, std::size_t batch_size,
            std::size_t stride, float* to);

}  // namespace linreg::fused
