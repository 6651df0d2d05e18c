#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>

namespace linreg::app {

/// The initial weights and bias of --init, named as in Python's nn.Sequential(nn.Linear(d, 1)):
/// "0.weight" of shape (1, d) and "0.bias" of shape (1), float32. Nothing for "normal": the article
/// draws them. Throws a UsageError unless a file holds exactly these.
std::optional<pytorch::StateDict> initial_state(const report::Settings& settings);

/// Why `state` is not one of nn.Sequential(nn.Linear(num_features, 1)) in float32; empty if it is.
std::string fault_in(const pytorch::StateDict& state, std::int64_t num_features);

/// Why the file can't be read: the error's message without the path at its beginning.
std::string reason(const c10::Error& error, const std::string& path);

}  // namespace linreg::app
