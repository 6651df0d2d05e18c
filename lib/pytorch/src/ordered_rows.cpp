#include "linreg/pytorch/detail/ordered_rows.hpp"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/constant_pad_nd.h>
#include <c10/core/alignment.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace linreg::pytorch::detail {
namespace {

at::Tensor select(const at::Tensor& tensor, const at::Tensor& indices) {
  return tensor.index_select(0, indices.to(tensor.device()));
}

}  // namespace

void check_order(const char* caller, const at::Tensor& order) {
  TORCH_CHECK(order.defined() && order.dim() == 1 &&
                  (order.scalar_type() == at::kInt || order.scalar_type() == at::kLong),
              caller, ": the order must be a vector of int32 or int64, but is ", order.toString(),
              order.defined() ? order.sizes() : at::IntArrayRef{});
}

OrderedRows::OrderedRows(std::vector<at::Tensor> tensors, at::Tensor order)
    : tensors_(std::move(tensors)),
      order_(std::move(order)),
      require_grad_(std::any_of(tensors_.begin(), tensors_.end(),
                                [](const at::Tensor& tensor) { return tensor.requires_grad(); })) {}

void OrderedRows::read(std::int64_t first, std::int64_t last, std::span<at::Tensor> rows) {
  if (require_grad_) {
    const at::Tensor indices = order_.slice(0, first, last);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = select(tensors_[i], indices);
    return;
  }
  if (first < gathered_first_ || last > gathered_last_ || last - first > batch_size_ ||
      (first - gathered_first_) % batch_size_ != 0) {
    gather(first, last - first);
  }
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const std::int64_t row = (first - gathered_first_) / batch_size_ * stride_;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = gathered_[i].slice(0, row, row + last - first);
  }
}

std::int64_t OrderedRows::aligned(std::int64_t batch_size) const {
  constexpr auto bytes = static_cast<std::int64_t>(c10::gAlignment);
  std::int64_t multiple = 1;
  for (const at::Tensor& tensor : tensors_) {
    const auto row =
        static_cast<std::int64_t>(tensor.nbytes()) / std::max<std::int64_t>(1, tensor.size(0));
    multiple = std::max(multiple, bytes / std::gcd(row, bytes));
  }
  return (batch_size + multiple - 1) / multiple * multiple;
}

void OrderedRows::gather(std::int64_t first, std::int64_t batch_size) {
  constexpr std::size_t gathered_bytes = 1 << 20;
  std::size_t bytes = 0;  // of the tensors
  for (const at::Tensor& tensor : tensors_) bytes += tensor.nbytes();
  const std::size_t bytes_in_batch =
      bytes / static_cast<std::size_t>(std::max<std::int64_t>(1, tensors_[0].size(0))) *
      static_cast<std::size_t>(batch_size);
  const auto batches = std::min(static_cast<std::int64_t>(std::max<std::size_t>(
                                    1, gathered_bytes / std::max<std::size_t>(1, bytes_in_batch))),
                                (size() - first) / batch_size);
  gathered_.clear();  // frees its memory first: a batch may be as large as the data
  gathered_first_ = first;
  gathered_last_ = first + batches * batch_size;
  batch_size_ = batch_size;
  stride_ = batches == 1 ? batch_size : aligned(batch_size);
  at::Tensor indices = order_.slice(0, gathered_first_, gathered_last_);
  if (stride_ > batch_size) {  // with row 0 between the minibatches
    indices = at::constant_pad_nd(indices.view({batches, batch_size}), {0, stride_ - batch_size})
                  .view(-1);
  }
  for (const at::Tensor& tensor : tensors_) gathered_.push_back(select(tensor, indices));
}

}  // namespace linreg::pytorch::detail
