#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linreg/data/synthetic_data.hpp>

namespace linreg::data {

/// A few of the examples, named as in `for (const auto& [X, y] : ...)`.
struct Minibatch {
  torch::Tensor X;  ///< features, float32, shape (k, d)
  torch::Tensor y;  ///< labels, float32, shape (k, 1)
};

/// The examples in a given order.
///
/// Departure: the article indexes once per minibatch. Here the examples of several minibatches are
/// gathered at once, about 1 MiB at a time, and each minibatch is a view of those: the same values,
/// without two kernel launches a step. Autograd does not track the views: nothing writes to them,
/// and no gradient flows back to the examples. A minibatch stays valid for as long as it is held.
class OrderedExamples {
 public:
  /// `order` is a vector of int32 or int64 indices into the examples.
  /// Throws c10::Error for unusable examples or order.
  OrderedExamples(Examples examples, torch::Tensor order);

  /// `features[order[first:last]]` and `labels[order[first:last]]`, for
  /// 0 <= first < last <= size(). Fast where each call continues from the one before.
  Minibatch minibatch(std::int64_t first, std::int64_t last);

  const torch::Tensor& order() const { return order_; }
  std::int64_t size() const { return order_.size(0); }

 private:
  void gather(std::int64_t first, std::int64_t batch_size);

  Examples examples_;
  torch::Tensor order_;
  Examples gathered_;  ///< the examples order_[gathered_first_:gathered_last_]
  std::int64_t gathered_first_ = 0;
  std::int64_t gathered_last_ = 0;
};

/// One pass over the examples in a given order, a minibatch at a time: `features[order[i:i+k]]` and
/// `labels[order[i:i+k]]` for k = batch_size. The last minibatch is what is left.
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
    bool operator==(std::default_sentinel_t) const { return first_ >= examples_.size(); }

   private:
    friend class Minibatches;
    Iterator(OrderedExamples examples, std::int64_t batch_size);

    mutable OrderedExamples examples_;  ///< gathers when it is read
    std::int64_t batch_size_;
    std::int64_t first_ = 0;  ///< position in the order of this minibatch's first example
  };

  Iterator begin() const { return {examples_, batch_size_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  OrderedExamples examples_;
  std::int64_t batch_size_;
};

static_assert(std::input_iterator<Minibatches::Iterator>);

}  // namespace linreg::data
