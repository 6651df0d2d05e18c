#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/pytorch/random_state.hpp>
#include <string>

#include "python_scripts.hpp"

namespace linreg::pytorch {
namespace {

/// As in tests/python/random_states.py.
void expect_draws(Random& random, const Value& expected) {
  EXPECT_TRUE(torch::equal(torch::randn({20}), expected["torch"].as<at::Tensor>()));
  const auto& python = expected["python"].as<Value::List>();
  EXPECT_EQ(static_cast<std::int64_t>(random.getrandbits(32)), python[0].as<std::int64_t>());
  EXPECT_EQ(random.gauss(), python[1].as<double>());
}

TEST(RandomState, CrossesBothWays) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const test::TemporaryDirectory folder;
  const std::string ours = folder.path() / "ours.pt";
  const std::string theirs = folder.path() / "theirs.pt";
  torch::manual_seed(7);
  torch::randn({5});
  Random random("a seed");
  random.gauss();  // keeps a second one
  save_checkpoint(ours, Value::Dict{{"torch", get_rng_state()}, {"python", getstate(random)}});
  test::run_python(test::script("random_states.py"), {ours, theirs});
  const Value python = load_checkpoint(theirs);
  expect_draws(random, python["drawn"]);

  torch::manual_seed(0);
  Random other(0);
  set_rng_state(python["states"]["torch"].as<at::Tensor>());
  setstate(other, python["states"]["python"]);
  expect_draws(other, python["next"]);
}

TEST(RandomState, RefusesOtherValues) {
  Random random(0);
  EXPECT_THROW(set_rng_state(torch::zeros({3}, torch::kByte)), c10::Error);
  EXPECT_THROW(setstate(random, 3), c10::Error);
  const auto changed = [&](std::size_t i, const Value& number) {
    Value::Tuple state = getstate(random).as<Value::Tuple>();
    Value::Tuple numbers = state.items[1].as<Value::Tuple>();
    numbers.items[i] = number;
    state.items[1] = numbers;
    return Value(state);
  };
  EXPECT_NO_THROW(setstate(random, changed(0, 1)));
  EXPECT_THROW(setstate(random, changed(0, -1)), c10::Error);
  EXPECT_THROW(setstate(random, changed(0, std::int64_t{1} << 32)), c10::Error);
  EXPECT_THROW(setstate(random, changed(624, 625)), c10::Error);
  EXPECT_THROW(setstate(random, changed(3, 0.5)), c10::Error);
}

}  // namespace
}  // namespace linreg::pytorch
