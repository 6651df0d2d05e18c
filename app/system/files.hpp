#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace linreg::app {

/// Whether both paths lead to the same file, whether it exists or not.
bool same_file(const std::string& left, const std::string& right);

/// Throws a UsageError, which names `option`, for a path that can't be written to: a folder, or a
/// file in a folder that is missing or not writable. "-" is stdout.
void check_writable(std::string_view option, const std::string& path);

/// Replaces the file as a whole, keeping its permissions and a link to it; writes to a device or a
/// pipe in place. Throws std::system_error, and leaves the old file, when that fails.
void write_file(const std::filesystem::path& path, std::string_view text);

/// Writes to stdout, unbuffered. Throws std::system_error when that fails.
void write_stdout(std::string_view text);

}  // namespace linreg::app
