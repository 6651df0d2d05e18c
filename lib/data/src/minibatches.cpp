#include "linreg/data/minibatches.hpp"

#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <linreg/data/detail/check_examples.hpp>
#include <utility>

namespace linreg::data {

OrderedExamples::OrderedExamples(Examples examples, torch::Tensor order)
    : examples_(std::move(examples)), order_(std::move(order)) {
  detail::check_examples("linreg::data::OrderedExamples", examples_.features, examples_.labels);
  TORCH_CHECK(order_.defined() && order_.dim() == 1 &&
                  (order_.scalar_type() == torch::kInt || order_.scalar_type() == torch::kLong),
              "linreg::data::OrderedExamples: order must be a vector of int32 or int64, but is ",
              order_.toString(), order_.defined() ? order_.sizes() : torch::IntArrayRef{});
}

Minibatch OrderedExamples::minibatch(std::int64_t first, std::int64_t last) {
  if (first < gathered_first_ || last > gathered_last_) gather(first, last - first);
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  return {gathered_.features.slice(0, first - gathered_first_, last - gathered_first_),
          gathered_.labels.slice(0, first - gathered_first_, last - gathered_first_)};
}

void OrderedExamples::gather(std::int64_t first, std::int64_t batch_size) {
  constexpr std::int64_t gathered_floats = 1 << 18;
  const auto& [features, labels] = examples_;
  const std::int64_t floats_in_batch = batch_size * (features.size(1) + 1);
  const std::int64_t batches = std::max<std::int64_t>(1, gathered_floats / floats_in_batch);
  gathered_ = {};  // frees its memory first: a batch may be as large as the data
  gathered_first_ = first;
  gathered_last_ = std::min(first + batches * batch_size, size());
  const torch::Tensor indices = order_.slice(0, gathered_first_, gathered_last_);
  gathered_ = {features.index_select(0, indices), labels.index_select(0, indices)};
}

Minibatches::Minibatches(Examples examples, torch::Tensor order, std::int64_t batch_size)
    : examples_(std::move(examples), std::move(order)), batch_size_(batch_size) {
  TORCH_CHECK(batch_size_ >= 1, "linreg::data::Minibatches: batch_size is ", batch_size_,
              ", but must be positive");
  batch_size_ = std::min(batch_size_, examples_.size());
}

Minibatches::Iterator::Iterator(OrderedExamples examples, std::int64_t batch_size)
    : examples_(std::move(examples)), batch_size_(batch_size) {}

Minibatch Minibatches::Iterator::operator*() const {
  return examples_.minibatch(first_, std::min(first_ + batch_size_, examples_.size()));
}

Minibatches::Iterator& Minibatches::Iterator::operator++() {
  first_ += batch_size_;
  return *this;
}

}  // namespace linreg::data
