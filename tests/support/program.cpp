#include "program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

namespace linreg::test {

app::ProcessResult linreg(std::vector<std::string> words) {
  words.insert(words.begin(), LINREG_PROGRAM);
  return app::run_process(words, std::chrono::seconds(600));
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void expect_at_most_80_columns(const std::string& text) {
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) EXPECT_LE(line.size(), 80U) << line;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

std::string advised_lr(const std::string& err) {
  const std::string before = "up to about ";
  const std::size_t first = err.find(before);
  if (first == std::string::npos) return "none: " + err;
  return err.substr(first + before.size(),
                    err.find(' ', first + before.size()) - first - before.size());
}

}  // namespace linreg::test
