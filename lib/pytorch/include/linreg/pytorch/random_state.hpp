#pragma once

#include <ATen/core/Tensor.h>

#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/random.hpp>

/// The states of random number generators as Python's, for checkpoints.
namespace linreg::pytorch {

/// Python's `random.getstate()`: (3, (625 integers), gauss_next).
Value getstate(const Random& random);

/// Python's `random.setstate(state)`.
/// @throws c10::Error for a value that is no such state.
void setstate(Random& random, const Value& state);

/// Python's `torch.get_rng_state()`: the state of the CPU's default generator, a uint8 tensor.
at::Tensor get_rng_state();

/// Python's `torch.set_rng_state(state)`.
/// @throws c10::Error for a tensor that is no such state.
void set_rng_state(const at::Tensor& state);

}  // namespace linreg::pytorch
