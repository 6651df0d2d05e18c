#pragma once

#include <c10/util/Optional.h>
#include <torch/data.h>

#include <cstddef>
#include <cstdint>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <optional>

/// What torch::data needs to do as Python's DataLoader does.
namespace linreg::concise {

/// What the sampler requests from the dataset for one minibatch: the examples order[first:last].
struct BatchIndices {
  torch::Tensor order;  ///< int32 or int64, shape (n), the same tensor for the whole epoch
  std::int64_t first;
  std::int64_t last;
  std::size_t size() const { return static_cast<std::size_t>(last - first); }
};

/// Python's `TensorDataset(features, labels)`.
///
/// Departure: serves a whole minibatch at once, data of shape (k, d) and target of shape (k, 1),
/// both views of what data::OrderedExamples has gathered.
class TensorDataset final
    : public torch::data::datasets::BatchDataset<TensorDataset, torch::data::Example<>,
                                                 BatchIndices> {
 public:
  /// Throws c10::Error for shapes other than (n, d) and (n, 1).
  TensorDataset(torch::Tensor features, torch::Tensor labels);

  torch::data::Example<> get_batch(BatchIndices batch) override;
  c10::optional<std::size_t> size() const override;

 private:
  data::Examples examples_;
  std::optional<data::OrderedExamples> ordered_;  ///< while an epoch is under way
};

/// The order of Python's DataLoader, drawn from the global generator anew for each epoch; not
/// shuffled, the examples as they come.
///
/// Departure: the indices are int32 while they fit, half of the order's memory.
class DataLoaderSampler final : public torch::data::samplers::Sampler<BatchIndices> {
 public:
  /// Throws c10::Error for num_examples < 1.
  DataLoaderSampler(std::int64_t num_examples, bool shuffle);

  void reset(c10::optional<std::size_t> new_size = c10::nullopt) override;
  c10::optional<BatchIndices> next(std::size_t batch_size) override;
  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  std::int64_t num_examples_;
  bool shuffle_;
  torch::Tensor order_;    ///< shape (n), or undefined when no epoch is under way
  std::int64_t next_ = 0;  ///< position in the order of the next minibatch's first example
};

using DataLoader = torch::data::StatelessDataLoader<TensorDataset, DataLoaderSampler>;

}  // namespace linreg::concise
