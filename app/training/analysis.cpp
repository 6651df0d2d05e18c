#include "training/analysis.hpp"

#include <torch/types.h>

#include <algorithm>
#include <linreg/analysis/least_squares.hpp>
#include <linreg/analysis/stability.hpp>

#include "training/demo.hpp"

namespace linreg::app {
namespace {

/// Whether a matrix decomposition of the features takes seconds, not minutes.
bool soon_decomposed(const report::Settings& settings) {
  const auto n = static_cast<double>(settings.examples);
  const auto columns = static_cast<double>(settings.true_w.size() + 1);
  return (n + columns) * columns * columns < 5e9;
}

}  // namespace

std::optional<report::BestFit> best_fit(const report::Settings& settings) {
  if (!soon_decomposed(settings)) return std::nullopt;
  const data::Examples examples = generate_examples(settings);
  if (!examples.labels.isfinite().all().item<bool>()) return std::nullopt;
  const analysis::LeastSquares answer = analysis::least_squares(examples);
  const torch::Tensor w = answer.w.contiguous();
  const double* first = w.data_ptr<double>();
  return report::BestFit{.w = {first, first + w.numel()},
                         .b = answer.b,
                         .rank = answer.rank,
                         .mean_squared_error = answer.mean_squared_error};
}

std::optional<double> stable_lr(const report::Settings& settings, std::string_view implementation) {
  if (!soon_decomposed(settings)) return std::nullopt;
  const torch::Tensor features = generate_examples(settings).features;
  const double lr = analysis::largest_stable_lr(features, settings.batch_size);
  // MSELoss has twice the gradient; from scratch it is divided by the batch size as given.
  if (implementation == "concise") return lr / 2;
  const std::int64_t batch_size = std::min(settings.batch_size, settings.examples);
  return lr * static_cast<double>(settings.batch_size) / static_cast<double>(batch_size);
}

}  // namespace linreg::app
