#include "linreg/data/synthetic_data.hpp"

#include <cstdint>

namespace linreg::data {

Examples synthetic_data(const torch::Tensor& w, double b, std::int64_t num_examples, double noise) {
  TORCH_CHECK(
      w.defined() && w.is_cpu() && w.scalar_type() == torch::kFloat && w.dim() == 1 &&
          w.size(0) >= 1,
      "linreg::data::synthetic_data: w must be float32 on the CPU, of shape (d), d >= 1, but is ",
      w.toString(), w.defined() ? w.sizes() : torch::IntArrayRef{});
  TORCH_CHECK(num_examples >= 1, "linreg::data::synthetic_data: num_examples is ", num_examples,
              ", but must be positive");
  TORCH_CHECK(noise >= 0, "linreg::data::synthetic_data: noise is ", noise,
              ", but must be 0 or more");
  torch::Tensor X = torch::normal(0, 1, {num_examples, w.size(0)});
  torch::Tensor y = torch::matmul(X, w) + b;
  y += torch::normal(0, noise, y.sizes());
  return {X, y.reshape({-1, 1})};
}

}  // namespace linreg::data
