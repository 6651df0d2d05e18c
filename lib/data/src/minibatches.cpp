#include "linreg/data/minibatches.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <utility>

namespace linreg::data {

Minibatches::Minibatches(Examples examples, torch::Tensor order, std::int64_t batch_size)
    : rows_({examples.features, examples.labels}, std::move(order)), batch_size_(batch_size) {
  detail::check_examples("linreg::data::Minibatches", examples.features, examples.labels);
  pytorch::detail::check_order("linreg::data::Minibatches", rows_.order());
  TORCH_CHECK(batch_size_ >= 1, "linreg::data::Minibatches: batch_size is ", batch_size_,
              ", but must be positive");
  batch_size_ = std::min(batch_size_, rows_.size());
}

Minibatches::Iterator::Iterator(pytorch::detail::OrderedRows rows, std::int64_t batch_size)
    : rows_(std::move(rows)), batch_size_(batch_size) {}

Minibatch Minibatches::Iterator::operator*() const {
  std::array<torch::Tensor, 2> rows;
  rows_.read(first_, std::min(first_ + batch_size_, rows_.size()), rows);
  return {std::move(rows[0]), std::move(rows[1])};
}

Minibatches::Iterator& Minibatches::Iterator::operator++() {
  first_ += batch_size_;
  return *this;
}

}  // namespace linreg::data
