#pragma once

#include "cli/options.hpp"

namespace linreg::app {

/// `linreg scratch` and `linreg concise`: prints what the article's program prints. Returns the
/// exit status.
int train_command(Demo demo, const Options& options);

}  // namespace linreg::app
