#include "linreg/concise/data_loader.hpp"

#include <torch/serialize.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/detail/index_dtype.hpp>
#include <linreg/data/minibatches.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <utility>

namespace linreg::concise {

TensorDataset::TensorDataset(torch::Tensor features, torch::Tensor labels)
    : examples_{std::move(features), std::move(labels)} {
  data::detail::check_examples("linreg::concise::TensorDataset", examples_.features,
                               examples_.labels);
}

torch::data::Example<> TensorDataset::get_batch(BatchIndices batch) {
  if (!ordered_ || !ordered_->order().is_same(batch.order)) {
    ordered_.emplace(examples_, batch.order);
  }
  data::Minibatch minibatch = ordered_->minibatch(batch.first, batch.last);
  if (batch.last == ordered_->size()) ordered_.reset();  // frees its memory between epochs
  return {std::move(minibatch.X), std::move(minibatch.y)};
}

c10::optional<std::size_t> TensorDataset::size() const {
  return static_cast<std::size_t>(examples_.features.size(0));
}

DataLoaderSampler::DataLoaderSampler(std::int64_t num_examples, bool shuffle)
    : num_examples_(num_examples), shuffle_(shuffle) {
  TORCH_CHECK(num_examples >= 1, "linreg::concise::DataLoaderSampler: num_examples is ",
              num_examples, ", but must be positive");
}

void DataLoaderSampler::reset(c10::optional<std::size_t> new_size) {
  if (new_size) num_examples_ = static_cast<std::int64_t>(*new_size);
  next_ = 0;
  order_.reset();  // frees its memory first: an order is as large as a column of the data
  const torch::ScalarType dtype = data::detail::index_dtype(num_examples_);
  if (shuffle_) {
    order_ = pytorch::data_loader_order(num_examples_, dtype);
  } else {
    pytorch::skip_data_loader_base_seed();
    order_ = torch::arange(num_examples_, dtype);
  }
}

c10::optional<BatchIndices> DataLoaderSampler::next(std::size_t batch_size) {
  if (!order_.defined()) return c10::nullopt;
  const std::int64_t first = next_;
  next_ += std::min(static_cast<std::int64_t>(batch_size), num_examples_ - first);
  if (next_ == num_examples_) return BatchIndices{std::exchange(order_, {}), first, next_};
  return BatchIndices{order_, first, next_};
}

void DataLoaderSampler::save(torch::serialize::OutputArchive& archive) const {
  archive.write("num_examples", torch::tensor(num_examples_), /*is_buffer=*/true);
  archive.write("order", order_.defined() ? order_ : torch::empty(0, torch::kLong),
                /*is_buffer=*/true);
  archive.write("next", torch::tensor(next_), /*is_buffer=*/true);
}

void DataLoaderSampler::load(torch::serialize::InputArchive& archive) {
  torch::Tensor num_examples = torch::empty(1, torch::kLong);
  torch::Tensor order;
  torch::Tensor next = torch::empty(1, torch::kLong);
  archive.read("num_examples", num_examples, /*is_buffer=*/true);
  archive.read("order", order, /*is_buffer=*/true);
  archive.read("next", next, /*is_buffer=*/true);
  num_examples_ = num_examples.item<std::int64_t>();
  order_ = order.numel() == 0 ? torch::Tensor() : order;
  next_ = next.item<std::int64_t>();
}

}  // namespace linreg::concise
