#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linreg/pytorch/data_loader.hpp>
#include <linreg/pytorch/detail/index_dtype.hpp>
#include <linreg/pytorch/detail/ordered_rows.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

static_assert(std::input_iterator<DataLoader<2>::Iterator>);

using Indices = std::vector<std::int64_t>;

Indices to_vector(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.to(torch::kLong).reshape(-1).contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

at::Generator seeded(std::uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

std::int64_t draw(c10::optional<at::Generator> generator = c10::nullopt) {
  return torch::randint(1 << 30, {1}, generator).item<std::int64_t>();
}

/// The examples 0 to n - 1, twice.
TensorDataset<2> numbered(std::int64_t n) {
  const torch::Tensor X = torch::arange(n, torch::kFloat).reshape({n, 1});
  return TensorDataset(X, X);
}

template <std::size_t N>
std::vector<Indices> visited(const DataLoader<N>& loader) {
  std::vector<Indices> minibatches;
  for (const std::array<torch::Tensor, N>& minibatch : loader) {
    minibatches.push_back(to_vector(minibatch[0]));
  }
  return minibatches;
}

TEST(TensorDataset, HoldsAnyNumberOfTensorsAndTakesASubset) {
  const torch::Tensor rows = torch::arange(5);
  EXPECT_EQ(TensorDataset(rows).size(), 5);
  const TensorDataset dataset(rows, rows.reshape({5, 1}), rows.to(torch::kByte));
  const auto [a, b, c] = dataset.subset(torch::tensor({4, 0, 4})).tensors();
  EXPECT_EQ(to_vector(a), (Indices{4, 0, 4}));
  EXPECT_EQ(b.sizes(), torch::IntArrayRef({3, 1}));
  EXPECT_EQ(c.scalar_type(), torch::kByte);
}

TEST(DataLoader, DrawsANewOrderInEachPass) {
  const DataLoader loader(numbered(10), {.batch_size = 10, .shuffle = true});
  torch::manual_seed(0);
  EXPECT_EQ(visited(loader), (std::vector<Indices>{{6, 7, 1, 4, 2, 0, 9, 8, 3, 5}}));
  EXPECT_EQ(visited(loader), (std::vector<Indices>{{2, 4, 7, 0, 8, 9, 5, 3, 6, 1}}));
}

TEST(DataLoader, RunsALoopWithinALoop) {
  const DataLoader loader(numbered(8), {.batch_size = 2, .shuffle = true});
  int outer = 0;
  int inner = 0;
  for (const auto& [X, y] : loader) {
    ++outer;
    for (const auto& [X_inner, y_inner] : loader) {
      ++inner;
      EXPECT_TRUE(X_inner.equal(y_inner));
    }
  }
  EXPECT_EQ(outer, 4);
  EXPECT_EQ(inner, 16);
}

TEST(DataLoader, DrawsTheSamplersSeedWithTheFirstMinibatch) {
  torch::manual_seed(0);
  const DataLoader loader(numbered(8), {.batch_size = 4, .shuffle = true});
  const auto it = loader.begin();
  const torch::Tensor w = torch::normal(0, 0.01, {2, 1});
  EXPECT_NEAR(w[0].item<float>(), -0.0029, 5e-5) << "as Python prints it, in four digits";
  EXPECT_NEAR(w[1].item<float>(), -0.0107, 5e-5);
  EXPECT_EQ(to_vector((*it)[0]), (Indices{0, 3, 7, 1}));
}

TEST(DataLoader, LeavesOutAShortMinibatchOnRequest) {
  EXPECT_EQ(visited(DataLoader(numbered(5), {.batch_size = 2})),
            (std::vector<Indices>{{0, 1}, {2, 3}, {4}}));
  const DataLoader loader(numbered(5), {.batch_size = 2, .drop_last = true});
  EXPECT_EQ(visited(loader), (std::vector<Indices>{{0, 1}, {2, 3}}));
  EXPECT_EQ(loader.size(), 2);
  EXPECT_TRUE(visited(DataLoader(numbered(5), {.batch_size = 6, .drop_last = true})).empty());
  EXPECT_TRUE(visited(DataLoader(numbered(0))).empty());
}

TEST(DataLoader, DrawsFromAGivenGeneratorAlone) {
  torch::manual_seed(1);
  const std::int64_t untouched = draw();
  torch::manual_seed(1);
  const DataLoader loader(numbered(97), {.shuffle = true, .generator = seeded(3)});
  const auto first = visited(loader);
  EXPECT_NE(first, visited(loader));
  EXPECT_EQ(first, visited(DataLoader(numbered(97), {.shuffle = true, .generator = seeded(3)})));
  EXPECT_EQ(draw(), untouched);
}

TEST(DataLoader, PassesGradientsToTensorsThatRequireThem) {
  const torch::Tensor X = torch::ones({5, 1}).requires_grad_();
  for (const auto& [rows] : DataLoader(TensorDataset(X), {.batch_size = 2})) {
    (rows * 3).sum().backward();
  }
  EXPECT_TRUE(X.grad().equal(torch::full({5, 1}, 3.0)));
}

TEST(DataLoader, RefusesAnIndexOutOfRange) {
  const DataLoader loader(numbered(5), {.sampler = torch::tensor({0, 5})});
  EXPECT_THROW(visited(loader), c10::Error);
}

TEST(DataLoaderOrder, GivesTheRecordedOrdersOfTwoEpochs) {
  torch::manual_seed(0);
  EXPECT_EQ(to_vector(data_loader_order(10)), (Indices{6, 7, 1, 4, 2, 0, 9, 8, 3, 5}));
  EXPECT_EQ(to_vector(data_loader_order(10)), (Indices{2, 4, 7, 0, 8, 9, 5, 3, 6, 1}));
}

TEST(RandomSplit, GivesPartsOfADataset) {
  const auto parts = random_split(numbered(10), {0.8, 0.2}, seeded(0));
  ASSERT_EQ(parts.size(), 2U);
  const torch::Tensor order = torch::randperm(10, seeded(0));
  EXPECT_EQ(to_vector(parts[0].tensors()[1]), to_vector(order.slice(0, 0, 8)));
  EXPECT_EQ(to_vector(parts[1].tensors()[0]), to_vector(order.slice(0, 8)));
}

TEST(IndexDtype, IsTheNarrowestThatHoldsTheIndices) {
  EXPECT_EQ(detail::index_dtype(1), torch::kInt);
  EXPECT_EQ(detail::index_dtype((1LL << 31) - 1), torch::kInt);
  EXPECT_EQ(detail::index_dtype(1LL << 31), torch::kLong);
}

TEST(Randperm, DrawsTheSameOrderInInt32) {
  EXPECT_EQ(to_vector(torch::randperm(100'000, seeded(3), torch::kInt)),
            to_vector(torch::randperm(100'000, seeded(3), torch::kLong)));
}

TEST(OrderedRows, AreTheRowsIndexedByTheOrderForAnySequenceOfRanges) {
  const torch::Tensor X = torch::arange(900'000, torch::kFloat).reshape({300'000, 3});
  const torch::Tensor y = torch::arange(300'000);
  const torch::Tensor order = torch::randperm(300'000, torch::kInt);
  detail::OrderedRows ordered({X, y}, order);
  EXPECT_EQ(ordered.size(), 300'000);
  for (const auto& [first, last] : {std::pair(0, 10),
                                    {10, 20},
                                    {5, 15},
                                    {52'420, 52'430},
                                    {3, 13},
                                    {200'000, 200'010},
                                    {199'999, 200'009},
                                    {0, 300'000},
                                    {299'999, 300'000},
                                    {1, 2}}) {
    std::array<torch::Tensor, 2> rows;
    ordered.read(first, last, rows);
    EXPECT_TRUE(rows[0].equal(X.index_select(0, order.slice(0, first, last))));
    EXPECT_TRUE(rows[1].equal(y.index_select(0, order.slice(0, first, last))));
  }
}

DataLoader<3> make_loader(const nlohmann::json& description,
                          const std::vector<at::Generator>& generators) {
  const std::int64_t n = description["n"];
  const torch::Tensor rows = torch::arange(n);
  DataLoaderOptions options{.batch_size = description["batch_size"],
                            .shuffle = description["shuffle"],
                            .drop_last = description["drop_last"]};
  const nlohmann::json& sampler = description["sampler"];
  if (!sampler.is_null()) options.sampler = torch::tensor(sampler.get<Indices>());
  const nlohmann::json& generator = description["generator"];
  if (!generator.is_null()) options.generator = generators.at(generator.get<std::size_t>());
  return DataLoader(TensorDataset(rows.to(torch::kFloat).reshape({n, 1}), rows,
                                  rows.to(torch::kByte).reshape({n, 1, 1}).expand({n, 2, 3})),
                    options);
}

/// Runs one of the script's programs, and expects in each step what Python got.
void run_program(const nlohmann::json& program) {
  torch::manual_seed(program["seed"].get<std::uint64_t>());
  std::vector<at::Generator> generators{seeded(program["seed"].get<std::uint64_t>() + 1),
                                        seeded(1ULL << 40)};
  std::vector<DataLoader<3>> loaders;
  for (const auto& loader : program["loaders"]) loaders.push_back(make_loader(loader, generators));
  std::vector<DataLoader<3>::Iterator> iterators;
  for (const auto& step : program["steps"]) {
    SCOPED_TRACE(step.dump());
    const std::string_view what = step["do"].get_ref<const std::string&>();
    if (what == "iter") {
      const DataLoader<3>& loader = loaders.at(step["loader"].get<std::size_t>());
      iterators.push_back(loader.begin());
      EXPECT_EQ(loader.size(), step["len"]);
    } else if (what == "next") {
      auto& iterator = iterators.at(step["iterator"].get<std::size_t>());
      ASSERT_EQ(iterator == std::default_sentinel, step["rows"].is_null());
      if (step["rows"].is_null()) continue;
      const auto [X, y, z] = *iterator;
      ++iterator;
      EXPECT_EQ(to_vector(X), step["rows"].get<Indices>());
      EXPECT_EQ(to_vector(y), step["rows"].get<Indices>());
      EXPECT_EQ((std::vector{X.sizes().vec(), y.sizes().vec(), z.sizes().vec()}),
                step["shapes"].get<std::vector<Indices>>());
    } else if (what == "draw") {
      EXPECT_EQ(draw(), step["value"]);
    } else if (what == "split") {
      const nlohmann::json& generator = step["generator"];
      const auto parts = random_split(
          step["n"], step["lengths"].get<std::vector<double>>(),
          generator.is_null() ? at::Generator() : generators.at(generator.get<std::size_t>()));
      std::vector<Indices> indices;
      for (const torch::Tensor& part : parts) indices.push_back(to_vector(part));
      EXPECT_EQ(indices, step["parts"].get<std::vector<Indices>>());
    } else {
      const torch::Tensor indices =
          distributed_sampler_order(step["n"], {.num_replicas = step["num_replicas"],
                                                .rank = step["rank"],
                                                .shuffle = step["shuffle"],
                                                .seed = step["seed"],
                                                .drop_last = step["drop_last"],
                                                .epoch = step["epoch"]});
      EXPECT_EQ(to_vector(indices), step["indices"].get<Indices>());
    }
  }
  EXPECT_EQ((Indices{draw(), draw(generators[0]), draw(generators[1])}),
            program["left"].get<Indices>());
}

TEST(DataLoader, RunsAThousandRandomProgramsAsLivePytorch) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto programs =
      nlohmann::json::parse(test::run_python(test::script("data_loader_programs.py")));
  ASSERT_EQ(programs.size(), 1000U);
  for (const auto& program : programs) {
    SCOPED_TRACE(testing::Message() << "program " << program["seed"]);
    run_program(program);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace linreg::pytorch
