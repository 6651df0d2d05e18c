#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace linreg::app {

/// Refuses, with a UsageError naming `option`, a path that can't be written to: a folder, or a file
/// in a folder that is missing or not writable. "-" is stdout.
void check_writable(std::string_view option, const std::string& path);

/// Writes the file whole or not at all: to a temporary file beside it, which then takes its name.
/// Throws std::system_error, and leaves what was there, when that fails.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Writes to stdout at once. Throws std::system_error when that fails.
void write_stdout(std::string_view text);

}  // namespace linreg::app
