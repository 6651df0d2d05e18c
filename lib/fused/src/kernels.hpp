#pragma once

#include <ATen/CPUFunctions.h>
#include <ATen/core/Tensor.h>

/// ATen's kernels below the dispatcher and below autograd, which are no public interface: all that
/// differs between versions of LibTorch is in this file.
namespace linreg::fused::kernels {

/// out = left right
inline void mm(at::Tensor& out, const at::Tensor& left, const at::Tensor& right) {
  at::cpu::mm_out(out, left, right);
}

/// out += left right
inline void addmm(at::Tensor& out, const at::Tensor& left, const at::Tensor& right) {
  at::cpu::addmm_(out, left, right);
}

/// out, of shape (1, 1), = the sum of `column`, of shape (k, 1)
inline void sum(at::Tensor& out, const at::Tensor& column) {
  at::cpu::sum_out(out, column, /*dim=*/at::IntArrayRef{0}, /*keepdim=*/true);
}

/// out += factor * term
inline void add(at::Tensor& out, const at::Tensor& term, double factor) {
  at::cpu::add_(out, term, factor);
}

}  // namespace linreg::fused::kernels
