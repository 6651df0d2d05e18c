#pragma once

#include <torch/types.h>

#include <cstdint>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/training/training.hpp>
#include <vector>

/// Linear regression from scratch: section 3 of the article, step for step, with tensors and
/// autograd only. Legend of shapes: n examples, d features, k examples in a minibatch.
namespace linreg::scratch {

/// 3.3: the examples in the order of Python's `random.shuffle`, `batch_size` at a time.
///
///     for (const auto& [X, y] : data_iter(10, features, labels, random)) ...
///
/// `random` stands for Python's `random` module. Throws c10::Error for shapes other than (n, d) and
/// (n, 1), or batch_size < 1.
data::Minibatches data_iter(std::int64_t batch_size, const torch::Tensor& features,
                            const torch::Tensor& labels, pytorch::Random& random);

struct Parameters {
  torch::Tensor w;  ///< weights, float32, shape (d, 1), requires grad
  torch::Tensor b;  ///< bias, float32, shape (1), requires grad
};

/// 3.4: w from N(0, 0.01²), drawn from the global generator, and b = 0.
/// Throws c10::Error for num_features < 1.
Parameters initial_parameters(std::int64_t num_features);

/// 3.5: the model Xw + b, shape (k, 1). Not by addmm: some BLAS libraries add b before they have
/// summed up Xw, which rounds otherwise.
torch::Tensor linreg(const torch::Tensor& X, const torch::Tensor& w, const torch::Tensor& b);

/// 3.6: half of the squared error of each example, in y_hat's shape.
///
/// Departure: `(y_hat - y)²` is one operation, mse_loss without reduction, in place of a difference
/// and a power: the same bits, and a step less to walk back.
///
/// Throws c10::Error unless y has as many elements as y_hat: (k, 1) and (k) would broadcast.
torch::Tensor squared_loss(const torch::Tensor& y_hat, const torch::Tensor& y);

/// 3.7: minibatch stochastic gradient descent: each parameter goes down by lr * grad / batch_size.
/// `batch_size` is as given, even when the last minibatch is short.
///
/// Departure: `param -= lr * param.grad / batch_size` is one operation, addcdiv_, which rounds
/// after the same three steps. And the gradient is unset instead of set to zero, so that the next
/// backward() hands its own over instead of adding it to zeros. InferenceMode stands for no_grad():
/// beyond that it spares the way through autograd's dispatch.
///
/// Throws c10::Error for a parameter without a gradient.
void sgd(torch::TensorList params, double lr, std::int64_t batch_size);

/// 3.7: the training loop. Updates `parameters` in place and returns the mean loss over all
/// examples after each epoch.
///
/// Departure: takes what the article has as globals, and tells `observer` instead of printing;
/// `l = loss(...)` and `l.sum().backward()` walk back from the squared errors, twice l, with the
/// gradient 0.5 for each: the half and the sum are not computed, and every bit stays. A node of
/// autograd less is an eighth of a step's time.
///
/// Throws c10::Error for examples, parameters or hyperparameters of the wrong shape, type or range.
std::vector<float> train(const Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer = {});

}  // namespace linreg::scratch
