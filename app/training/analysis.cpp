#include "training/analysis.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <linreg/analysis/least_squares.hpp>
#include <linreg/analysis/stability.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/best_fit.hpp>
#include <optional>

#include "cli/options.hpp"

namespace linreg::app {
namespace {

/// Whether decomposing the matrix of features takes seconds, not minutes.
bool soon_decomposed(const torch::Tensor& features) {
  const auto n = static_cast<double>(features.size(0));
  const auto columns = static_cast<double>(features.size(1) + 1);
  return (n + columns) * columns * columns < 5e9;
}

}  // namespace

std::optional<report::BestFit> best_fit(const data::Examples& examples) {
  if (!soon_decomposed(examples.features)) return std::nullopt;
  if (!examples.labels.isfinite().all().item<bool>()) return std::nullopt;
  const analysis::LeastSquares answer = analysis::least_squares(examples);
  const torch::Tensor w = answer.w.contiguous();
  const double* first = w.data_ptr<double>();
  return report::BestFit{.w = {first, first + w.numel()},
                         .b = answer.b,
                         .rank = answer.rank,
                         .mean_squared_error = answer.mean_squared_error};
}

std::optional<double> stable_lr(Demo demo, const torch::Tensor& features, std::int64_t batch_size) {
  if (!soon_decomposed(features)) return std::nullopt;
  const double lr = analysis::largest_stable_lr(features, batch_size);
  // MSELoss has twice the gradient; from scratch it is divided by the batch size as given.
  if (demo == Demo::concise) return lr / 2;
  const std::int64_t examples_in_batch = std::min(batch_size, features.size(0));
  return lr * static_cast<double>(batch_size) / static_cast<double>(examples_in_batch);
}

}  // namespace linreg::app
