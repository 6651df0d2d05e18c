#pragma once

#include <string>

#include "training/demo.hpp"

namespace linreg::app {

/// One line on a run whose loss stopped being finite: in which epoch and step, and up to which
/// learning rate training is stable. Empty when every epoch's loss is finite.
///
/// Runs the demo once more up to that step, so that training itself need not look at every loss.
std::string describe_divergence(Demo demo, const report::Settings& settings,
                                const report::Run& run);

}  // namespace linreg::app
