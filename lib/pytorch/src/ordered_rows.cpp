#include "linreg/pytorch/detail/ordered_rows.hpp"

#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace linreg::pytorch::detail {

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
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = select(tensors_[i], first, last);
    return;
  }
  if (first < gathered_first_ || last > gathered_last_) gather(first, last - first);
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = gathered_[i].slice(0, first - gathered_first_, last - gathered_first_);
  }
}

at::Tensor OrderedRows::select(const at::Tensor& tensor, std::int64_t first,
                               std::int64_t last) const {
  return tensor.index_select(0, order_.slice(0, first, last).to(tensor.device()));
}

void OrderedRows::gather(std::int64_t first, std::int64_t batch_size) {
  constexpr std::size_t gathered_bytes = 1 << 20;
  std::size_t bytes = 0;  // of the tensors
  for (const at::Tensor& tensor : tensors_) bytes += tensor.nbytes();
  const std::size_t bytes_in_batch =
      bytes / static_cast<std::size_t>(std::max<std::int64_t>(1, tensors_[0].size(0))) *
      static_cast<std::size_t>(batch_size);
  const auto batches = static_cast<std::int64_t>(
      std::max<std::size_t>(1, gathered_bytes / std::max<std::size_t>(1, bytes_in_batch)));
  gathered_.clear();  // frees its memory first: a batch may be as large as the data
  gathered_first_ = first;
  gathered_last_ = std::min(first + batches * batch_size, size());
  for (const at::Tensor& tensor : tensors_) {
    gathered_.push_back(select(tensor, gathered_first_, gathered_last_));
  }
}

}  // namespace linreg::pytorch::detail
