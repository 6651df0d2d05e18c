#include "gather.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace linreg::fused {

void gather(const at::Tensor& rows, std::span<const std::int64_t> order, std::size_t batch_size,
            std::size_t stride, float* to) {
  constexpr std::size_t ahead = 16;
  const auto d = static_cast<std::size_t>(rows.size(1));
  const float* const from = rows.data_ptr<float>();
  const auto row = [&](std::size_t i) { return from + static_cast<std::size_t>(order[i]) * d; };
  for (std::size_t first = 0; first < order.size(); first += batch_size, to += stride) {
    const std::size_t last = std::min(first + batch_size, order.size());
    float* here = to;
    for (std::size_t i = first; i < last; ++i, here += d) {
      __builtin_prefetch(row(std::min(i + ahead, order.size() - 1)));
      std::copy_n(row(i), d, here);
    }
  }
}

}  // namespace linreg::fused
