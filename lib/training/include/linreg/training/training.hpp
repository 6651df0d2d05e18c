#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace linreg::training {

/// The hyperparameters of both demos. The defaults are the article's.
struct Hyperparameters {
  double lr = 0.03;              ///< learning rate
  std::int64_t num_epochs = 3;   ///< passes over the data
  std::int64_t batch_size = 10;  ///< examples in a minibatch; need not divide n, may exceed it
};

/// What a training loop calls while it runs. Either function may be empty.
struct Observer {
  /// After each update, with the minibatch's loss `l`. Returning false ends the training.
  std::function<bool(const torch::Tensor& l)> on_step = {};
  /// After each epoch, with the mean loss over all examples.
  std::function<void(float train_loss)> on_epoch = {};
};

}  // namespace linreg::training
