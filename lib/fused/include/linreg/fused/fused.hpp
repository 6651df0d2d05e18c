#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <vector>

/// The trainings of linreg::scratch and linreg::concise, to the last bit, without what the lesson
/// is about: no autograd, and nothing allocated in a step. The lesson is in those two; this is what
/// their arithmetic alone costs, and the proof that it is the same.
///
/// The gradients are written out (article, 2.1). For a minibatch X of shape (k, d), y of shape
/// (k, 1) and the error e = Xw + b - y of shape (k, 1):
///
///     from scratch, l = Σ e² / 2:  g = e        ∂l/∂w = Xᵀ g   ∂l/∂b = Σ g
///     concisely,    l = Σ e² / k:  g = 2 e / k  ∂l/∂w = Xᵀ g   ∂l/∂b = Σ g
///
/// What multiplies matrices is ATen's own kernel, called below the dispatcher, so that its order of
/// summation is PyTorch's by construction. Σ g adds in the order of ATen's kernel. What works
/// element by element is a loop that rounds where ATen does.
namespace linreg::fused {

/// Does what scratch::train does with the same arguments. The tensor that `observer.on_step` gets
/// has no graph.
std::vector<float> train(const scratch::Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer = {});

/// Does what concise::train does with the same arguments. The tensor that `observer.on_step` gets
/// has no graph.
std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer = {});

}  // namespace linreg::fused
