#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <linreg/report/best_fit.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

namespace linreg::report {
namespace {

const BestFit answer{.w = {2.0003, -3.4001}, .b = 4.25, .rank = 3, .mean_squared_error = 0.0002};

Run run_of(Demo demo) {
  return {.demo = demo,
          .framework = "libtorch",
          .version = "2.6.0",
          .epoch_loss = {3.0F, 0.5F},
          .w = {2.0F, -3.5F},
          .b = 4.5F,
          .w_error = {}};
}

TEST(BestFit, HalvesTheLossOnlyForTheDemoFromScratch) {
  EXPECT_EQ(answer.loss(Demo::scratch), 0.0001);
  EXPECT_EQ(answer.loss(Demo::concise), 0.0002);
}

TEST(BestFit, IsCollinearIfTheRankIsBelowTheNumberOfParameters) {
  BestFit fit = answer;
  EXPECT_FALSE(fit.collinear());
  fit.rank = 2;
  EXPECT_TRUE(fit.collinear());
}

TEST(BestFit, ShowsTheAnswerAndEachDemosDistance) {
  report::Run concise = run_of(Demo::concise);
  concise.w = {2.5F, -3.0F};
  concise.b = 4.0F;
  EXPECT_EQ(to_text(answer, run_of(Demo::scratch), concise),
            "                                 answer   scratch is off        concise is off\n"
            "  w[0]                           2.0003          -0.0003                  +0.5\n"
            "  w[1]                          -3.4001             -0.1                  +0.4\n"
            "  b                                4.25            +0.25                 -0.25\n"
            "  loss, from scratch             0.0001             +0.5\n"
            "  loss, concise                  0.0002                                   +0.5\n");
}

TEST(BestFit, ShowsARunWithoutEpochsAndADivergedOneIn80Columns) {
  report::Run untrained = run_of(Demo::scratch);
  untrained.epoch_loss.clear();
  report::Run diverged = run_of(Demo::concise);
  diverged.epoch_loss = {std::numeric_limits<float>::infinity(), -std::nanf("")};
  diverged.w = {std::nanf(""), -std::numeric_limits<float>::max()};
  const std::string text = to_text(answer, untrained, diverged);
  EXPECT_NE(text.find("  loss, from scratch             0.0001\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("  loss, concise                  0.0002                                    nan\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("-3.4e+38\n"), std::string::npos) << text;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(BestFit, KeepsItsBitsInJson) {
  const nlohmann::json json = nlohmann::json::parse(to_json(answer).dump());
  EXPECT_EQ(json["w"].get<std::vector<double>>(), answer.w);
  EXPECT_EQ(json["b"].get<double>(), answer.b);
  EXPECT_EQ(json["rank"], 3);
  EXPECT_EQ(json["collinear"], false);
  EXPECT_EQ(json["loss"]["scratch"].get<double>(), 0.0001);
  EXPECT_EQ(json["loss"]["concise"].get<double>(), 0.0002);
}

}  // namespace
}  // namespace linreg::report
