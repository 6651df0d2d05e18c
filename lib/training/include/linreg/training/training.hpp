#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace linreg::training {

/// What a training loop is told. The defaults are the article's.
struct Hyperparameters {
  double lr = 0.03;             ///< learning rate
  std::int64_t num_epochs = 3;  ///< passes over the data
  std::int64_t batch_size =
      10;  ///< examples in a minibatch; may exceed the data, need not divide it
};

/// What a training loop tells while it runs. Each function may be empty.
struct Observer {
  /// After each update, with that minibatch's loss as the demo computes it. False ends the
  /// training.
  std::function<bool(const torch::Tensor& l)> on_step;
  /// After each epoch, with the mean loss over all examples.
  std::function<void(float train_loss)> on_epoch;
  /// After each update, too, for what needs no loss, which the demo from scratch would compute.
  std::function<void()> on_progress = {};
};

/// Throws c10::Error, naming `caller`, unless lr > 0, num_epochs >= 0 and batch_size >= 1.
void check_hyperparameters(const char* caller, const Hyperparameters& hyperparameters);

}  // namespace linreg::training
