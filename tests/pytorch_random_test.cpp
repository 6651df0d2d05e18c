#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <linreg/pytorch/random.hpp>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
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

using nlohmann::json;

/// As json writes Python's state.
json to_json(const Random::State& state) {
  return {3, state.numbers, state.gauss_next ? json(*state.gauss_next) : json()};
}

Random::State state_from(const json& state) {
  Random::State result;
  result.numbers = state[1].get<std::array<std::uint32_t, 625>>();
  if (!state[2].is_null()) result.gauss_next = state[2].get<double>();
  return result;
}

/// What the script's draws() returns.
json draws(Random& random, const json& expected) {
  json drawn;
  std::vector<int> population(1000);
  std::iota(population.begin(), population.end(), 0);
  const std::span all(population);
  for (int k = 1; k <= 64; ++k) drawn["bits"].push_back(random.getrandbits(k));
  for (const auto& [n, r] : expected["below"].get<std::vector<std::array<std::uint64_t, 2>>>()) {
    drawn["below"].push_back({n, random.randbelow(n)});
  }
  for (int i = 0; i < 50; ++i) drawn["random"].push_back(random.random());
  for (int i = 0; i < 7; ++i) drawn["gauss"].push_back(random.gauss(1.5, 0.3));
  for (int i = 0; i < 20; ++i) drawn["uniform"].push_back(random.uniform(-3.3, 1e-3));
  for (const json& r : expected["randrange"]) {
    drawn["randrange"].push_back({r[0], r[1], r[2], random.randrange(r[0], r[1], r[2])});
  }
  for (const json& r : expected["randint"]) {
    drawn["randint"].push_back({r[0], r[1], random.randint(r[0], r[1])});
  }
  for (int i = 0; i < 10; ++i) drawn["choice"].push_back(random.choice(all));
  for (const json& r : expected["sample"]) {
    drawn["sample"].push_back({r[0], r[1], random.sample(all.first(r[0]), r[1])});
  }
  for (int i = 0; i < 20; ++i) drawn["normalvariate"].push_back(random.normalvariate(-2, 1e3));
  drawn["state"] = to_json(random.getstate());
  for (int i = 0; i < 4; ++i) drawn["gauss_again"].push_back(random.gauss());
  random.shuffle(all);
  drawn["shuffled"] = population;
  return drawn;
}

/// The generator is in Python's state, and it and another that takes Python's draw what Python did.
void expect_draws(const Random& random, const json& expected) {
  EXPECT_EQ(to_json(random.getstate()), expected["first_state"]);
  Random set(0);
  set.setstate(state_from(expected["first_state"]));
  for (Random generator : {random, set}) {
    const json drawn = draws(generator, expected);
    ASSERT_EQ(drawn.size(), 13U);
    for (const auto& [name, values] : drawn.items()) EXPECT_EQ(values, expected[name]) << name;
  }
}

Random seeded(const json& expected) {
  if (expected.contains("str")) return Random(expected["str"].get<std::string>());
  if (expected.contains("float")) {
    return Random(std::strtod(expected["float"].get<std::string>().c_str(), nullptr));
  }
  const json& seed = expected["int"];
  return seed.is_number_unsigned() ? Random(seed.get<std::uint64_t>())
                                   : Random(seed.get<std::int64_t>());
}

TEST(Random, DrawsWhatLivePythonDraws) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto cases = json::parse(test::run_python(test::script("random_numbers.py")));
  ASSERT_GE(cases.size(), 30U);
  for (const json& expected : cases) {
    SCOPED_TRACE(fmt::format("{:.60}", expected.dump()));
    expect_draws(seeded(expected), expected);
  }
}

TEST(Random, TakesTextsOfEveryLength) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto texts = json::parse(test::run_python(test::script("text_seeds.py")));
  ASSERT_EQ(texts.size(), 301U);
  for (const auto& [text, drawn] :
       texts.get<std::vector<std::pair<std::string, std::uint64_t>>>()) {
    EXPECT_EQ(Random(text).getrandbits(64), drawn) << text.size();
  }
}

