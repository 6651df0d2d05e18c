#pragma once

#include <functional>

namespace linreg::app {

/// Calls `work` and returns 0. Reports an exception on stderr in one line and returns the exit
/// status for it: 2 for a UsageError, 1 for any other. A closed pipe (| head) where SIGPIPE is
/// ignored is 141, without a line.
int attempt(const std::function<void()>& work);

}  // namespace linreg::app
