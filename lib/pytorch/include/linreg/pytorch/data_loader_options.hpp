#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace linreg::pytorch {

/// Python's arguments of `DataLoader`.
struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    ///< a new random order in each pass
  bool drop_last = false;  ///< leaves out a last minibatch that is short
  at::Tensor sampler =
      {};  ///< the indices to visit, an int32 or int64 vector, in place of `shuffle`
  at::Generator generator = {};  ///< to draw from in place of the global one, if defined
};

}  // namespace linreg::pytorch