TEST(Random, IsGoneOnWithByPython) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  std::vector<Random> generators;
  json states;
  for (const int count : {0, 1, 2, 623, 624, 625, 5000}) {
    for (const bool keeps_gauss : {false, true}) {
      Random random("seed");
      if (keeps_gauss) random.gauss();
      for (int i = 0; i < count; ++i) random.getrandbits(32);
      generators.push_back(random);
    }
  }
  // No draw leads to the position 0, but Python takes it.
  Random::State none_drawn = generators.back().getstate();
  none_drawn.numbers.back() = 0;
  generators.emplace_back(0).setstate(none_drawn);
  for (const Random& random : generators) states.push_back(to_json(random.getstate()));
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "states.json";
  std::ofstream(file) << states;
  const auto cases = json::parse(test::run_python(test::script("random_numbers.py"), {file}));
  ASSERT_EQ(cases.size(), generators.size());
  for (std::size_t i = 0; i < generators.size(); ++i) expect_draws(generators[i], cases[i]);
}

TEST(Random, SeedForgetsTheNumberThatGaussKeeps) {
  Random random(5);
  const double first = random.gauss();
  random.seed(5);
  EXPECT_EQ(random.gauss(), first);
}

TEST(Random, RefusesWhatHasNoElements) {
  Random random(0);
  std::vector<int> one{7};
  EXPECT_THROW(random.choice(std::span(one).first(0)), std::invalid_argument);
  EXPECT_THROW(random.sample(std::span(one), 2), std::invalid_argument);
  EXPECT_THROW(random.sample(std::span(one), static_cast<std::size_t>(-1)), std::invalid_argument);
  EXPECT_THROW(random.randrange(0), std::invalid_argument);
  EXPECT_THROW(random.randrange(5, 5), std::invalid_argument);
  EXPECT_THROW(random.randrange(0, 5, -1), std::invalid_argument);
  EXPECT_THROW(random.randrange(0, 5, 0), std::invalid_argument);
  EXPECT_THROW(random.randrange(5, 0, 0), std::invalid_argument);
  EXPECT_THROW(random.randint(2, 1), std::invalid_argument);
  EXPECT_THROW(random.randint(3, 1), std::invalid_argument);
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(random.randint(least, most), std::invalid_argument);
  EXPECT_THROW(random.randrange(most, least), std::invalid_argument);
  EXPECT_THROW(random.randrange(least, most, -1), std::invalid_argument);
  EXPECT_THROW(random.seed(std::nan("")), std::invalid_argument);
  Random::State state = random.getstate();
  state.numbers.back() = 625;
  EXPECT_THROW(random.setstate(state), std::invalid_argument);
  EXPECT_EQ(random.getrandbits(64), Random(0).getrandbits(64));
}

template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Random, NamesTheFunctionThatRefusesAndItsValues) {
  Random random(0);
  std::vector<int> one{7};
  EXPECT_EQ(refusal([&] { random.choice(std::span(one).first(0)); }),
            "linreg::pytorch::Random::choice: there are 0 elements, but must be 1 or more");
  EXPECT_EQ(refusal([&] { random.sample(std::span(one), 2); }),
            "linreg::pytorch::Random::sample: k is 2, but must be at most 1, the size of the "
            "population");
  EXPECT_EQ(refusal([&] { random.randrange(5, 2); }),
            "linreg::pytorch::Random::randrange(5, 2, 1): the range is empty");
  EXPECT_EQ(refusal([&] { random.randrange(2, 5, 0); }),
            "linreg::pytorch::Random::randrange(2, 5, 0): the step must not be 0");
  EXPECT_EQ(refusal([&] { random.randint(2, 1); }),
            "linreg::pytorch::Random::randint(2, 1): there must be from 1 to 2^64 - 1 integers "
            "from a to b");
}

}  // namespace
}  // namespace linreg::pytorch
