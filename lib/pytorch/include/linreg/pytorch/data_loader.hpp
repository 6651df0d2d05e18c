#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linreg/pytorch/data_loader_options.hpp>
#include <linreg/pytorch/detail/data_loader_pass.hpp>
#include <utility>
#include <vector>

/// What Python's `torch.utils.data` does, draw for draw, and torch::data does not.
namespace linreg::pytorch {

/// Python's `TensorDataset(*tensors)`: N tensors, each of shape (n, ...), for n examples.
template <std::size_t N>
class TensorDataset {
 public:
  /// Throws c10::Error unless all tensors have rows, and the same number of them.
  template <std::convertible_to<at::Tensor>... Tensors>
  requires(sizeof...(Tensors) == N) explicit TensorDataset(Tensors... tensors)
      : tensors_{std::move(tensors)...} {
    detail::check_rows(detail::to_vector(tensors_));
  }

  /// Python's `Subset(dataset, indices)`, for int32 or int64 indices of shape (m).
  TensorDataset subset(const at::Tensor& indices) const {
    TensorDataset result = *this;
    for (at::Tensor& tensor : result.tensors_) tensor = tensor.index_select(0, indices);
    return result;
  }

  std::array<at::Tensor, N> tensors() const { return tensors_; }

  /// n, Python's `len(dataset)`.
  std::int64_t size() const { return tensors_[0].size(0); }

 private:
  std::array<at::Tensor, N> tensors_;
};

template <std::convertible_to<at::Tensor>... Tensors>
TensorDataset(Tensors...) -> TensorDataset<sizeof...(Tensors)>;

/// Python's `DataLoader(dataset, batch_size, shuffle, ...)` without workers: minibatches of the
/// examples. Each `begin()` starts a new pass, independent of any other, as Python's `iter()` does,
/// and draws when Python draws: the base seed at once, the sampler's seed with the first minibatch.
///
///     const DataLoader data_iter(TensorDataset(features, labels), {.batch_size = 10, .shuffle =
///     true}); for (const auto& [X, y] : data_iter) ...
///
/// Departure: the order is kept in int32 where that suffices, half of Python's memory, and several
/// minibatches are gathered at once.
template <std::size_t N>
class DataLoader {
 public:
  /// Throws c10::Error for options that Python refuses.
  explicit DataLoader(TensorDataset<N> dataset, DataLoaderOptions options = {})
      : dataset_(std::move(dataset)), options_(std::move(options)) {
    detail::check_options(options_, dataset_.size());
  }

  /// A pass: `*it` then `++it` is Python's `next(it)`, `it == end()` its StopIteration.
  class Iterator {
   public:
    using value_type = std::array<at::Tensor, N>;
    using difference_type = std::ptrdiff_t;

    value_type operator*() const {
      value_type minibatch;
      pass_.read(minibatch);
      return minibatch;
    }
    Iterator& operator++() {
      pass_.advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return pass_.ends(); }

   private:
    friend class DataLoader;
    explicit Iterator(const DataLoader& loader)
        : pass_(detail::to_vector(loader.dataset_.tensors()), loader.options_) {}

    mutable detail::DataLoaderPass pass_;  ///< draws and gathers when it is read
  };

  Iterator begin() const { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

  /// The number of minibatches, Python's `len(loader)`.
  std::int64_t size() const { return detail::num_minibatches(options_, dataset_.size()); }

 private:
  TensorDataset<N> dataset_;
  DataLoaderOptions options_;
};

/// Returns the order, int64 of shape (n), in which one pass of a shuffled DataLoader visits n
/// examples. Draws two int64 from the global generator: the base seed and the sampler's.
///
///     torch::manual_seed(0);
///     linreg::pytorch::data_loader_order(10);  // 6 7 1 4 2 0 9 8 3 5, as in Python
///
/// Throws c10::Error for n < 1.
at::Tensor data_loader_order(std::int64_t n);

/// Returns the indices of the parts that Python's `random_split(range(n), lengths, generator)`
/// makes: int64 vectors. Lengths add up to n, or are fractions that add up to 1; then each is
/// rounded down, and what is left goes to the parts one by one from the first. Without a
/// generator, draws from the global one.
///
/// Throws c10::Error for other lengths.
std::vector<at::Tensor> random_split(std::int64_t n, const std::vector<double>& lengths,
                                     at::Generator generator = {});

/// Returns Python's `random_split(dataset, lengths, generator)`.
///
///     const auto parts = random_split(TensorDataset(features, labels), {0.8, 0.2});
template <std::size_t N>
std::vector<TensorDataset<N>> random_split(const TensorDataset<N>& dataset,
                                           const std::vector<double>& lengths,
                                           at::Generator generator = {}) {
  std::vector<TensorDataset<N>> parts;
  for (const at::Tensor& indices : random_split(dataset.size(), lengths, std::move(generator))) {
    parts.push_back(dataset.subset(indices));
  }
  return parts;
}

/// Python's arguments of `DistributedSampler`.
struct DistributedSamplerOptions {
  std::int64_t num_replicas;
  std::int64_t rank;  ///< 0 <= rank < num_replicas
  bool shuffle = true;
  std::int64_t seed = 0;  ///< the same on all ranks
  bool drop_last =
      false;  ///< leaves the tail out, so that all ranks get as many; else repeats some
  std::int64_t epoch = 0;  ///< what Python's `set_epoch` sets
};

/// Returns the indices of the examples, out of n, that Python's `DistributedSampler` gives to this
/// rank in this epoch: an int64 vector, to be a DataLoader's `sampler`. Draws from no generator of
/// the caller's.
///
/// Throws c10::Error for n < 1 or a rank out of range.
at::Tensor distributed_sampler_order(std::int64_t n, const DistributedSamplerOptions& options);

}  // namespace linreg::pytorch
