#pragma once

#include <c10/util/Optional.h>
#include <torch/data.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <cstddef>
#include <cstdint>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/training/training.hpp>
#include <memory>
#include <optional>
#include <vector>

/// Linear regression, concisely: section 4 of the article, step for step, with torch::data,
/// torch::nn and torch::optim. Legend of shapes: n examples, d features, k examples in a minibatch.
namespace linreg::concise {

/// What the sampler asks of the dataset for one minibatch: the examples order[first:last].
struct BatchIndices {
  torch::Tensor order;  ///< int32 or int64, shape (n), the same tensor for the whole epoch
  std::int64_t first;
  std::int64_t last;
  std::size_t size() const { return static_cast<std::size_t>(last - first); }
};

/// Python's `TensorDataset(features, labels)`, except that it serves a whole minibatch at once:
/// data of shape (k, d) and target of shape (k, 1), both views of what data::OrderedExamples has
/// gathered.
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

/// The order of Python's DataLoader, drawn anew from the global generator for each epoch; or, not
/// shuffled, the examples as they come. Indices are int32 as long as num_examples allows.
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
  std::int64_t next_ = 0;  ///< place in the order of the next minibatch's first example
};

using DataLoader = torch::data::StatelessDataLoader<TensorDataset, DataLoaderSampler>;

/// 4.2: a loader of minibatches in the order of Python's DataLoader, each epoch in another one.
///
///     const auto data_iter = load_array({features, labels}, 10);
///     for (const auto& [X, y] : *data_iter) ...
///
/// Throws c10::Error for shapes other than (n, d) and (n, 1), or batch_size < 1.
std::unique_ptr<DataLoader> load_array(const data::Examples& examples, std::int64_t batch_size,
                                       bool is_train = true);

/// 4.3: the model, one linear layer of one output. Draws the layer's own initial weight and bias
/// from the global generator, as in Python. Throws c10::Error for num_features < 1.
torch::nn::Sequential linreg(std::int64_t num_features);

/// Python's `net[0]`, the layer of such a model: weight of shape (1, d), bias of shape (1).
torch::nn::Linear layer(torch::nn::Sequential net);

/// 4.4: overwrites the weight by N(0, 0.01²), drawn from the global generator, and the bias by 0.
void initialize_parameters(torch::nn::Sequential net);

/// 4.5 to 4.7: the training loop, with torch::nn::MSELoss and torch::optim::SGD. Updates `net` in
/// place and returns the mean loss over all examples after each epoch.
///
/// Departure: takes what the article has as globals, and tells `observer` instead of printing; the
/// epoch's loss is computed without the graph that the article builds and never walks.
/// `trainer.zero_grad()` unsets the gradients, as Python's does from 2.0 on and LibTorch's not yet
/// in 1.13; `l.backward()` is given its gradient, 1, instead of making it anew at each step;
/// `trainer.step()` runs in InferenceMode, which spares the way through autograd's dispatch; and
/// `net(X)` calls the one layer itself, without the type erasure of a Sequential.
///
/// Throws c10::Error for examples, a model or hyperparameters of the wrong shape, type or range.
std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer = {});

}  // namespace linreg::concise
