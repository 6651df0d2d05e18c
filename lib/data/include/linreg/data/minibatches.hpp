#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/detail/ordered_rows.hpp>

namespace linreg::data {

/// A few of the examples, named as in `for (const auto& [X, y] : ...)`.
struct Minibatch {
  torch::Tensor X;  ///< features, float32, shape (k, d)
  torch::Tensor y;  ///< labels, float32, shape (k, 1)
};

/// One pass over the examples in a given order, a minibatch at a time: `features[order[i:i+k]]` and
/// `labels[order[i:i+k]]` for k = batch_size. The last minibatch is what is left. A minibatch stays
/// valid for as long as it is held.
class Minibatches {
 public:
  /// Throws c10::Error for unusable examples, order or batch size.
  Minibatches(Examples examples, torch::Tensor order, std::int64_t batch_size);

  class Iterator {
   public:
    using value_type = Minibatch;
    using difference_type = std::ptrdiff_t;

    Minibatch operator*() const;
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return first_ >= rows_.size(); }

   private:
    friend class Minibatches;
    Iterator(pytorch::detail::OrderedRows rows, std::int64_t batch_size);

    mutable pytorch::detail::OrderedRows rows_;  ///< gathers when it is read
    std::int64_t batch_size_;
    std::int64_t first_ = 0;  ///< position in the order of this minibatch's first example
  };

  Iterator begin() const { return {rows_, batch_size_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  pytorch::detail::OrderedRows rows_;
  std::int64_t batch_size_;
};

static_assert(std::input_iterator<Minibatches::Iterator>);

}  // namespace linreg::data
