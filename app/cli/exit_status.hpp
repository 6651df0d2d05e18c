#pragma once

#include <functional>

namespace linreg::app {

/// Does `work` and returns 0. What that throws is said on stderr in one line, and the exit status
/// for it returned: 2 for a UsageError, 1 for another failure, and 141 without a word for a reader
/// that has seen enough (| head), where SIGPIPE does not end the program anyway.
int attempt(const std::function<void()>& work);

}  // namespace linreg::app
