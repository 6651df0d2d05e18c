#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <linreg/report/sweep.hpp>
#include <nlohmann/json.hpp>

namespace linreg::report {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

SweptRun example() {
  SweptRun swept{.settings = {.lr = 0.03}, .run = {}, .stable_lr = 1.4567};
  swept.run.demo = Demo::scratch;
  swept.run.framework = "libtorch";
  swept.run.epoch_loss = {0.5F, 0.25F, 0.125F};
  swept.run.w = {2.0F, -3.4F};
  swept.run.w_error = {0.0F, 0.0F};
  swept.run.steps = 300;
  swept.run.train_seconds = 0.0123;
  return swept;
}

TEST(SweptRun, DivergesAtTheFirstEpochWhoseLossIsNotFinite) {
  report::Run run;
  EXPECT_EQ(diverged_at_epoch(run), std::nullopt);
  run.epoch_loss = {1.0F, 1e38F};
  EXPECT_EQ(diverged_at_epoch(run), std::nullopt);
  run.epoch_loss = {1.0F, 1e38F, infinity, std::nanf("")};
  EXPECT_EQ(diverged_at_epoch(run), 3);
  run.epoch_loss = {std::nanf("")};
  EXPECT_EQ(diverged_at_epoch(run), 1);
}

TEST(SweptRun, IsALineOfTheTable) {
  SweptRun swept = example();
  EXPECT_EQ(sweep_head() + to_text(swept),
            "         lr  batch size              last loss    steps       time   stable to\n"
            "       0.03          10                  0.125      300    12.3 ms         1.4\n");
  swept.settings.batch_size = swept.settings.examples;
  swept.settings.lr = 1.46;
  swept.run.epoch_loss[1] = infinity;
  EXPECT_EQ(to_text(swept),
            "       1.46         all    diverged at epoch 2      300    12.3 ms         1.4 !\n");
  swept.stable_lr = 1.46;
  EXPECT_EQ(to_text(swept),
            "       1.46         all    diverged at epoch 2      300    12.3 ms         1.4\n");
  swept.run.epoch_loss.clear();
  swept.stable_lr.reset();
  EXPECT_EQ(to_text(swept),
            "       1.46         all               no epoch      300    12.3 ms           ?\n");
}

TEST(RoundedDown, KeepsTwoDigitsAndNeverGrows) {
  EXPECT_EQ(rounded_down(1.99), "1.9");
  EXPECT_EQ(rounded_down(0.0399), "0.039");
  EXPECT_EQ(rounded_down(12345), "1.2e+04");
}

TEST(SweptRun, IsARunInJson) {
  SweptRun swept = example();
  nlohmann::json json = nlohmann::json::parse(to_json(swept).dump());
  EXPECT_EQ(json["lr"], 0.03);
  EXPECT_EQ(json["batch_size"], 10);
  EXPECT_EQ(json["stable_lr"], 1.4567);
  EXPECT_EQ(json["diverged_at_epoch"], nullptr);
  EXPECT_EQ(run_from_json(json).epoch_loss, swept.run.epoch_loss);
  EXPECT_EQ(run_from_json(json).steps, 300);

  swept.stable_lr.reset();
  swept.run.epoch_loss[2] = infinity;
  json = nlohmann::json::parse(to_json(swept).dump());
  EXPECT_EQ(json["stable_lr"], nullptr);
  EXPECT_EQ(json["diverged_at_epoch"], 3);
}

}  // namespace
}  // namespace linreg::report
