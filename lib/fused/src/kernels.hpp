#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>

#if __has_include(<ATen/CPUFunctions.h>)
#include <ATen/CPUFunctions.h>
#else
#include <ATen/Functions.h>
#endif

/// ATen's kernels below the dispatcher and below autograd, which are no public interface: all that
/// differs between versions of LibTorch is in this file. Without them it is the public functions,
/// of the same results.
namespace linreg::fused::kernels {

#if __has_include(<ATen/CPUFunctions.h>)
namespace aten = at::cpu;
#else
namespace aten = at;
#endif

/// out = left right
inline void mm(at::Tensor& out, const at::Tensor& left, const at::Tensor& right) {
  aten::mm_out(out, left, right);
}

/// out += left right
inline void addmm(at::Tensor& out, const at::Tensor& left, const at::Tensor& right) {
  aten::addmm_out(out, out, left, right);
}

/// out, of shape (1, 1), = the sum of `column`, of shape (k, 1)
inline void sum(at::Tensor& out, const at::Tensor& column) {
  aten::sum_out(out, column, /*dim=*/at::IntArrayRef{0}, /*keepdim=*/true);
}

/// out += factor * term
inline void add(at::Tensor& out, const at::Tensor& term, double factor) {
  aten::add_out(out, out, term, factor);
}

/// What `sum` gives for columns of k elements, to the last bit and sooner: to set up ATen's kernel
/// for a minibatch's takes as long as the rest of a step.
///
/// The kernel has four vectors of running sums, to which it adds the column's elements in turn. It
/// adds the vectors, then to the elements that fill none the vectors' lanes. A column shorter than
/// a vector it sums so in vectors of one lane. How many lanes a vector has is asked of the kernel
/// itself, with random columns; where no number of them gives its sums, the kernel is used.
class ColumnSum {
 public:
  explicit ColumnSum(std::int64_t k);

  /// Whether the kernel is used.
  bool is_the_kernel() const { return in_lanes_ == nullptr; }

  /// out, of shape (1, 1), = the sum of `column`, of shape (k, 1) and contiguous
  void operator()(at::Tensor& out, const at::Tensor& column) const {
    if (is_the_kernel()) return sum(out, column);
    *out.data_ptr<float>() =
        in_lanes_({column.data_ptr<float>(), static_cast<std::size_t>(column.numel())});
  }

 private:
  using InLanes = float (*)(std::span<const float>);
  InLanes in_lanes_ = nullptr;
};

}  // namespace linreg::fused::kernels
