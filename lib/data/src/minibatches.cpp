#include "linreg/data/minibatches.hpp"

#include <algorithm>
#include <utility>

namespace linreg::data {

Minibatches::Minibatches(Examples examples, torch::Tensor order, std::int64_t batch_size)
    : examples_(std::move(examples)), order_(std::move(order)), batch_size_(batch_size) {
  check_examples("linreg::data::Minibatches", examples_.features, examples_.labels);
  TORCH_CHECK(order_.defined() && order_.dim() == 1 &&
                  (order_.scalar_type() == torch::kInt || order_.scalar_type() == torch::kLong),
              "linreg::data::Minibatches: order must be a vector of int32 or int64, but is ",
              order_.toString(), order_.defined() ? order_.sizes() : torch::IntArrayRef{});
  TORCH_CHECK(batch_size_ >= 1, "linreg::data::Minibatches: batch_size is ", batch_size_,
              ", but must be positive");
  size_ = order_.size(0);
  batch_size_ = std::min(batch_size_, size_);
  constexpr std::int64_t gathered_floats = 1 << 18;
  const std::int64_t floats_in_batch = batch_size_ * (examples_.features.size(1) + 1);
  gathered_size_ = batch_size_ * std::max<std::int64_t>(1, gathered_floats / floats_in_batch);
}

Minibatches::Iterator::Iterator(const Minibatches* minibatches) : minibatches_(minibatches) {
  gather();
}

void Minibatches::Iterator::gather() {
  const auto& [features, labels] = minibatches_->examples_;
  const std::int64_t last = std::min(first_ + minibatches_->gathered_size_, minibatches_->size_);
  const torch::Tensor indices = minibatches_->order_.slice(0, first_, last);
  gathered_from_ = first_;
  gathered_ = {features.index_select(0, indices), labels.index_select(0, indices)};
}

Minibatch Minibatches::Iterator::operator*() const {
  const std::int64_t first = first_ - gathered_from_;
  const std::int64_t last = first + minibatches_->batch_size_;  // slice stops at the end by itself
  return {gathered_.features.slice(0, first, last), gathered_.labels.slice(0, first, last)};
}

Minibatches::Iterator& Minibatches::Iterator::operator++() {
  first_ += minibatches_->batch_size_;
  const bool used_up = first_ >= gathered_from_ + minibatches_->gathered_size_;
  if (used_up && first_ < minibatches_->size_) gather();
  return *this;
}

}  // namespace linreg::data
