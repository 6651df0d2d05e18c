#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "system/process.hpp"

/// The program, run as a person runs it.
namespace linreg::test {

/// Runs `linreg words...`.
app::ProcessResult linreg(std::vector<std::string> words);

/// The number of lines of `text`.
std::size_t lines(const std::string& text);

void expect_at_most_80_columns(const std::string& text);

nlohmann::json read_json(const std::filesystem::path& path);

/// The learning rate that the line on a diverged run advises.
std::string advised_lr(const std::string& err);

}  // namespace linreg::test
