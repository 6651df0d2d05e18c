#include "kernels.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace linreg::fused::kernels {
namespace {

/// The kernel's sum where it has vectors of so many lanes.
template <std::size_t lanes>
float sum_in_lanes(std::span<const float> column) {
  constexpr std::size_t vectors = 4;
  std::array<float, vectors * lanes> sums{};
  const float* x = column.data();
  std::size_t left = column.size();
  for (; left >= sums.size(); left -= sums.size()) {
    for (float& sum : sums) sum += *x++;
  }
  for (; left >= lanes; left -= lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += *x++;
  }
  for (std::size_t i = lanes; i < sums.size(); ++i) sums[i % lanes] += sums[i];
  float total = 0;
  for (; left > 0; --left) total += *x++;
  for (std::size_t lane = 0; lane < lanes; ++lane) total += sums[lane];
  return total;
}

/// From here on, the kernel sums blocks of the column one by one.
constexpr std::int64_t long_column = 512;

/// Columns whose sums depend on the order of the additions.
std::vector<at::Tensor> random_columns(std::int64_t k) {
  constexpr int count = 32;
  std::minstd_rand random;
  std::vector<at::Tensor> columns(count);
  for (at::Tensor& column : columns) {
    column = at::empty({k, 1});
    std::generate_n(column.data_ptr<float>(), k, [&] {
      const auto mantissa = static_cast<float>(random()) - 0x1p30F;
      return std::ldexp(mantissa, static_cast<int>(random() % 8));
    });
  }
  return columns;
}

}  // namespace

ColumnSum::ColumnSum(std::int64_t k) {
  if (k == 0 || k >= long_column) return;
  const std::vector<at::Tensor> columns = random_columns(k);
  at::Tensor expected = at::empty({1, 1});
  at::Tensor actual = at::empty({1, 1});
  for (const InLanes in_lanes :
       {sum_in_lanes<1>, sum_in_lanes<4>, sum_in_lanes<8>, sum_in_lanes<16>}) {
    in_lanes_ = in_lanes;
    const bool is_the_kernels = std::ranges::all_of(columns, [&](const at::Tensor& column) {
      sum(expected, column);
      (*this)(actual, column);
      return std::bit_cast<std::uint32_t>(*expected.data_ptr<float>()) ==
             std::bit_cast<std::uint32_t>(*actual.data_ptr<float>());
    });
    if (is_the_kernels) return;
  }
  in_lanes_ = nullptr;
}

}  // namespace linreg::fused::kernels
