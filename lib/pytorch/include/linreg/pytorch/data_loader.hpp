#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace linreg::pytorch {

/// The order in which one pass over Python's `DataLoader(dataset, shuffle=True)` (no workers, no
/// generator of its own) visits n examples: int64 as in Python, or int32 on request, shape (n).
///
/// Like each `iter(loader)`, it draws two int64 from the global generator: the base seed, which
/// only workers would use, then the seed of the sampler's own generator, which gives the
/// permutation.
///
///     torch::manual_seed(0);
///     linreg::pytorch::data_loader_order(10);  // 6 7 1 4 2 0 9 8 3 5, as in Python
///
/// Throws c10::Error for n < 1, another dtype, or n > 2³¹ - 1 with int32.
at::Tensor data_loader_order(std::int64_t n, at::ScalarType dtype = at::kLong);

/// What one pass over an unshuffled DataLoader takes from the global generator: the base seed only.
void skip_data_loader_base_seed();

}  // namespace linreg::pytorch
