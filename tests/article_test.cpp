#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "python_scripts.hpp"
#include "system/process.hpp"

/// The program beside the article's own programs, run from the text of the article's file, which
/// is no part of the project: the tests run where it stands in ../shared/seed beside the project.
namespace linreg::app {
namespace {

/// The article's file; empty where it is not there.
std::filesystem::path article() {
  const auto folder = std::filesystem::path(LINREG_TESTS_DIR) / "../../shared/seed";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".txt") return entry.path();
  }
  return {};
}

TEST(Article, PrintsTheSameBytesFromItsOwnPrograms) {
  if (article().empty()) GTEST_SKIP() << "the article is not in ../shared/seed";
  LINREG_REQUIRE_LIVE_PYTORCH();
  const std::vector<std::string> seeds{"0", "1", "42", "-7", "12345678901"};
  std::vector<std::string> arguments{article()};
  arguments.insert(arguments.end(), seeds.begin(), seeds.end());
  const auto printed =
      nlohmann::json::parse(test::run_python(test::script("run_article.py"), arguments));
  ASSERT_EQ(printed.size(), seeds.size());

  const auto linreg = [](std::vector<std::string> words, const std::string& seed) {
    words.insert(words.begin(), LINREG_PROGRAM);
    words.insert(words.end(), {"--lang", "zh", "--threads", "1", "--seed", seed});
    return run_process(words, std::chrono::seconds(600)).out;
  };
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    SCOPED_TRACE("seed " + seeds[i]);
    EXPECT_EQ(linreg({"scratch"}, seeds[i]), printed[i]["scratch"].get<std::string>());
    EXPECT_EQ(linreg({"concise"}, seeds[i]), printed[i]["concise"].get<std::string>());
    EXPECT_EQ(linreg({"concise", "--look"}, seeds[i]),
              printed[i]["concise with a look"].get<std::string>());
  }
}

}  // namespace
}  // namespace linreg::app
