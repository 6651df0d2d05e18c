#include "linreg/pytorch/data_loader.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include <limits>

namespace linreg::pytorch {
namespace {

/// Python's `torch.empty((), dtype=torch.int64).random_().item()`.
std::int64_t draw_int64() { return at::empty({}, at::kLong).random_().item<std::int64_t>(); }

}  // namespace

void skip_data_loader_base_seed() { draw_int64(); }

at::Tensor data_loader_order(std::int64_t n, at::ScalarType dtype) {
  TORCH_CHECK(n >= 1, "linreg::pytorch::data_loader_order: n is ", n, ", but must be positive");
  TORCH_CHECK(
      dtype == at::kLong || (dtype == at::kInt && n <= std::numeric_limits<std::int32_t>::max()),
      "linreg::pytorch::data_loader_order: dtype is ", dtype,
      ", but must be int64, or int32 for n below 2^31; n is ", n);
  skip_data_loader_base_seed();
  const auto seed = static_cast<std::uint64_t>(draw_int64());
  return at::randperm(n, at::make_generator<at::CPUGeneratorImpl>(seed), dtype);
}

}  // namespace linreg::pytorch
