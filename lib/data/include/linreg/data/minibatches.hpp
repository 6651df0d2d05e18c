#pragma once

#include <cstdint>
#include <iterator>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::data {

/// A few of the examples, as `for (const auto& [X, y] : ...)` names them.
struct Minibatch {
  torch::Tensor X;  ///< features, float32, shape (k, d)
  torch::Tensor y;  ///< labels, float32, shape (k, 1)
};

/// One pass over the examples in a given order, a minibatch at a time: `features[order[i:i+k]]` and
/// `labels[order[i:i+k]]` for k = batch_size, the last minibatch being what is left.
///
/// Departure: the article indexes once per minibatch. Here the examples of several minibatches are
/// gathered at once, about 1 MiB at a time, and each minibatch is a view of those: the same values,
/// without two kernel launches a step. A minibatch stays valid for as long as it is held.
class Minibatches {
 public:
  /// `order` is a vector of int32 or int64 indices into the examples.
  /// Throws c10::Error for unusable examples, order or batch size.
  Minibatches(Examples examples, torch::Tensor order, std::int64_t batch_size);

  class Iterator {
   public:
    using value_type = Minibatch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(const Minibatches* minibatches);

    Minibatch operator*() const;
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return first_ >= minibatches_->size_; }

   private:
    void gather();

    const Minibatches* minibatches_;
    std::int64_t first_ = 0;          ///< this minibatch's first place in the order
    std::int64_t gathered_from_ = 0;  ///< the gathered examples' first place in the order
    Examples gathered_;
  };

  Iterator begin() const { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  Examples examples_;
  torch::Tensor order_;
  std::int64_t size_;
  std::int64_t batch_size_;
  std::int64_t gathered_size_;  ///< examples gathered at once, a multiple of batch_size_
};

}  // namespace linreg::data
