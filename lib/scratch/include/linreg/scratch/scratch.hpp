#pragma once

#include <torch/types.h>

#include <cstdint>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/training/training.hpp>
#include <vector>

/// Linear regression from scratch, with tensors and autograd only: section 3, step for step,
/// of the article 动手学深度学习(二)线性神经网络,
/// https://www.toymoban.com/news/detail-626035.html. The numbers of the steps are the article's.
/// It follows the book Dive into Deep Learning, https://d2l.ai, in the first edition the chapter
/// "Linear Regression Implementation from Scratch".
///
/// Legend of shapes: n examples, d features, k examples in a minibatch.
namespace linreg::scratch {

/// Reading the dataset.
/// 3.3: one pass over the examples in the order of Python's `random.shuffle`. `random` stands for
/// Python's `random` module.
///
///     for (const auto& [X, y] : data_iter(10, features, labels, random)) ...
///
/// Throws c10::Error for shapes other than (n, d) and (n, 1), or batch_size < 1.
data::Minibatches data_iter(std::int64_t batch_size, const torch::Tensor& features,
                            const torch::Tensor& labels, pytorch::Random& random);

/// Defining the model.
/// 3.5, before 3.4 as in section 4: Xw + b, shape (k, 1).
torch::Tensor linreg(const torch::Tensor& X, const torch::Tensor& w, const torch::Tensor& b);

/// The model's parameters.
struct Parameters {
  torch::Tensor w;  ///< weights, float32, shape (d, 1), requires grad
  torch::Tensor b;  ///< bias, float32, shape (1), requires grad
};

/// Initializing the model's parameters.
/// 3.4: w from N(0, 0.01²), drawn from the global generator, and b = 0.
///
/// Throws c10::Error for num_features < 1.
Parameters initialize_parameters(std::int64_t num_features);

/// Defining the loss.
/// 3.6: half of the squared error of each example, in y_hat's shape.
///
/// Throws c10::Error unless y has as many elements as y_hat: (k, 1) and (k) would broadcast.
torch::Tensor squared_loss(const torch::Tensor& y_hat, const torch::Tensor& y);

/// Defining the optimization algorithm, minibatch stochastic gradient descent.
/// 3.7: `param -= lr * param.grad / batch_size` for each parameter, then its gradient is zeroed.
/// `batch_size` is as given even when the last minibatch is short.
///
/// Throws c10::Error for a parameter without a gradient.
void sgd(torch::TensorList params, double lr, std::int64_t batch_size);

/// Training.
/// 3.7: updates `parameters` in place and returns each epoch's mean loss over all examples.
///
/// Departure: takes what the article has as globals, and calls `observer` instead of printing.
///
/// Throws c10::Error for arguments of the wrong shape, type or range.
std::vector<float> train(const Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer = {});

}  // namespace linreg::scratch
