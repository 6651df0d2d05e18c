#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <linreg/report/comparison.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace linreg::report {
namespace {

Run example() {
  return {.demo = Demo::scratch,
          .framework = "libtorch",
          .version = "2.6.0",
          .epoch_loss = {0.04F, 0.0001F},
          .w = {2.0F, -3.4F},
          .b = 4.2F,
          .w_error = {0.001F, -0.002F},
          .b_error = 0.003F,
          .steps = 200,
          .train_seconds = 0.01};
}

TEST(UlpDistance, CountsFloats) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ulp_distance(1, 1), 0U);
  EXPECT_EQ(ulp_distance(1, std::nextafter(1.0F, 2.0F)), 1U);
  EXPECT_EQ(ulp_distance(std::nextafter(1.0F, 0.0F), std::nextafter(1.0F, 2.0F)), 2U);
  EXPECT_EQ(ulp_distance(-1, std::nextafter(-1.0F, 0.0F)), 1U);
  EXPECT_EQ(ulp_distance(1, 2), 1U << 23);
  EXPECT_EQ(ulp_distance(-0.0F, 0.0F), 1U) << "not the same bits";
  EXPECT_EQ(ulp_distance(std::numeric_limits<float>::max(), infinity), 1U);
  EXPECT_EQ(ulp_distance(-infinity, infinity), 2 * std::uint64_t{0x7f800000} + 1);
}

TEST(UlpDistance, OfNanFromANumberIsGreaterThanAnyOther) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ulp_distance(nan, -nan), 0U);
  EXPECT_EQ(ulp_distance(nan, 1), ulp_distance_of_nan);
  EXPECT_EQ(ulp_distance(1, nan), ulp_distance_of_nan);
}

TEST(Compare, FindsARunEqualToItself) {
  const Comparison same = compare(example(), example());
  EXPECT_TRUE(same.equal());
  EXPECT_TRUE(same.within_tolerance());
  ASSERT_EQ(same.values.size(), 8U);
  EXPECT_EQ(same.values[1].name, "loss, epoch 2");
  EXPECT_EQ(same.values[2].name, "w[0]");
  EXPECT_EQ(same.values[7].name, "error of b");
}

TEST(Compare, FindsADifferenceOfOneBitInAnyValue) {
  const auto nudge = [](float& x) { x = std::nextafter(x, 100.0F); };
  for (int which = 0; which < 8; ++which) {
    report::Run other = example();
    float* values[] = {
        &other.epoch_loss[0], &other.epoch_loss[1], &other.w[0],   &other.w[1], &other.b,
        &other.w_error[0],    &other.w_error[1],    &other.b_error};
    nudge(*values[which]);
    const Comparison comparison = compare(example(), other);
    EXPECT_FALSE(comparison.equal()) << which;
    EXPECT_EQ(comparison.greatest_ulp(), 1U) << which;
    EXPECT_TRUE(comparison.within_tolerance()) << which;
  }
}

/// Whether two runs agree that differ in one value only: x in one of them, y in the other.
bool agree(float& (*value)(Run&), float x, float y) {
  Run left = example();
  Run right = example();
  value(left) = x;
  value(right) = y;
  const bool result = compare(left, right).within_tolerance();
  EXPECT_EQ(compare(right, left).within_tolerance(), result) << "the other way round";
  return result;
}

float& loss(Run& run) { return run.epoch_loss[0]; }
float& weight(Run& run) { return run.w[1]; }
float& bias(Run& run) { return run.b; }
float& weight_error(Run& run) { return run.w_error[1]; }  // of the weight -3.4
float& bias_error(Run& run) { return run.b_error; }       // of the bias 4.2

TEST(Compare, HoldsALossToOneInTenThousand) {
  for (const float x : {1e-4F, 1.0F, 1e4F}) {
    EXPECT_TRUE(agree(loss, x, x * 1.00009F)) << x;
    EXPECT_FALSE(agree(loss, x, x * 1.00011F)) << x;
  }
}

TEST(Compare, HoldsAParameterToOneInAHundredThousand) {
  for (const float x : {-1e3F, 10.0F, 1e6F}) {
    for (const auto& parameter : {weight, bias}) {
      EXPECT_TRUE(agree(parameter, x, x * 1.000009F)) << x;
      EXPECT_FALSE(agree(parameter, x, x * 1.000011F)) << x;
    }
  }
}

