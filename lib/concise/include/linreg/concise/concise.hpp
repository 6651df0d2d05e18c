#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/loss.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <cstdint>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/training/training.hpp>
#include <vector>

/// Linear regression concisely, with Python's DataLoader, nn and optim: section 4, step for step,
/// of the article 动手学深度学习(二)线性神经网络,
/// https://www.toymoban.com/news/detail-626035.html. The numbers of the steps are the article's.
/// It follows the book Dive into Deep Learning, https://d2l.ai, in the first edition the chapter
/// "Concise Implementation of Linear Regression".
///
/// Legend of shapes: n examples, d features, k examples in a minibatch.
namespace linreg::concise {

/// Reading the dataset.
/// 4.2: passes over the examples, each in a new order of Python's DataLoader, drawn from the global
/// generator; without is_train, in their own order.
///
///     const auto data_iter = load_array({features, labels}, 10);
///     for (const auto& [X, y] : data_iter) ...
///
/// Departure: torch::data's loader has one state for all its iterators and draws other numbers, so
/// that this is pytorch::DataLoader.
///
/// Throws c10::Error for shapes other than (n, d) and (n, 1), or batch_size < 1.
pytorch::DataLoader<2> load_array(const data::Examples& data_arrays, std::int64_t batch_size,
                                  bool is_train = true);

/// Defining the model.
/// 4.3: one linear layer of one output. Draws the layer's own initial weight and bias from the
/// global generator, as in Python.
///
/// Throws c10::Error for num_features < 1.
torch::nn::Sequential linreg(std::int64_t num_features);

/// The model's parameters.
/// Python's `net[0]`, the layer that has them: weight of shape (1, d), bias of shape (1).
torch::nn::Linear layer(torch::nn::Sequential net);

/// Initializing the model's parameters.
/// 4.4: overwrites the weight by N(0, 0.01²), drawn from the global generator, and the bias by 0.
void initialize_parameters(torch::nn::Sequential net);

/// Defining the loss.
/// 4.5: the mean of the squared errors, a scalar.
using torch::nn::MSELoss;

/// Defining the optimization algorithm, minibatch stochastic gradient descent.
/// 4.6: `param -= lr * param.grad` for each parameter.
using torch::optim::SGD;

/// Training.
/// 4.7: updates `net` in place and returns each epoch's mean loss over all examples.
///
/// Departure: takes what the article has as globals, and calls `observer` instead of printing.
///
/// Throws c10::Error for arguments of the wrong shape, type or range.
std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer = {});

}  // namespace linreg::concise
