#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace linreg::report {
namespace {

Run example() {
  return {.demo = Demo::scratch,
          .engine = Engine::fused,
          .framework = "libtorch",
          .version = "2.6.0",
          .epoch_loss = {0.03916323184967041F, std::numeric_limits<float>::denorm_min(),
                         std::numeric_limits<float>::infinity(),
                         std::numeric_limits<float>::quiet_NaN()},
          .w = {1.9996579F, -0.0F},
          .b = -std::numeric_limits<float>::infinity(),
          .w_error = {std::numeric_limits<float>::max(), 0.1F},
          .b_error = 1.0F / 3,
          .steps = 300,
          .train_seconds = 0.1};
}

void expect_same_bits(float x, float y) {
  if (std::isnan(x) && std::isnan(y)) return;
  EXPECT_EQ(std::bit_cast<std::uint32_t>(x), std::bit_cast<std::uint32_t>(y)) << x << ' ' << y;
}

void expect_same_bits(const std::vector<float>& x, const std::vector<float>& y) {
  ASSERT_EQ(x.size(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) expect_same_bits(x[i], y[i]);
}

TEST(Run, ReadsBackFromJsonToTheSameBits) {
  const report::Run run = example();
  const report::Run read = run_from_json(nlohmann::json::parse(to_json(run).dump()));
  EXPECT_EQ(read.demo, run.demo);
  EXPECT_EQ(read.engine, run.engine);
  EXPECT_EQ(read.framework, run.framework);
  EXPECT_EQ(read.version, run.version);
  expect_same_bits(read.epoch_loss, run.epoch_loss);
  expect_same_bits(read.w, run.w);
  expect_same_bits(read.b, run.b);
  expect_same_bits(read.w_error, run.w_error);
  expect_same_bits(read.b_error, run.b_error);
  EXPECT_EQ(read.steps, run.steps);
  EXPECT_EQ(read.train_seconds, run.train_seconds);
}

TEST(Run, IsWrittenAsPythonWritesAFloat32) {
  EXPECT_EQ(to_json(example())["epoch_loss"].dump(),
            "[0.03916323184967041,1.401298464324817e-45,\"inf\",\"nan\"]");
}

TEST(Run, RefusesARecordWithoutAKeyOrOfAnotherTypeAndNamesIt) {
  const nlohmann::json whole = nlohmann::json::parse(to_json(example()).dump());
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json lacking = whole;
    lacking.erase(key);
    nlohmann::json other = whole;
    other[key] = nlohmann::json::object();
    for (const nlohmann::json& record : {lacking, other}) {
      if (!record.contains("engine")) continue;
      try {
        run_from_json(record);
        FAIL() << record.dump() << " is accepted";
      } catch (const std::invalid_argument& error) {
        EXPECT_NE(std::string(error.what()).find('"' + key + '"'), std::string::npos)
            << error.what();
      }
    }
  }
  EXPECT_THROW(run_from_json(nlohmann::json::array()), std::invalid_argument);
}

TEST(Run, OfPytorchsProgramsNamesNoEngineAndIsAutograds) {
  nlohmann::json record = nlohmann::json::parse(to_json(example()).dump());
  record.erase("engine");
  EXPECT_EQ(run_from_json(record).engine, Engine::autograd);
}

TEST(Run, RefusesAValueThatNoRunHasAndNamesItsKey) {
  const std::vector<std::pair<const char*, nlohmann::json>> values{
      {"steps", -1},
      {"steps", std::uint64_t{1} << 63},
      {"steps", 300.5},
      {"train_seconds", -0.1},
      {"train_seconds", "nan"},
      {"train_seconds", "inf"},
      {"implementation", "scratch\n"},
      {"implementation", "Concise"},
      {"framework", std::string(101, 'x')},
      {"version", "2.6.0\x1b[2J"},
      {"version", "2.6.0\x7f"},
      {"version", "2.6.0\u009b2J"}};
  for (const auto& [key, value] : values) {
    nlohmann::json record = nlohmann::json::parse(to_json(example()).dump());
    record[key] = value;
    try {
      run_from_json(record);
      ADD_FAILURE() << key << ' ' << value << " is accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(std::string("the record's \"") + key))
          << error.what();
    }
  }
}

TEST(Settings, RefuseAnIntegerOf64Bits) {
  nlohmann::json record = nlohmann::json::parse(to_json(Settings{}).dump());
  record["epochs"] = std::uint64_t{1} << 63;
  EXPECT_THROW(settings_from_json(record), std::invalid_argument);
}

TEST(Settings, ReadBackFromJsonToTheSameBits) {
  for (const Seed seed : {Seed{0, false}, Seed{std::numeric_limits<std::uint64_t>::max(), false},
                          Seed{1, true}, Seed{std::uint64_t{1} << 63, true}}) {
    const Settings settings{.seed = seed,
                            .true_w = {0.1, -3e-300},
                            .true_b = 1e300,
                            .lr = 1.0 / 3,
                            .init = "a \"quoted\" path.pt",
                            .look = seed.negative};
    EXPECT_EQ(settings_from_json(nlohmann::json::parse(to_json(settings).dump())), settings);
  }
}

TEST(Seed, GivesTheGeneratorANegativeSeedInTwosComplement) {
  EXPECT_EQ((Seed{1, true}.bits()), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ((Seed{7, false}.bits()), 7U);
}

TEST(RunFromJson, RefusesAValueOfAnyDepthInAShortLine) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const auto record = nlohmann::json::parse("{\"implementation\": " + deep + "}");
  try {
    run_from_json(record);
    ADD_FAILURE() << "it is accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "the record's \"implementation\" holds an array, but must hold a string");
  }
}

}  // namespace
}  // namespace linreg::report
