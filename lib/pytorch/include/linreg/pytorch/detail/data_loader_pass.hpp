#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <linreg/pytorch/data_loader_options.hpp>
#include <linreg/pytorch/detail/ordered_rows.hpp>
#include <optional>
#include <span>
#include <vector>

namespace linreg::pytorch::detail {

template <std::size_t N>
std::vector<at::Tensor> to_vector(const std::array<at::Tensor, N>& tensors) {
  return {tensors.begin(), tensors.end()};
}

/// Throws c10::Error unless all tensors have rows, and the same number of them.
void check_rows(const std::vector<at::Tensor>& tensors);

/// Throws c10::Error for what Python's DataLoader refuses, of a dataset of n examples.
void check_options(const DataLoaderOptions& options, std::int64_t n);

std::int64_t num_minibatches(const DataLoaderOptions& options, std::int64_t n);

/// One pass of a DataLoader over the tensors' rows.
class DataLoaderPass {
 public:
  /// Draws the base seed, which only workers use.
  DataLoaderPass(std::vector<at::Tensor> tensors, DataLoaderOptions options);

  DataLoaderPass(DataLoaderPass&&) = default;  // a copy would draw once more
  DataLoaderPass& operator=(DataLoaderPass&&) = default;

  /// Sets `minibatch` to the rows of each tensor. The first call draws the order.
  void read(std::span<at::Tensor> minibatch);

  void advance() { first_ += options_.batch_size; }

  /// Whether no minibatch is left. If so, has drawn all that Python draws in a pass.
  bool ends();

 private:
  void draw_order();
  void draw_rest();

  std::vector<at::Tensor> tensors_;
  DataLoaderOptions options_;
  std::int64_t num_examples_;        ///< to visit, the last short minibatch included
  std::int64_t first_ = 0;           ///< position in the order of this minibatch's first example
  std::optional<OrderedRows> rows_;  ///< from the first minibatch on
  bool drawn_ = false;               ///< all of the pass
};

}  // namespace linreg::pytorch::detail
