#pragma once

#include <linreg/report/run.hpp>
#include <string>

namespace linreg::app {

/// A line that names the epoch and step in which the loss of `run` stopped being finite, and the
/// largest stable learning rate. Empty when every epoch's loss is finite.
///
/// Runs the demo again up to that step, so that training itself need not check every loss.
std::string describe_divergence(const report::Settings& settings, const report::Run& run);

}  // namespace linreg::app
