#include "linreg/scratch/scratch.hpp"

#include <cstddef>
#include <cstdint>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/scratch/detail/check_parameters.hpp>
#include <linreg/training/detail/check_hyperparameters.hpp>
#include <linreg/training/training.hpp>
#include <span>
#include <vector>

namespace linreg::scratch {

data::Minibatches data_iter(std::int64_t batch_size, const torch::Tensor& features,
                            const torch::Tensor& labels, pytorch::Random& random) {
  data::detail::check_examples("linreg::scratch::data_iter", features, labels);
  const std::int64_t num_examples = features.size(0);
  torch::Tensor indices = torch::arange(num_examples);
  random.shuffle(
      std::span(indices.data_ptr<std::int64_t>(), static_cast<std::size_t>(num_examples)));
  return {{features, labels}, indices, batch_size};
}

torch::Tensor linreg(const torch::Tensor& X, const torch::Tensor& w, const torch::Tensor& b) {
  return torch::matmul(X, w) + b;
}

Parameters initialize_parameters(std::int64_t num_features) {
  TORCH_CHECK(num_features >= 1, "linreg::scratch::initialize_parameters: num_features is ",
              num_features, ", but must be positive");
  return {torch::normal(0, 0.01, {num_features, 1}).requires_grad_(),
          torch::zeros(1, torch::requires_grad())};
}

torch::Tensor squared_loss(const torch::Tensor& y_hat, const torch::Tensor& y) {
  TORCH_CHECK(y.numel() == y_hat.numel(), "linreg::scratch::squared_loss: y has shape ", y.sizes(),
              ", but must have as many elements as y_hat, of shape ", y_hat.sizes());
  return (y_hat - y.reshape(y_hat.sizes())).pow(2) / 2;
}

void sgd(torch::TensorList params, double lr, std::int64_t batch_size) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor param : params) {
    TORCH_CHECK(param.grad().defined(), "linreg::scratch::sgd: a parameter of shape ",
                param.sizes(), " has no gradient: call backward() first");
    param -= lr * param.grad() / batch_size;
    param.grad().zero_();
  }
}

namespace detail {

void check_parameters(const char* caller, const Parameters& parameters, std::int64_t num_features) {
  const auto check = [&](const char* name, const torch::Tensor& param, torch::IntArrayRef shape) {
    TORCH_CHECK(
        param.sizes() == shape && param.is_cpu() && param.scalar_type() == torch::kFloat &&
            param.requires_grad(),
        caller, ": ", name, " must be float32 on the CPU, require grad and have shape ", shape,
        ", but is ", param.toString(),
        param.requires_grad() ? ", requires grad and has shape " : " without grad of shape ",
        param.sizes());
  };
  check("w", parameters.w, {num_features, 1});
  check("b", parameters.b, {1});
}

}  // namespace detail

std::vector<float> train(const Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer) {
  const auto& [w, b] = parameters;
  const auto& [features, labels] = examples;
  const auto& [lr, num_epochs, batch_size] = hyperparameters;
  data::detail::check_examples("linreg::scratch::train", features, labels);
  training::detail::check_hyperparameters("linreg::scratch::train", hyperparameters);
  detail::check_parameters("linreg::scratch::train", parameters, features.size(1));

  const auto& net = linreg;
  const auto& loss = squared_loss;

  std::vector<float> epoch_loss;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    for (const auto& [X, y] : data_iter(batch_size, features, labels, random)) {
      const torch::Tensor l = loss(net(X, w, b), y);
      l.sum().backward();
      sgd({w, b}, lr, batch_size);
      if (observer.on_step && !observer.on_step(l)) return epoch_loss;
    }
    const torch::NoGradGuard no_grad;
    const torch::Tensor train_l = loss(net(features, w, b), labels);
    epoch_loss.push_back(train_l.mean().item<float>());
    if (observer.on_epoch) observer.on_epoch(epoch_loss.back());
  }
  return epoch_loss;
}

}  // namespace linreg::scratch
