#pragma once

#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <optional>

namespace linreg::app {

/// The initial weights and bias of --init, named as in Python's nn.Sequential(nn.Linear(d, 1)):
/// "0.weight" of shape (1, d) and "0.bias" of shape (1), float32. Nothing for "normal": the article
/// draws them. Throws a UsageError unless a file holds exactly these.
std::optional<pytorch::StateDict> initial_state(const report::Settings& settings);

}  // namespace linreg::app
