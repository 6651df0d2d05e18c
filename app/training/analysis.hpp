#pragma once

#include <linreg/report/best_fit.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string_view>

namespace linreg::app {

/// The exact answer for the data of `settings`. Nothing where it would take minutes to find, or
/// where the data are not finite.
std::optional<report::BestFit> best_fit(const report::Settings& settings);

/// The learning rate up to which the demo "scratch" or "concise" is stable at the batch size and on
/// the data of `settings`: analysis::largest_stable_lr for that demo's own loss. Nothing where it
/// would take minutes to find.
std::optional<double> stable_lr(const report::Settings& settings, std::string_view implementation);

}  // namespace linreg::app
