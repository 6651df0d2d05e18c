#include <gtest/gtest.h>
#include <torch/types.h>

#include <linreg/pytorch/data_loader.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

std::vector<std::int64_t> to_vector(const torch::Tensor& order) {
  return {order.data_ptr<std::int64_t>(), order.data_ptr<std::int64_t>() + order.numel()};
}

using Order = std::vector<std::int64_t>;

TEST(SkipDataLoaderBaseSeed, DrawsOneNumberBeforeThePermutation) {
  torch::manual_seed(0);
  EXPECT_EQ(to_vector(torch::randperm(10)), (Order{4, 1, 7, 5, 3, 9, 0, 8, 6, 2}));
  torch::manual_seed(0);
  skip_data_loader_base_seed();
  EXPECT_EQ(to_vector(torch::randperm(10)), (Order{3, 7, 5, 2, 0, 8, 1, 6, 9, 4}));
}

TEST(DataLoaderOrder, GivesTheRecordedOrdersOfTwoEpochs) {
  torch::manual_seed(0);
  EXPECT_EQ(to_vector(data_loader_order(10)), (Order{6, 7, 1, 4, 2, 0, 9, 8, 3, 5}));
  EXPECT_EQ(to_vector(data_loader_order(10)), (Order{2, 4, 7, 0, 8, 9, 5, 3, 6, 1}));
}

TEST(DataLoaderOrder, IsTheSameInInt32) {
  torch::manual_seed(3);
  const torch::Tensor order = data_loader_order(100'000, torch::kInt);
  EXPECT_EQ(order.scalar_type(), torch::kInt);
  torch::manual_seed(3);
  EXPECT_TRUE(order.to(torch::kLong).equal(data_loader_order(100'000)));
}

TEST(DataLoaderOrder, RefusesZeroExamples) { EXPECT_THROW(data_loader_order(0), c10::Error); }

/// The script prints, for every seed and size, the orders of three epochs and the next number of
/// the global generator.
TEST(DataLoaderOrder, AgreesWithLivePytorch) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto cases = nlohmann::json::parse(test::run_python(test::script("data_loader_orders.py")));
  ASSERT_GE(cases.size(), 10U);
  for (const auto& expected : cases) {
    SCOPED_TRACE(testing::Message() << "seed " << expected["seed"] << ", n " << expected["n"]);
    torch::manual_seed(expected["seed"].get<std::uint64_t>());
    for (const auto& order : expected["orders"]) {
      EXPECT_EQ(to_vector(data_loader_order(expected["n"])), order.get<Order>());
    }
    EXPECT_EQ(torch::randint(1 << 30, {1}).item<std::int64_t>(), expected["next"]);
  }
}

}  // namespace
}  // namespace linreg::pytorch
