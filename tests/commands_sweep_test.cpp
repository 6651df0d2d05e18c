#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program.hpp"
#include "python_scripts.hpp"
#include "system/process.hpp"

namespace linreg::app {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(Sweep, TrainsEachRowAsTheDemoDoes) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "record.json";
  const std::vector<std::string> common{"--examples", "97", "--epochs", "4", "--seed", "3"};
  for (const std::string demo : {"scratch", "concise"}) {
    std::vector<std::string> words{"sweep",  "--demo", demo,           "--lr",        "0.3,3",
                                   "--json", file,     "--batch-size", "1,10,all,200"};
    words.insert(words.end(), common.begin(), common.end());
    const ProcessResult result = linreg(words);
    EXPECT_EQ(result.exit_status, 0);
    EXPECT_EQ(result.err, "");
    expect_at_most_80_columns(result.out);
    const nlohmann::json record = read_json(file);
    EXPECT_FALSE(record["settings"].contains("lr"));
    ASSERT_EQ(record["runs"].size(), 8U);
    std::size_t i = 0;
    for (const char* batch_size : {"1", "10", "97", "200"}) {
      for (const char* lr : {"0.3", "3"}) {
        const nlohmann::json& row = record["runs"][i++];
        SCOPED_TRACE(fmt::format("{} --lr {} --batch-size {}", demo, lr, batch_size));
        std::vector<std::string> alone{demo, "--lr", lr, "--json", "-", "--batch-size", batch_size};
        alone.insert(alone.end(), common.begin(), common.end());
        const nlohmann::json run = nlohmann::json::parse(linreg(alone).out)["runs"][0];
        EXPECT_EQ(fmt::format("{}", row["lr"].get<double>()), lr);
        EXPECT_EQ(fmt::to_string(row["batch_size"].get<int>()), batch_size);
        for (const char* key : {"implementation", "epoch_loss", "w", "b", "w_error", "steps"}) {
          EXPECT_EQ(row[key], run[key]) << key;
        }
        const auto diverged = row["diverged_at_epoch"];
        const std::string shown =
            diverged.is_null() ? fmt::format("{:.5g} ", row["epoch_loss"].back().get<float>())
                               : fmt::format("diverged at epoch {} ", diverged.get<int>());
        EXPECT_NE(result.out.find(shown), std::string::npos) << shown << " in\n" << result.out;
      }
    }
    EXPECT_EQ(record["runs"][1]["diverged_at_epoch"].is_null(), false) << "3 is far too large";
  }
}

TEST(Sweep, ShowsTheLargestStableLearningRateBesideEachResult) {
  const nlohmann::json record =
      nlohmann::json::parse(linreg({"sweep", "--epochs", "200", "--lr", "1,1.8,2.2", "--batch-size",
                                    "all", "--json", "-"})
                                .out);
  const double stable = record["stable_lr"];
  EXPECT_GT(stable, 1.8);
  EXPECT_LT(stable, 2.2);
  for (const auto& run : record["runs"]) {
    EXPECT_EQ(run["stable_lr"], stable);
    const bool grows = run["epoch_loss"].back() > run["epoch_loss"].front();
    EXPECT_EQ(grows, run["lr"].get<double>() > stable) << run["lr"];
  }
  const ProcessResult table = linreg({"sweep", "--epochs", "1"});
  EXPECT_EQ(table.exit_status, 0);
  EXPECT_EQ(lines(table.out), 5U + 20U + 5U)
      << table.out;  // a head, four sizes of five rates, words
  EXPECT_NE(
      table.out.find(
          "stable up to a learning rate of " +
          advised_lr(
              linreg({"scratch", "--lr", "9", "--epochs", "300", "--batch-size", "1000"}).err)),
      std::string::npos)
      << table.out;
}

}  // namespace
}  // namespace linreg::app
