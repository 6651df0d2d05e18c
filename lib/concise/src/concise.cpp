#include "linreg/concise/concise.hpp"

#include <torch/nn/modules/loss.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <algorithm>
#include <linreg/pytorch/data_loader.hpp>
#include <utility>

namespace linreg::concise {

TensorDataset::TensorDataset(torch::Tensor features, torch::Tensor labels)
    : examples_{std::move(features), std::move(labels)} {
  data::check_examples("linreg::concise::TensorDataset", examples_.features, examples_.labels);
}

torch::data::Example<> TensorDataset::get_batch(BatchIndices batch) {
  if (!ordered_ || !ordered_->order().is_same(batch.order)) {
    ordered_.emplace(examples_, batch.order);
  }
  data::Minibatch minibatch = ordered_->minibatch(batch.first, batch.last);
  if (batch.last == ordered_->size()) ordered_.reset();  // gives its memory back
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
  order_.reset();  // before the next one is drawn: each is as large as a column of the data
  const torch::ScalarType index_dtype = data::index_dtype(num_examples_);
  if (shuffle_) {
    order_ = pytorch::data_loader_order(num_examples_, index_dtype);
  } else {
    pytorch::skip_data_loader_base_seed();
    order_ = torch::arange(num_examples_, index_dtype);
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

std::unique_ptr<DataLoader> load_array(const data::Examples& examples, std::int64_t batch_size,
                                       bool is_train) {
  TORCH_CHECK(batch_size >= 1, "linreg::concise::load_array: batch_size is ", batch_size,
              ", but must be positive");
  TensorDataset dataset(examples.features, examples.labels);
  DataLoaderSampler sampler(examples.features.size(0), is_train);
  return torch::data::make_data_loader(std::move(dataset), std::move(sampler),
                                       static_cast<std::size_t>(batch_size));
}

torch::nn::Sequential linreg(std::int64_t num_features) {
  TORCH_CHECK(num_features >= 1, "linreg::concise::linreg: num_features is ", num_features,
              ", but must be positive");
  return torch::nn::Sequential(torch::nn::Linear(num_features, 1));
}

torch::nn::Linear layer(torch::nn::Sequential net) { return net->ptr<torch::nn::LinearImpl>(0); }

void initialize_parameters(torch::nn::Sequential net) {
  layer(net)->weight.data().normal_(0, 0.01);
  layer(net)->bias.data().fill_(0);
}

namespace {

/// `trainer.zero_grad(set_to_none=True)`, which LibTorch has from 2.0.
void zero_grad(torch::optim::Optimizer& trainer) {
  for (torch::optim::OptimizerParamGroup& group : trainer.param_groups()) {
    for (torch::Tensor& param : group.params()) param.mutable_grad().reset();
  }
}

}  // namespace

std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer) {
  const auto& [features, labels] = examples;
  const auto& [lr, num_epochs, batch_size] = hyperparameters;
  data::check_examples("linreg::concise::train", features, labels);
  training::check_hyperparameters("linreg::concise::train", hyperparameters);
  auto* const linear =
      net.is_empty() || net->size() != 1 ? nullptr : net->ptr(0)->as<torch::nn::LinearImpl>();
  TORCH_CHECK(linear != nullptr, "linreg::concise::train: net must be one torch::nn::Linear");
  const torch::Tensor& weight = linear->weight;
  TORCH_CHECK(
      weight.sizes() == torch::IntArrayRef({1, features.size(1)}) && weight.is_cpu() &&
          weight.scalar_type() == torch::kFloat && weight.requires_grad(),
      "linreg::concise::train: the weight must be float32 on the CPU, require grad and have "
      "shape (1, ",
      features.size(1), "), but is ", weight.toString(),
      weight.requires_grad() ? ", requires grad and has shape " : " without grad of shape ",
      weight.sizes());

  const auto data_iter = load_array(examples, batch_size);
  torch::nn::MSELoss loss;
  torch::optim::SGD trainer(net->parameters(), /*lr=*/lr);
  const torch::Tensor one = torch::ones({});  // the gradient that backward() makes at each call
  torch::Tensor l;  // outlives its step, and so do autograd's nodes for the weight and the bias

  std::vector<float> epoch_loss;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    for (const auto& [X, y] : *data_iter) {
      l = loss(linear->forward(X), y);
      zero_grad(trainer);
      l.backward(one);
      {
        const c10::InferenceMode no_grad;
        trainer.step();
      }
      if (observer.on_progress) observer.on_progress();
      if (observer.on_step && !observer.on_step(l)) return epoch_loss;
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor epoch_l = loss(linear->forward(features), labels);
    epoch_loss.push_back(epoch_l.item<float>());
    if (observer.on_epoch) observer.on_epoch(epoch_loss.back());
  }
  return epoch_loss;
}

}  // namespace linreg::concise
