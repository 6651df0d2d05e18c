#pragma once

#include <stdexcept>

namespace linreg::app {

/// The command line, or a file that it names, is unusable: exit status 2. `what` is the line for
/// stderr.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace linreg::app
