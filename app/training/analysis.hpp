#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/best_fit.hpp>
#include <optional>

#include "cli/options.hpp"

namespace linreg::app {

/// The exact answer for the examples. Nothing where it would take minutes to find, or where the
/// examples are not finite.
std::optional<report::BestFit> best_fit(const data::Examples& examples);

/// The largest learning rate at which the demo is stable, on features of shape (n, d) and in
/// minibatches of `batch_size`: analysis::largest_stable_lr for that demo's own loss. Nothing where
/// it would take minutes to find.
std::optional<double> stable_lr(Demo demo, const at::Tensor& features, std::int64_t batch_size);

}  // namespace linreg::app
