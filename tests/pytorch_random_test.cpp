#include <gtest/gtest.h>

#include <linreg/pytorch/random.hpp>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

std::vector<int> shuffled(std::int64_t seed, int size) {
  std::vector<int> x(static_cast<std::size_t>(size));
  std::iota(x.begin(), x.end(), 0);
  Random random(seed);
  random.shuffle(std::span(x));
  return x;
}

TEST(Random, ShufflesAsPythonDoes) {
  EXPECT_EQ(shuffled(42, 10), (std::vector{7, 3, 2, 8, 5, 6, 9, 4, 0, 1}));
}

TEST(Random, TakesTheAbsoluteValueOfTheSeed) {
  EXPECT_EQ(shuffled(-42, 10), shuffled(42, 10));
  Random lowest(std::numeric_limits<std::int64_t>::min());
  Random magnitude(std::uint64_t{1} << 63);
  EXPECT_EQ(lowest.getrandbits(64), magnitude.getrandbits(64));
}

TEST(Random, SeedRestartsTheSequence) {
  Random random(7);
  const std::uint64_t first = random.getrandbits(32);
  random.getrandbits(32);
  random.seed(7);
  EXPECT_EQ(random.getrandbits(32), first);
}

TEST(Random, DrawsNothingToShuffleOneOrNoElement) {
  Random random(3);
  Random untouched(3);
  std::vector<int> none;
  std::vector<int> one{5};
  random.shuffle(std::span(none));
  random.shuffle(std::span(one));
  EXPECT_EQ(one, std::vector{5});
  EXPECT_EQ(random.getrandbits(32), untouched.getrandbits(32));
}

TEST(Random, RefusesToDraw0BitsOrMoreThan64) {
  Random random(0);
  EXPECT_THROW(random.getrandbits(0), std::invalid_argument);
  EXPECT_THROW(random.getrandbits(65), std::invalid_argument);
}

TEST(Random, RefusesToDrawANumberBelow0) {
  EXPECT_THROW(Random(0).randbelow(0), std::invalid_argument);
}

/// The script prints, for every seed, what the calls below return in Python.
TEST(Random, AgreesWithLivePython) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto cases = nlohmann::json::parse(test::run_python(test::script("random_numbers.py")));
  ASSERT_GE(cases.size(), 10U);
  for (const auto& expected : cases) {
    const auto& seed = expected["seed"];
    SCOPED_TRACE(seed.dump());
    Random random = seed.is_number_unsigned() ? Random(seed.get<std::uint64_t>())
                                              : Random(seed.get<std::int64_t>());
    for (int k = 1; k <= 64; ++k) {
      ASSERT_EQ(random.getrandbits(k), expected["bits"][static_cast<std::size_t>(k - 1)]) << k;
    }
    for (const auto& [n, r] : expected["below"].get<std::vector<std::array<std::uint64_t, 2>>>()) {
      ASSERT_EQ(random.randbelow(n), r) << n;
    }
    std::vector<int> x(1000);
    std::iota(x.begin(), x.end(), 0);
    random.shuffle(std::span(x));
    EXPECT_EQ(x, expected["shuffled"].get<std::vector<int>>());
  }
}

}  // namespace
}  // namespace linreg::pytorch
