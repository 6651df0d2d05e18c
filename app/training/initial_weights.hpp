#pragma once

#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <optional>

namespace linreg::app {

/// The first weights and bias that --init names, under the names that Python's
/// nn.Sequential(nn.Linear(d, 1)) gives them: "0.weight" of shape (1, d) and "0.bias" of shape (1),
/// float32. Nothing for "normal", the article's own draw.
/// Throws a UsageError when it names a file that does not hold these, and only these.
std::optional<pytorch::StateDict> initial_state(const report::Settings& settings);

}  // namespace linreg::app
