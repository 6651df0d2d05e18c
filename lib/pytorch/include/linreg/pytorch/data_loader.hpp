#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace linreg::pytorch {

/// Returns the order, shape (n), in which one pass over Python's `DataLoader(dataset,
/// shuffle=True)` without workers or a generator visits n examples: in int64 as in Python, or in
/// int32.
///
/// Draws two int64 from the global generator, as each `iter(loader)` does: the base seed, which
/// only workers use, and the seed of the sampler's own generator, which gives the permutation.
///
///     torch::manual_seed(0);
///     linreg::pytorch::data_loader_order(10);  // 6 7 1 4 2 0 9 8 3 5, as in Python
///
/// Throws c10::Error for n < 1, for n > 2³¹ - 1 with int32, and for another dtype.
at::Tensor data_loader_order(std::int64_t n, at::ScalarType dtype = at::kLong);

/// Draws what one pass over an unshuffled DataLoader draws from the global generator: the base
/// seed.
void skip_data_loader_base_seed();

}  // namespace linreg::pytorch
