#include "linreg/scratch/scratch.hpp"

#include <span>

namespace linreg::scratch {
namespace {

template <typename Index>
torch::Tensor shuffled_indices(std::int64_t num_examples, pytorch::Random& random) {
  torch::Tensor indices = torch::arange(num_examples, torch::CppTypeToScalarType<Index>::value);
  random.shuffle(std::span(indices.data_ptr<Index>(), static_cast<std::size_t>(num_examples)));
  return indices;
}

/// The squared error of each example, in y_hat's shape.
torch::Tensor squared_error(const torch::Tensor& y_hat, const torch::Tensor& y) {
  TORCH_CHECK(y.numel() == y_hat.numel(), "linreg::scratch::squared_loss: y has shape ", y.sizes(),
              ", but must have as many elements as y_hat, of shape ", y_hat.sizes());
  const bool same_shape = y.sizes() == y_hat.sizes();
  return torch::mse_loss(y_hat, same_shape ? y : y.reshape(y_hat.sizes()), torch::Reduction::None);
}

/// `l.sum().backward()` of the losses `l`, given twice_l = squared_error(y_hat, y).
///
/// Departure: neither the half nor the sum is computed, as nobody reads their values: the gradient
/// of l.sum() in each squared error is 0.5. `halves` keeps these from step to step.
void backward_from_sum(const torch::Tensor& twice_l, torch::Tensor& halves) {
  if (!halves.defined() || halves.sizes() != twice_l.sizes()) {
    halves = torch::full_like(twice_l, 0.5);
  }
  twice_l.backward(halves);
}

/// `sgd`, with batch_size in a tensor of no dimensions, as PyTorch computes with it.
void sgd(torch::TensorList params, double lr, const torch::Tensor& batch_size) {
  const c10::InferenceMode no_grad;
  for (const torch::Tensor& param : params) {
    TORCH_CHECK(param.grad().defined(), "linreg::scratch::sgd: a parameter of shape ",
                param.sizes(), " has no gradient: call backward() first");
    param.addcdiv_(param.grad(), batch_size, -lr);
    param.mutable_grad().reset();
  }
}

}  // namespace

data::Minibatches data_iter(std::int64_t batch_size, const torch::Tensor& features,
                            const torch::Tensor& labels, pytorch::Random& random) {
  data::check_examples("linreg::scratch::data_iter", features, labels);
  const std::int64_t num_examples = features.size(0);
  const torch::Tensor indices = data::index_dtype(num_examples) == torch::kInt
                                    ? shuffled_indices<std::int32_t>(num_examples, random)
                                    : shuffled_indices<std::int64_t>(num_examples, random);
  return {{features, labels}, indices, batch_size};
}

Parameters initial_parameters(std::int64_t num_features) {
  TORCH_CHECK(num_features >= 1, "linreg::scratch::initial_parameters: num_features is ",
              num_features, ", but must be positive");
  return {torch::normal(0, 0.01, {num_features, 1}).requires_grad_(),
          torch::zeros(1, torch::requires_grad())};
}

torch::Tensor linreg(const torch::Tensor& X, const torch::Tensor& w, const torch::Tensor& b) {
  return torch::mm(X, w).add_(b);
}

torch::Tensor squared_loss(const torch::Tensor& y_hat, const torch::Tensor& y) {
  return squared_error(y_hat, y).div_(2);
}

void sgd(torch::TensorList params, double lr, std::int64_t batch_size) {
  if (!params.empty()) sgd(params, lr, torch::scalar_tensor(batch_size, params[0].options()));
}

std::vector<float> train(const Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer) {
  const auto& [features, labels] = examples;
  const auto& [w, b] = parameters;
  const auto& [lr, num_epochs, batch_size] = hyperparameters;
  data::check_examples("linreg::scratch::train", features, labels);
  training::check_hyperparameters("linreg::scratch::train", hyperparameters);
  const auto check_parameter = [](const char* name, const torch::Tensor& param, auto... shape) {
    TORCH_CHECK(
        param.sizes() == torch::IntArrayRef({shape...}) && param.is_cpu() &&
            param.scalar_type() == torch::kFloat && param.requires_grad(),
        "linreg::scratch::train: ", name,
        " must be float32 on the CPU, require grad and have "
        "shape ",
        torch::IntArrayRef({shape...}), ", but is ", param.toString(),
        param.requires_grad() ? ", requires grad and has shape " : " without grad of shape ",
        param.sizes());
  };
  check_parameter("w", w, features.size(1), std::int64_t{1});
  check_parameter("b", b, std::int64_t{1});
  const auto& net = linreg;
  const auto& loss = squared_loss;

  torch::Tensor twice_l;  // outlives its step, and so do autograd's nodes for w and b
  torch::Tensor halves;
  const torch::Tensor divisor = torch::scalar_tensor(batch_size, w.options());
  std::vector<float> epoch_loss;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    for (const auto& [X, y] : data_iter(batch_size, features, labels, random)) {
      twice_l = squared_error(net(X, w, b), y);
      backward_from_sum(twice_l, halves);
      sgd({w, b}, lr, divisor);
      if (observer.on_progress) observer.on_progress();
      if (observer.on_step && !observer.on_step(twice_l.detach() / 2)) return epoch_loss;
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor train_l = loss(net(features, w, b), labels);
    epoch_loss.push_back(train_l.mean().item<float>());
    if (observer.on_epoch) observer.on_epoch(epoch_loss.back());
  }
  return epoch_loss;
}

}  // namespace linreg::scratch
