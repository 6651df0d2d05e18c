#include "divergence.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::app {
namespace {

/// The learning rate below which every step is expected to come closer to the best fit, whichever
/// examples its minibatch gets.
///
/// A step on half the mean squared error of a minibatch B takes the distance e from the best fit to
/// (I - lr H_B) e, where the Hessian H_B is the mean of x xᵀ over the minibatch (x ends in a 1, for
/// the bias). So E|e|² changes by lr² eᵀ E[H_B²] e - 2 lr eᵀ H e, which is negative for every e
/// below 2 over the greatest eigenvalue of E[H_B²] against H = E[H_B]. When B is all examples that
/// is 2 over the greatest eigenvalue of H.
double stable_lr(const report::Settings& settings, const std::string& implementation) {
  torch::manual_seed(settings.seed.bits());
  const torch::Tensor true_w = torch::tensor(settings.true_w, torch::kFloat);
  const torch::Tensor features =
      data::synthetic_data(true_w, settings.true_b, settings.examples, settings.noise).features;
  torch::Tensor H = torch::zeros({true_w.size(0) + 1, true_w.size(0) + 1}, torch::kDouble);
  torch::Tensor mean_of_squares = torch::zeros_like(H);        // of (x xᵀ)²
  for (const torch::Tensor& some : features.split(1 << 14)) {  // for all at once take much memory
    const torch::Tensor X =
        torch::cat({some, torch::ones({some.size(0), 1})}, 1).to(torch::kDouble);
    H += X.t().mm(X);
    mean_of_squares += (X * X.square().sum(1, true)).t().mm(X);
  }

  const auto n = static_cast<double>(settings.examples);
  const double k = std::min(n, static_cast<double>(settings.batch_size));
  const double variance = k == n ? 0 : (n - k) / (n - 1) / k;  // of a mean of k drawn from n
  H /= n;
  mean_of_squares /= n;
  const torch::Tensor square = (1 - variance) * H.mm(H) + variance * mean_of_squares;  // E[H_B²]

  // H is singular when there are fewer examples than parameters: then only its range matters.
  const auto [eigenvalues, eigenvectors] = torch::linalg_eigh(H);
  const torch::Tensor kept = (eigenvalues > 1e-10 * eigenvalues.max()).nonzero().squeeze(1);
  const torch::Tensor W =
      eigenvectors.index_select(1, kept) / eigenvalues.index_select(0, kept).sqrt();
  const double lr = 2 / torch::linalg_eigvalsh(W.t().mm(square).mm(W), "L").max().item<double>();

  // MSELoss has twice the gradient; from scratch it is divided by the batch size as given.
  return implementation == "concise" ? lr / 2 : lr * static_cast<double>(settings.batch_size) / k;
}

/// `x` down to two digits: a limit rounded up would lie beyond itself.
std::string rounded_down(double x) {
  const double unit = std::pow(10, std::floor(std::log10(x)) - 1);
  return fmt::format("{:.2g}", std::floor(x / unit) * unit);
}

}  // namespace

std::string describe_divergence(RunDemo run_demo, const report::Settings& settings,
                                const report::Run& run) {
  const auto finite = [](float loss) { return std::isfinite(loss); };
  const auto first = std::ranges::find_if_not(run.epoch_loss, finite);
  if (first == run.epoch_loss.end()) return "";

  report::Settings up_to_there = settings;
  up_to_there.epochs = first - run.epoch_loss.begin() + 1;
  std::int64_t step = 0;  // counted over all epochs
  run_demo(up_to_there, {}, [&step](const torch::Tensor& l) {
    ++step;
    return l.isfinite().all().item<bool>();
  });
  const std::int64_t steps_in_epoch = run.steps / settings.epochs;
  const double stable = stable_lr(settings, run.implementation);
  return fmt::format(
      "the loss of {} is not finite from epoch {}, step {} on: --lr {} is {}", run.implementation,
      (step - 1) / steps_in_epoch + 1, (step - 1) % steps_in_epoch + 1, settings.lr,
      settings.lr > stable ? "too large, up to about " + rounded_down(stable) + " is stable"
                           : "small enough, but the numbers are too large for float32");
}

}  // namespace linreg::app
