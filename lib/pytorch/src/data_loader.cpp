#include "linreg/pytorch/data_loader.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/util/Optional.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <linreg/pytorch/detail/index_dtype.hpp>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace linreg::pytorch {
namespace {

c10::optional<at::Generator> unless_undefined(const at::Generator& generator) {
  return generator.defined() ? c10::optional<at::Generator>(generator) : c10::nullopt;
}

/// Python's `torch.empty((), dtype=torch.int64).random_(generator=generator).item()`.
std::int64_t draw_int64(const at::Generator& generator = {}) {
  return at::empty({}, at::kLong).random_(unless_undefined(generator)).item<std::int64_t>();
}

at::Generator new_generator(std::int64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(static_cast<std::uint64_t>(seed));
}

/// The order of Python's RandomSampler.
at::Tensor random_order(std::int64_t n, const at::Generator& generator, at::ScalarType dtype) {
  return at::randperm(n, generator.defined() ? generator : new_generator(draw_int64()), dtype);
}

}  // namespace

namespace detail {

void check_rows(const std::vector<at::Tensor>& tensors) {
  for (const at::Tensor& tensor : tensors) {
    TORCH_CHECK(tensor.defined() && tensor.dim() >= 1 && tensor.size(0) == tensors[0].size(0),
                "linreg::pytorch::TensorDataset: tensors must have rows, all as many as the first, "
                "but here is ",
                tensor.toString(), tensor.defined() ? tensor.sizes() : at::IntArrayRef{},
                " beside ", tensors[0].toString(),
                tensors[0].defined() ? tensors[0].sizes() : at::IntArrayRef{});
  }
}

void check_options(const DataLoaderOptions& options, std::int64_t n) {
  TORCH_CHECK(options.batch_size >= 1, "linreg::pytorch::DataLoader: batch_size is ",
              options.batch_size, ", but must be positive");
  TORCH_CHECK(!options.shuffle || n >= 1,
              "linreg::pytorch::DataLoader: shuffle needs an example at least, but there is none");
  TORCH_CHECK(!options.shuffle || !options.sampler.defined(),
              "linreg::pytorch::DataLoader: sampler and shuffle exclude each other");
  if (options.sampler.defined()) check_order("linreg::pytorch::DataLoader", options.sampler);
}

std::int64_t num_minibatches(const DataLoaderOptions& options, std::int64_t n) {
  if (options.sampler.defined()) n = options.sampler.size(0);
  return n / options.batch_size + (!options.drop_last && n % options.batch_size > 0);
}

DataLoaderPass::DataLoaderPass(std::vector<at::Tensor> tensors, DataLoaderOptions options)
    : tensors_(std::move(tensors)),
      options_(std::move(options)),
      num_examples_((options_.sampler.defined() ? options_.sampler : tensors_[0]).size(0)) {
  draw_int64(options_.generator);
}

void DataLoaderPass::read(std::span<at::Tensor> minibatch) {
  if (!rows_) draw_order();
  const std::int64_t last = std::min(num_examples_, first_ + options_.batch_size);
  rows_->read(first_, last, minibatch);
  if (last - first_ < options_.batch_size) draw_rest();
}

bool DataLoaderPass::ends() {
  const std::int64_t left = num_examples_ - first_;
  if (left >= options_.batch_size || (left > 0 && !options_.drop_last)) return false;
  if (!rows_) draw_order();
  draw_rest();
  return true;
}

void DataLoaderPass::draw_order() {
  const at::ScalarType dtype = index_dtype(num_examples_);
  rows_.emplace(tensors_, options_.sampler.defined() ? options_.sampler
                          : options_.shuffle
                              ? random_order(num_examples_, options_.generator, dtype)
                              : at::arange(num_examples_, dtype));
}

/// Python's RandomSampler draws a second permutation when it is asked for more examples than there
/// are, and uses nothing of it. Only a generator that the caller holds shows that.
void DataLoaderPass::draw_rest() {
  if (!drawn_ && options_.shuffle && options_.generator.defined()) {
    random_order(num_examples_, options_.generator, index_dtype(num_examples_));
  }
  drawn_ = true;
}

}  // namespace detail

at::Tensor data_loader_order(std::int64_t n) {
  TORCH_CHECK(n >= 1, "linreg::pytorch::data_loader_order: n is ", n, ", but must be positive");
  draw_int64();
  return random_order(n, {}, at::kLong);
}

namespace {

/// Lengths in examples, for lengths that may be fractions.
std::vector<std::int64_t> whole_lengths(std::int64_t n, const std::vector<double>& lengths) {
  const double sum = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  std::vector<std::int64_t> whole;
  if (std::abs(sum - 1) <= 1e-9 && sum <= 1) {  // Python's math.isclose(sum, 1)
    for (const double fraction : lengths) {
      TORCH_CHECK(fraction >= 0 && fraction <= 1, "linreg::pytorch::random_split: ", fraction,
                  " is no fraction: it must lie between 0 and 1");
      whole.push_back(static_cast<std::int64_t>(std::floor(static_cast<double>(n) * fraction)));
    }
    std::int64_t left = n - std::accumulate(whole.begin(), whole.end(), std::int64_t{0});
    for (std::size_t i = 0; left > 0; --left, ++i) ++whole[i % whole.size()];
    return whole;
  }
  TORCH_CHECK(sum == static_cast<double>(n),
              "linreg::pytorch::random_split: the lengths add up to ", sum,
              ", but must add up to the number of examples, ", n, ", or to 1");
  for (const double length : lengths) {
    TORCH_CHECK(length >= 0 && length == std::floor(length),
                "linreg::pytorch::random_split: ", length,
                " is no length: it must be a whole number of examples");
    whole.push_back(static_cast<std::int64_t>(length));
  }
  return whole;
}

}  // namespace

std::vector<at::Tensor> random_split(std::int64_t n, const std::vector<double>& lengths,
                                     at::Generator generator) {
  const std::vector<std::int64_t> whole = whole_lengths(n, lengths);
  return at::randperm(n, unless_undefined(generator), at::kLong).split_with_sizes(whole);
}

at::Tensor distributed_sampler_order(std::int64_t n, const DistributedSamplerOptions& options) {
  const auto& [num_replicas, rank, shuffle, seed, drop_last, epoch] = options;
  TORCH_CHECK(n >= 1, "linreg::pytorch::distributed_sampler_order: n is ", n,
              ", but must be positive");
  TORCH_CHECK(0 <= rank && rank < num_replicas,
              "linreg::pytorch::distributed_sampler_order: rank is ", rank,
              ", but must be at least 0 and below num_replicas, ", num_replicas);
  const at::Tensor order =
      shuffle ? random_order(n, new_generator(seed + epoch), at::kLong) : at::arange(n, at::kLong);
  const std::int64_t num_samples = (drop_last ? n : n + num_replicas - 1) / num_replicas;
  // What is beyond n repeats the order from its beginning.
  return order.index_select(0, (at::arange(num_samples) * num_replicas + rank).remainder(n));
}

}  // namespace linreg::pytorch
