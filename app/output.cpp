#include "output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "interrupt.hpp"
#include "options.hpp"

namespace linreg::app {
namespace {

[[noreturn]] void fail(int error, const std::filesystem::path& path) {
  throw std::system_error(error, std::generic_category(), "can't write " + path.string());
}

/// Links are followed, so that a link stays one and the file that it names is replaced.
std::filesystem::path target(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  return error ? path : real;
}

/// A device or a pipe, /dev/stdout say, can't be replaced by a file: it is written to in place.
bool is_special(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
}

void write_all(int file, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) fail(errno, path);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// An open file, closed with the object.
struct File {
  int descriptor;
  ~File() { close(descriptor); }
};

void write_in_place(const std::filesystem::path& path, std::string_view text) {
  const File file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.descriptor < 0) fail(errno, path);
  write_all(file.descriptor, text, path);
}

}  // namespace

void check_writable(std::string_view option, const std::string& path) {
  if (path == "-") return;
  const auto refuse = [&](std::string_view why) {
    throw UsageError(fmt::format("{} is '{}', but must be a file to write: {}", option, path, why));
  };
  const std::filesystem::path file = target(path);
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
  if (is_special(file) ? access(file.c_str(), W_OK) != 0 : access(folder.c_str(), W_OK) != 0) {
    refuse("permission denied");
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path file = target(path);
  if (is_special(file)) return write_in_place(file, text);
  const InterruptsWait until_it_is_whole;
  // Not the file's own name and more, which may be too long.
  std::string temporary = (file.parent_path() / ".linreg.XXXXXX").string();
  const File out{mkostemp(temporary.data(), O_CLOEXEC)};
  if (out.descriptor < 0) fail(errno, path);
  try {
    write_all(out.descriptor, text, path);
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(out.descriptor, 0666 & ~mask) != 0 || fsync(out.descriptor) != 0 ||
        rename(temporary.c_str(), file.c_str()) != 0) {
      fail(errno, path);
    }
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
}

void write_stdout(std::string_view text) { write_all(STDOUT_FILENO, text, "to stdout"); }

}  // namespace linreg::app
