#include "linreg/data/detail/check_examples.hpp"

namespace linreg::data::detail {

void check_examples(const char* caller, const torch::Tensor& features,
                    const torch::Tensor& labels) {
  TORCH_CHECK(features.defined() && features.is_cpu() && features.scalar_type() == torch::kFloat &&
                  features.dim() == 2 && features.size(0) >= 1 && features.size(1) >= 1,
              caller,
              ": features must be float32 on the CPU, of shape (n, d), n >= 1, d >= 1, but are ",
              features.toString(), features.defined() ? features.sizes() : torch::IntArrayRef{});
  TORCH_CHECK(labels.defined() && labels.is_cpu() && labels.scalar_type() == torch::kFloat &&
                  labels.sizes() == torch::IntArrayRef({features.size(0), 1}),
              caller, ": labels must be float32 on the CPU, of shape (", features.size(0),
              ", 1), but are ", labels.toString(),
              labels.defined() ? labels.sizes() : torch::IntArrayRef{});
}

}  // namespace linreg::data::detail
