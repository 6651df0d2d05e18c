#include "linreg/concise/concise.hpp"

#include <cstdint>
#include <linreg/concise/detail/check_model.hpp>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/training/detail/check_hyperparameters.hpp>
#include <linreg/training/training.hpp>
#include <vector>

namespace linreg::concise {

pytorch::DataLoader<2> load_array(const data::Examples& data_arrays, std::int64_t batch_size,
                                  bool is_train) {
  const auto& [features, labels] = data_arrays;
  data::detail::check_examples("linreg::concise::load_array", features, labels);
  const pytorch::TensorDataset dataset(features, labels);
  return pytorch::DataLoader(dataset, {.batch_size = batch_size, .shuffle = is_train});
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

namespace detail {

void check_model(const char* caller, const torch::nn::Sequential& net, std::int64_t num_features) {
  auto* const linear =
      net.is_empty() || net->size() != 1 ? nullptr : net->ptr(0)->as<torch::nn::LinearImpl>();
  TORCH_CHECK(linear != nullptr, caller, ": net must be one torch::nn::Linear");
  const torch::Tensor& weight = linear->weight;
  TORCH_CHECK(weight.sizes() == torch::IntArrayRef({1, num_features}) && weight.is_cpu() &&
                  weight.scalar_type() == torch::kFloat && weight.requires_grad(),
              caller, ": the weight must be float32 on the CPU, require grad and have shape (1, ",
              num_features, "), but is ", weight.toString(),
              weight.requires_grad() ? ", requires grad and has shape " : " without grad of shape ",
              weight.sizes());
}

}  // namespace detail

std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer) {
  const auto& [features, labels] = examples;
  const auto& [lr, num_epochs, batch_size] = hyperparameters;
  data::detail::check_examples("linreg::concise::train", features, labels);
  training::detail::check_hyperparameters("linreg::concise::train", hyperparameters);
  detail::check_model("linreg::concise::train", net, features.size(1));

  const auto data_iter = load_array(examples, batch_size);
  MSELoss loss;
  SGD trainer(net->parameters(), lr);

  std::vector<float> epoch_loss;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    for (const auto& [X, y] : data_iter) {
      const torch::Tensor l = loss(net->forward(X), y);
      trainer.zero_grad();
      l.backward();
      trainer.step();
      if (observer.on_step && !observer.on_step(l)) return epoch_loss;
    }
    const torch::Tensor l = loss(net->forward(features), labels);
    epoch_loss.push_back(l.item<float>());
    if (observer.on_epoch) observer.on_epoch(epoch_loss.back());
  }
  return epoch_loss;
}

}  // namespace linreg::concise
