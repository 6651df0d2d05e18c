#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "system/usage_error.hpp"
#include "training/memory.hpp"

namespace linreg::app {
namespace {

std::string refusal(const report::Settings& settings, double available) {
  try {
    check_memory(settings, available);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckMemory, AcceptsTheArticlesSettingsInAMegabyte) { EXPECT_EQ(refusal({}, 1e6), ""); }

TEST(CheckMemory, RefusesTooManyExamplesAndNamesBothAmountsOfMemory) {
  EXPECT_EQ(refusal({.examples = 1'000'000'000}, 8e9),
            "--examples is '1000000000', but must be fewer, or --batch-size or --true-w smaller: "
            "training takes about 28 GB of memory, and 8 GB is available");
  EXPECT_EQ(refusal({.examples = 250'000'000}, 8e9), "");
}

TEST(CheckMemory, CountsTheFeaturesAndTheMinibatch) {
  EXPECT_EQ(refusal({.examples = 1'000'000}, 4e8), "");
  EXPECT_NE(refusal({.examples = 1'000'000, .true_w = std::vector<double>(100, 1)}, 4e8), "");
  EXPECT_EQ(refusal({.examples = 10'000'000}, 4e8), "");
  EXPECT_NE(refusal({.examples = 10'000'000, .batch_size = 10'000'000}, 4e8), "");
}

TEST(CheckMemory, CountsWithoutOverflow) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t batch_size : {std::int64_t{1}, most}) {
    EXPECT_NE(refusal({.examples = most, .batch_size = batch_size}, 1e10), "");
  }
  EXPECT_EQ(refusal({.batch_size = most}, 1e6), "") << "a minibatch holds at most all examples";
}

TEST(AvailableMemory, IsKnownHere) {
  EXPECT_GT(available_memory(), 1e6);
  EXPECT_LT(available_memory(), 1e15);
}

}  // namespace
}  // namespace linreg::app
