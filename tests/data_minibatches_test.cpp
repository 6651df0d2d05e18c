#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <linreg/data/minibatches.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <vector>

namespace linreg::data {
namespace {

Examples numbered(std::int64_t n, std::int64_t d) {
  return {torch::arange(n * d, torch::kFloat).reshape({n, d}),
          torch::arange(n, torch::kFloat).reshape({n, 1})};
}

/// Expects what the article's data_iter yields: features[batch_indices], labels[batch_indices].
void expect_as_indexed(const Examples& examples, const torch::Tensor& order,
                       std::int64_t batch_size) {
  const std::int64_t n = order.size(0);
  std::int64_t first = 0;
  std::vector<Minibatch> kept;
  for (const auto& [X, y] : Minibatches(examples, order, batch_size)) {
    const torch::Tensor batch_indices = order.slice(0, first, std::min(first + batch_size, n));
    ASSERT_TRUE(X.equal(examples.features.index({batch_indices.to(torch::kLong)})));
    ASSERT_TRUE(y.equal(examples.labels.index({batch_indices.to(torch::kLong)})));
    // As Python's, which are tensors of their own: BLAS may round otherwise elsewhere.
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(X.data_ptr()) % 64, 0U);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(y.data_ptr()) % 64, 0U);
    kept.push_back({X, y});
    first += batch_size;
  }
  EXPECT_GE(first, n);
  EXPECT_LT(first, n + batch_size);
  // A kept minibatch is not overwritten by later ones.
  const torch::Tensor first_indices = order.slice(0, 0, batch_size).to(torch::kLong);
  EXPECT_TRUE(kept.front().X.equal(examples.features.index({first_indices})));
}

TEST(Minibatches, AreTheExamplesIndexedByTheOrder) {
  for (const std::int64_t n : {1, 5, 97}) {
    for (const std::int64_t batch_size : {1, 7, 10, 97, 1000}) {
      SCOPED_TRACE(testing::Message() << "n " << n << ", batch size " << batch_size);
      expect_as_indexed(numbered(n, 2), torch::randperm(n), batch_size);
      expect_as_indexed(numbered(n, 2), torch::randperm(n, torch::kInt), batch_size);
    }
  }
}

TEST(Minibatches, AreTheSameWhenGatheredInManyParts) {
  expect_as_indexed(numbered(300'000, 3), torch::randperm(300'000), 70'000);
  expect_as_indexed(numbered(300'000, 3), torch::randperm(300'000), 999);
}

TEST(Minibatches, RefuseAnOrderThatIsNotAnIntegerVector) {
  const Examples examples = numbered(5, 2);
  EXPECT_THROW(Minibatches(examples, torch::zeros({5}), 2), c10::Error);
  EXPECT_THROW(Minibatches(examples, torch::zeros({5, 1}, torch::kLong), 2), c10::Error);
  EXPECT_THROW(Minibatches(examples, torch::Tensor(), 2), c10::Error);
}

TEST(Minibatches, RefuseABatchSizeBelowOne) {
  EXPECT_THROW(Minibatches(numbered(5, 2), torch::arange(5), 0), c10::Error);
}

TEST(Minibatches, RefuseLabelsThatWouldBroadcast) {
  EXPECT_THROW(Minibatches({torch::zeros({5, 2}), torch::zeros({5})}, torch::arange(5), 2),
               c10::Error);
}

}  // namespace
}  // namespace linreg::data
