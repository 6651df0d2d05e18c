#pragma once

#include <linreg/pytorch/checkpoint.hpp>

namespace torch::optim {
class Optimizer;
}

/// Carries the state of torch::optim::SGD, Adam and AdamW to Python's optimizers and back, for a
/// training that one language begins and the other goes on with.
///
///     save_checkpoint("checkpoint.pt", Value::Dict{{"optimizer_state_dict", state_dict(sgd)}});
///     load_into(sgd, load_checkpoint("checkpoint.pt")["optimizer_state_dict"]);
namespace linreg::pytorch {

/// Python's optimizer.state_dict(): {"state": ..., "param_groups": ...}. Its tensors share the
/// optimizer's memory.
/// @throws c10::Error for another optimizer than SGD, Adam and AdamW.
Value state_dict(const torch::optim::Optimizer& optimizer);

/// Python's optimizer.load_state_dict(state_dict): sets the options of each group, and copies the
/// state of each parameter, in the parameter's dtype.
///
/// Departure: refuses what LibTorch's optimizers can't do (maximize), and buffers of other shapes
/// than their parameters. Ignores foreach, fused, capturable and differentiable, ways to compute.
/// @throws c10::Error that names the entry and the value; then the optimizer is as before.
void load_into(torch::optim::Optimizer& optimizer, const Value& state_dict);

/// Python's optimizer.step(), to the last bit. From 2.1 on, Python's Adam and AdamW move the
/// average of the gradients by lerp_, where LibTorch's multiply and add, which rounds otherwise; of
/// SGD, and before, both do the same.
/// @throws c10::Error for another optimizer than SGD, Adam and AdamW.
void step(torch::optim::Optimizer& optimizer);

}  // namespace linreg::pytorch
