#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace linreg::app {

/// The file that a link, and a link that it names, lead to, be it there or not: a link stays one
/// when a file is written. Devices and pipes stay as they are named.
std::filesystem::path follow_links(std::filesystem::path path);

/// Refuses, with a UsageError naming `option`, a path that can't be written to: a folder, or a file
/// in a folder that is missing or not writable. "-" is stdout.
void check_writable(std::string_view option, const std::string& path);

/// Writes the file whole or not at all: to a temporary file beside it, which then takes its name.
/// Throws std::system_error, and leaves what was there, when that fails.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Writes to stdout at once. Throws std::system_error when that fails.
void write_stdout(std::string_view text);

}  // namespace linreg::app
