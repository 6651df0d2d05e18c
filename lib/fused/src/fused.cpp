#include "linreg/fused/fused.hpp"

#include <c10/core/alignment.h>
#include <torch/nn/functional/linear.h>
#include <torch/nn/functional/loss.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <linreg/concise/concise.hpp>
#include <linreg/concise/detail/check_model.hpp>
#include <linreg/data/detail/check_examples.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/detail/check_parameters.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/detail/check_hyperparameters.hpp>
#include <linreg/training/training.hpp>
#include <span>
#include <utility>
#include <vector>

#include "gather.hpp"
#include "kernels.hpp"

namespace linreg::fused {
namespace {

/// What one step computes into, for minibatches of k examples of d features. X views one minibatch
/// of those that were gathered.
struct Buffers {
  Buffers(const torch::Tensor& gathered, std::int64_t k, std::int64_t d)
      : X(gathered.as_strided({k, d}, {d, 1})),
        Xt(X.t()),
        y_hat(torch::empty({k, 1})),
        g(torch::empty({k, 1})),
        gt(g.t()),
        sum(k) {}

  /// Moves the views, which nobody else holds, without a new tensor.
  void move_to(std::int64_t offset) {
    X.unsafeGetTensorImpl()->set_storage_offset(offset);
    Xt.unsafeGetTensorImpl()->set_storage_offset(offset);
  }

