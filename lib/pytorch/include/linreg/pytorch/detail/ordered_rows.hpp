#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace linreg::pytorch::detail {

/// Throws c10::Error, naming `caller`, unless order is a vector of int32 or int64 indices.
void check_order(const char* caller, const at::Tensor& order);

/// The rows of several tensors in a given order: row i of each is its row order[i].
///
/// Departure: Python indexes once per minibatch. Here the rows of several minibatches are gathered
/// at once, about 1 MiB at a time, and each minibatch is a view of those: the same values, without
/// a kernel launch for each. Each begins at a multiple of c10::gAlignment, as Python's, a tensor of
/// its own, does: BLAS may round otherwise elsewhere (MKL with AVX-512). Autograd does
/// not know the views, nor has to: a tensor that requires grad is indexed once per minibatch. A
/// minibatch stays valid for as long as it is held.
class OrderedRows {
 public:
  OrderedRows(std::vector<at::Tensor> tensors, at::Tensor order);

  /// Sets each of `rows` to `tensor[order[first:last]]`, for 0 <= first < last <= size(). Fast
  /// where each call continues from the one before.
  void read(std::int64_t first, std::int64_t last, std::span<at::Tensor> rows);

  const at::Tensor& order() const { return order_; }
  std::int64_t size() const { return order_.size(0); }

 private:
  void gather(std::int64_t first, std::int64_t batch_size);

  /// How many rows lie from one minibatch to the next, for all to be aligned.
  std::int64_t aligned(std::int64_t batch_size) const;

  std::vector<at::Tensor> tensors_;
  at::Tensor order_;
  bool require_grad_;
  /// Of each tensor, the minibatches of order_[gathered_first_:gathered_last_], of batch_size_ rows
  /// each, and stride_ rows from one to the next.
  std::vector<at::Tensor> gathered_;
  std::int64_t gathered_first_ = 0;
  std::int64_t gathered_last_ = 0;
  std::int64_t batch_size_ = 1;
  std::int64_t stride_ = 1;
};

}  // namespace linreg::pytorch::detail
