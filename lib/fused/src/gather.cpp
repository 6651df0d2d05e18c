#include "gather.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace linreg::fused {

void gather(const at::Tensor& rows, std::span<const std::int64_t> order, at::Tensor& out) {
  constexpr std::size_t ahead = 16;
  const auto d = static_cast<std::size_t>(rows.size(1));
  const float* const from = rows.data_ptr<float>();
  float* to = out.data_ptr<float>();
  const auto row = [&](std::size_t i) { return from + static_cast<std::size_t>(order[i]) * d; };
  for (std::size_t i = 0; i < order.size(); ++i, to += d) {
    __builtin_prefetch(row(std::min(i + ahead, order.size() - 1)));
    std::copy_n(row(i), d, to);
  }
}

}  // namespace linreg::fused
