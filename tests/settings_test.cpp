#include <gtest/gtest.h>

#include <linreg/report/run.hpp>
#include <linreg/training/training.hpp>
#include <nlohmann/json.hpp>

#include "python/live_pytorch.hpp"
#include "python_scripts.hpp"

/// The article's defaults are written down three times: for the program, for the libraries'
/// training loops, and for the PyTorch programs.
namespace linreg::app {
namespace {

TEST(Settings, HaveTheSameDefaultsAsThePytorchPrograms) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const auto settings = nlohmann::json::parse(report::to_json(report::Settings()).dump());
  for (const char* program : {"scratch.py", "concise.py"}) {
    const std::string record = test::run_python(python_folder() / program, {"--json", "-"});
    EXPECT_EQ(nlohmann::json::parse(record)["settings"], settings) << program;
  }
}

TEST(Settings, HaveTheSameDefaultsAsTheTrainingLoops) {
  const report::Settings settings;
  const training::Hyperparameters hyperparameters;
  EXPECT_EQ(settings.lr, hyperparameters.lr);
  EXPECT_EQ(settings.epochs, hyperparameters.num_epochs);
  EXPECT_EQ(settings.batch_size, hyperparameters.batch_size);
}

}  // namespace
}  // namespace linreg::app
