#include "system/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <linreg/pytorch/detail/replacement_file.hpp>
#include <string>
#include <string_view>
#include <system_error>

#include "system/interrupt.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

using pytorch::detail::follow_links;
using pytorch::detail::names_an_open_file;
using pytorch::detail::ReplacementFile;

[[noreturn]] void fail(int error, const std::filesystem::path& path) {
  throw std::system_error(error, std::generic_category(), "can't write " + path.string());
}

/// Whether the path is a device, a pipe or a folder, which a new file can't replace.
bool is_special(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
}

void write_all(int descriptor, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EAGAIN) {
      pollfd writable{descriptor, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      fail(errno, path);
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Writes to a device or a pipe, /dev/stdout say.
void write_in_place(const std::filesystem::path& path, std::string_view text) {
  struct File {
    int descriptor;
    ~File() { close(descriptor); }
  };
  const File file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.descriptor < 0) fail(errno, path);
  write_all(file.descriptor, text, path);
}

}  // namespace

bool same_file(const std::string& left, const std::string& right) {
  std::error_code ignored;
  const auto real = [&ignored](const std::string& path) {
    const auto file = std::filesystem::absolute(follow_links(path), ignored);
    return std::filesystem::weakly_canonical(file, ignored);
  };
  return real(left) == real(right) || std::filesystem::equivalent(left, right, ignored);
}

void check_writable(std::string_view option, const std::string& path) {
  if (path == "-") return;
  const auto refuse = [&](std::string_view why) {
    throw UsageError(fmt::format("{} is '{}', but must be a file to write: {}", option, path, why));
  };
  const std::filesystem::path file = follow_links(path);
  if (path.empty()) refuse("it is empty");
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) refuse("it is a folder");
  if (std::filesystem::status(file, error).type() == std::filesystem::file_type::none) {
    refuse(error.message());  // a name that is too long, say
  }
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, error)) {
    refuse(fmt::format("there is no folder '{}'", folder.string()));
  }
  if (std::filesystem::is_regular_file(file, error) && names_an_open_file(path)) {
    refuse("it is a file that is open already, as stdout is");
  }
  if (is_special(file)) {
    if (access(file.c_str(), W_OK) != 0) refuse(std::strerror(errno));
    return;
  }
  const DeferInterrupts until_removed;
  try {
    const ReplacementFile trial(file);
  } catch (const std::system_error& refused) {
    refuse(fmt::format("no file can be created there: {}", refused.code().message()));
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  if (is_special(path)) return write_in_place(path, text);
  const DeferInterrupts until_written;
  try {
    ReplacementFile file(path);
    file.write(text.data(), text.size());
    file.commit();
  } catch (const std::system_error& error) {
    fail(error.code().value(), path);
  }
}

void write_stdout(std::string_view text) { write_all(STDOUT_FILENO, text, "to stdout"); }

}  // namespace linreg::app