TEST(Compare, HoldsAnErrorToTheToleranceOfItsParameter) {
  EXPECT_TRUE(agree(weight_error, 0, 3.3e-5F));
  EXPECT_FALSE(agree(weight_error, 0, 3.5e-5F));
  EXPECT_TRUE(agree(bias_error, -2e-5F, 2.1e-5F));
  EXPECT_FALSE(agree(bias_error, -2e-5F, 2.3e-5F));
}

TEST(Compare, HasAFloorOfToleranceNearZero) {
  EXPECT_TRUE(agree(loss, 0, 0.9e-9F));
  EXPECT_FALSE(agree(loss, 0, 1.1e-9F));
  EXPECT_TRUE(agree(loss, 1e-7F, 1.009e-7F));
  EXPECT_FALSE(agree(loss, 1e-7F, 1.011e-7F));
  for (const auto& parameter : {weight, bias}) {
    EXPECT_TRUE(agree(parameter, 0, 0.9e-5F));
    EXPECT_FALSE(agree(parameter, 0, 1.1e-5F));
    EXPECT_TRUE(agree(parameter, -0.45e-5F, 0.45e-5F));
    EXPECT_FALSE(agree(parameter, -0.55e-5F, 0.55e-5F));
  }
}

TEST(Compare, LetsNothingButItselfAgreeWithANanOrAnInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& value : {loss, weight, bias, weight_error, bias_error}) {
    EXPECT_TRUE(agree(value, nan, -nan));
    EXPECT_FALSE(agree(value, nan, 1));
    EXPECT_FALSE(agree(value, nan, infinity));
    EXPECT_TRUE(agree(value, infinity, infinity));
    EXPECT_FALSE(agree(value, infinity, -infinity));
    EXPECT_FALSE(agree(value, infinity, std::numeric_limits<float>::max()));
  }
}

TEST(Compare, RefusesRunsOfDifferentLengths) {
  report::Run other = example();
  other.epoch_loss.pop_back();
  EXPECT_THROW(compare(example(), other), std::invalid_argument);
  other = example();
  other.w.push_back(1);
  EXPECT_THROW(compare(example(), other), std::invalid_argument);
  other.w_error.push_back(0);
  EXPECT_THROW(compare(example(), other), std::invalid_argument);
  other = example();
  other.w_error.pop_back();
  EXPECT_THROW(compare(other, example()), std::invalid_argument);
  EXPECT_THROW(compare(example(), other), std::invalid_argument);
}

TEST(ComparisonText, ShowsEveryValueAndDistanceIn80Columns) {
  report::Run other = example();
  other.w[0] = std::nextafter(2.0F, 3.0F);
  other.epoch_loss[1] = -std::numeric_limits<float>::denorm_min();
  other.b = std::numeric_limits<float>::quiet_NaN();
  const std::string text = to_text(compare(example(), other), "C++", "Python");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_NE(
      text.find("w[0]                                2        2.0000002                     1\n"),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find("b                                 4.2              nan                   nan\n"),
      std::string::npos)
      << text;
}

TEST(TimePerStep, IsTheRatioOfBothRuns) {
  report::Run slower = example();
  slower.train_seconds = 0.04;
  EXPECT_NE(time_per_step(example(), slower).find("50.0 us         200.0 us     4.0 times as fast"),
            std::string::npos)
      << time_per_step(example(), slower);
  slower.steps = 0;
  EXPECT_EQ(time_per_step(example(), slower), "");
}

TEST(ComparisonJson, HoldsEveryValueAndItsDistance) {
  report::Run other = example();
  other.b = std::numeric_limits<float>::quiet_NaN();
  const auto json = to_json(compare(example(), other));
  ASSERT_EQ(json.size(), 8U);
  EXPECT_EQ(json[0]["ulp"], 0);
  EXPECT_EQ(json[0]["left"].get<float>(), 0.04F);
  EXPECT_EQ(json[4]["name"], "b");
  EXPECT_EQ(json[4]["left"].get<float>(), 4.2F);
  EXPECT_EQ(json[4]["right"], "nan");
  EXPECT_EQ(json[4]["within_tolerance"], false);
}

}  // namespace
}  // namespace linreg::report