  torch::Tensor X;      ///< shape (k, d)
  torch::Tensor Xt;     ///< shape (d, k)
  torch::Tensor y_hat;  ///< shape (k, 1)
  torch::Tensor g;      ///< the gradient of the loss with respect to y_hat, shape (k, 1)
  torch::Tensor gt;     ///< shape (1, k)
  kernels::ColumnSum sum;
};

std::span<float> numbers(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// The parameters and their gradients, for either loss. w has d elements; autograd makes its
/// gradient as a row or as a column, which may be summed in another order.
struct Model {
  Model(torch::Tensor weights, torch::Tensor bias, bool grad_is_row)
      : w(std::move(weights)),
        b(std::move(bias)),
        is_row(grad_is_row),
        grad_w(torch::empty_like(is_row ? w.reshape({1, -1}) : w.reshape({-1, 1}))),
        grad_b(torch::empty({1, 1})) {}

  void set_gradients(const Buffers& at) {
    is_row ? kernels::mm(grad_w, at.gt, at.X) : kernels::mm(grad_w, at.Xt, at.g);
    at.sum(grad_b, at.g);
  }

  torch::Tensor w;
  torch::Tensor b;
  bool is_row;
  torch::Tensor grad_w;
  torch::Tensor grad_b;
};

/// From scratch: l = (Xw + b - y)² / 2 of each example, and param -= lr * grad / batch_size.
class HalfSquaredLoss {
 public:
  HalfSquaredLoss(const scratch::Parameters& parameters, const training::Hyperparameters& how)
      : parameters_(parameters),
        model_(parameters.w.data(), parameters.b.data(), /*grad_is_row=*/false),
        lr_(static_cast<float>(how.lr)),
        batch_size_(static_cast<float>(how.batch_size)),
        is_first_(!parameters.w.grad().defined()) {}

  void step(Buffers& at, const float* y) {
    kernels::mm(at.y_hat, at.X, model_.w);
    const float b = *model_.b.data_ptr<float>();
    const auto y_hat = numbers(at.y_hat);
    const auto g = numbers(at.g);
    for (std::size_t i = 0; i < g.size(); ++i) {
      y_hat[i] += b;
      g[i] = 0.5F * (2 * (y_hat[i] - y[i]));  // the derivatives of l / 2 and of the square
    }
    model_.set_gradients(at);
    update(model_.w, model_.grad_w);
    update(model_.b, model_.grad_b);
    is_first_ = false;
  }

  torch::Tensor loss(const torch::Tensor& y_hat, const torch::Tensor& y) const {
    return scratch::squared_loss(y_hat, y);
  }

  torch::Tensor mean_loss(const data::Examples& examples) const {
    const auto& [w, b] = parameters_;
    torch::Tensor y_hat = torch::matmul(examples.features, w).add_(b);
    return y_hat.sub_(examples.labels).pow_(2).div_(2).mean();  // in place: n may be large
  }

 private:
  void update(const torch::Tensor& param, const torch::Tensor& grad) const {
    const auto p = numbers(param);
    const auto d = numbers(grad);
    for (std::size_t j = 0; j < p.size(); ++j) {
      // The article's sgd sets the gradient to 0, to which autograd adds the next one: -0 becomes
      // 0.
      p[j] -= lr_ * (is_first_ ? d[j] : 0 + d[j]) / batch_size_;
    }
  }

  const scratch::Parameters& parameters_;
  Model model_;
  float lr_;
  float batch_size_;
  bool is_first_;  ///< no gradient is there yet
};

/// Whether ATen's addition of factor * term rounds once, as a fused multiply-add, for n elements;
/// nothing if it is neither, or not the same for all elements.
enum class Rounding { once, twice, other };
Rounding rounding_of_add(std::int64_t n) {
  const float x = 1 + 0x1p-23F;
  torch::Tensor sum = torch::full({n}, -(1 + 0x1p-22F));
  kernels::add(sum, torch::full({n}, x), x);
  if (sum.eq(0).all().item<bool>()) return Rounding::twice;
  return sum.eq(0x1p-46F).all().item<bool>() ? Rounding::once : Rounding::other;
}

/// Concisely: l = mean of (Xw + b - y)², and param += -lr * grad.
class MeanSquaredLoss {
 public:
  MeanSquaredLoss(const torch::nn::Linear& layer, const training::Hyperparameters& how)
      : layer_(layer),
        model_(layer->weight.data(), layer->bias.data(), /*grad_is_row=*/true),
        wt_(model_.w.t()),
        minus_lr_(-how.lr),
        rounding_w_(rounding_of_add(model_.w.numel())),
        rounding_b_(rounding_of_add(1)),
        is_first_(!layer->weight.grad().defined()) {}

  void step(Buffers& at, const float* y) {
    const auto y_hat = numbers(at.y_hat);
    std::fill(y_hat.begin(), y_hat.end(), *model_.b.data_ptr<float>());
    kernels::addmm(at.y_hat, at.X, wt_);
    const auto g = numbers(at.g);
    const auto factor = static_cast<float>(2. / static_cast<double>(g.size()));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = factor * (y_hat[i] - y[i]);
    model_.set_gradients(at);
    update(model_.w, model_.grad_w, rounding_w_);
    update(model_.b, model_.grad_b, rounding_b_);
    is_first_ = false;
  }

  torch::Tensor loss(const torch::Tensor& y_hat, const torch::Tensor& y) const {
    return torch::mse_loss(y_hat, y);
  }

  torch::Tensor mean_loss(const data::Examples& examples) const {
    const auto& [features, labels] = examples;
    torch::Tensor y_hat = torch::nn::functional::linear(features, layer_->weight, layer_->bias);
    return y_hat.sub_(labels).pow_(2).mean();
  }

 private:
  void update(torch::Tensor& param, const torch::Tensor& grad, Rounding rounding) const {
    const auto p = numbers(param);
    const auto d = numbers(grad);
    // LibTorch 1.13's zero_grad() zeroes, later ones' forgets: see HalfSquaredLoss::update.
    const bool is_added_to_zero = TORCH_VERSION_MAJOR < 2 && !is_first_;
    const auto factor = static_cast<float>(minus_lr_);
    if (is_added_to_zero) {
      for (float& x : d) x = 0 + x;
    }
    switch (rounding) {
      case Rounding::once:
        for (std::size_t j = 0; j < p.size(); ++j) p[j] = std::fma(d[j], factor, p[j]);
        break;
      case Rounding::twice:
        for (std::size_t j = 0; j < p.size(); ++j) p[j] += factor * d[j];
        break;
      case Rounding::other:
        kernels::add(param, grad.view(param.sizes()), minus_lr_);
    }
  }

  torch::nn::Linear layer_;
  Model model_;
  torch::Tensor wt_;
  double minus_lr_;
  Rounding rounding_w_;
  Rounding rounding_b_;
  bool is_first_;
};

bool are_contiguous(const data::Examples& examples) {
  return examples.features.is_contiguous() && examples.labels.is_contiguous();
}

/// Both trainings: epochs over minibatches of gathered examples, about 1 MiB at a time.
template <typename Loss, typename DrawOrder>
std::vector<float> run(Loss loss, const data::Examples& examples,
                       const training::Hyperparameters& hyperparameters,
                       const DrawOrder& draw_order, const training::Observer& observer) {
  const torch::NoGradGuard no_grad;
  const auto& [features, labels] = examples;
  const std::int64_t n = features.size(0);
  const std::int64_t d = features.size(1);
  const std::int64_t batch_size = std::min(hyperparameters.batch_size, n);
  constexpr std::int64_t gathered_floats = 1 << 18;
  // Each minibatch begins where a tensor of its own would: BLAS may round otherwise elsewhere (MKL
  // with AVX-512).
  constexpr auto aligned_floats = static_cast<std::int64_t>(c10::gAlignment / sizeof(float));
  const std::int64_t stride =
      (batch_size * d + aligned_floats - 1) / aligned_floats * aligned_floats;
  const std::int64_t batches =
      std::clamp<std::int64_t>(gathered_floats / (stride + batch_size), 1, n / batch_size);
  const std::int64_t gathered = batches * batch_size;
  const torch::Tensor X = torch::empty({batches * stride});
  const torch::Tensor y = torch::empty({gathered, 1});
  Buffers whole(X, batch_size, d);
  Buffers last(X, n % batch_size, d);

  const auto train_epoch = [&] {
    const torch::Tensor indices = draw_order(n);
    const std::span order(indices.data_ptr<std::int64_t>(), static_cast<std::size_t>(n));
    for (std::int64_t from = 0; from < n; from += gathered) {
      const std::int64_t size = std::min(gathered, n - from);
      const auto here =
          order.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(size));
      gather(features, here, static_cast<std::size_t>(batch_size), static_cast<std::size_t>(stride),
             X.data_ptr<float>());
      gather(labels, here, here.size(), here.size(), y.data_ptr<float>());
      for (std::int64_t first = 0; first < size; first += batch_size) {
        Buffers& buffers = size - first < batch_size ? last : whole;
        buffers.move_to(first / batch_size * stride);
        loss.step(buffers, y.data_ptr<float>() + first);
        if (observer.on_step) {
          const torch::Tensor labels_here = y.slice(0, first, first + buffers.g.size(0));
          if (!observer.on_step(loss.loss(buffers.y_hat, labels_here))) return false;
        }
      }
    }
    return true;
  };

  std::vector<float> epoch_loss;
  for (std::int64_t epoch = 0; epoch < hyperparameters.num_epochs && train_epoch(); ++epoch) {
    epoch_loss.push_back(loss.mean_loss(examples).template item<float>());
    if (observer.on_epoch) observer.on_epoch(epoch_loss.back());
  }
  return epoch_loss;
}

}  // namespace

std::vector<float> train(const scratch::Parameters& parameters, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters, pytorch::Random& random,
                         const training::Observer& observer) {
  data::detail::check_examples("linreg::fused::train", examples.features, examples.labels);
  training::detail::check_hyperparameters("linreg::fused::train", hyperparameters);
  scratch::detail::check_parameters("linreg::fused::train", parameters, examples.features.size(1));
  // With other strides BLAS may round otherwise.
  if (!parameters.w.is_contiguous() || !are_contiguous(examples)) {
    return scratch::train(parameters, examples, hyperparameters, random, observer);
  }
  const auto shuffled = [&](std::int64_t n) {
    torch::Tensor indices = torch::arange(n, torch::kLong);
    random.shuffle(std::span(indices.data_ptr<std::int64_t>(), static_cast<std::size_t>(n)));
    return indices;
  };
  return run(HalfSquaredLoss(parameters, hyperparameters), examples, hyperparameters, shuffled,
             observer);
}

std::vector<float> train(torch::nn::Sequential net, const data::Examples& examples,
                         const training::Hyperparameters& hyperparameters,
                         const training::Observer& observer) {
  data::detail::check_examples("linreg::fused::train", examples.features, examples.labels);
  training::detail::check_hyperparameters("linreg::fused::train", hyperparameters);
  concise::detail::check_model("linreg::fused::train", net, examples.features.size(1));
  const torch::nn::Linear layer = concise::layer(net);
  if (!layer->weight.is_contiguous() || !are_contiguous(examples)) {
    return concise::train(net, examples, hyperparameters, observer);
  }
  return run(MeanSquaredLoss(layer, hyperparameters), examples, hyperparameters,
             pytorch::data_loader_order, observer);
}

}  // namespace linreg::fused
