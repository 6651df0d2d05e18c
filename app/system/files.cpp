#include "system/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "system/interrupt.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

[[noreturn]] void fail(int error, const std::filesystem::path& path) {
  throw std::system_error(error, std::generic_category(), "can't write " + path.string());
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
    if (written < 0 && errno == EAGAIN) {
      pollfd writable{file, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      fail(errno, path);
    }
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// An open file, closed with the object.
struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

/// A file beside `path` that may take its name, else it is removed with the object. Interrupts wait
/// until then.
class Temporary {
 public:
  // Not the name of the file itself and more, which may be too long.
  explicit Temporary(const std::filesystem::path& path)
      : name_((path.parent_path() / ".linreg.XXXXXX").string()),
        file_{mkostemp(name_.data(), O_CLOEXEC)} {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (file_.descriptor >= 0 && !name_.empty()) unlink(name_.c_str());
  }

  int descriptor() const { return file_.descriptor; }  ///< negative where it can't be made

  bool take_name(const std::filesystem::path& path) {
    if (rename(name_.c_str(), path.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  InterruptsWait until_it_is_gone_;
  std::string name_;
  File file_;
};

/// The permissions that the file has or, where there is none, that a new one gets.
mode_t permissions(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) return status.st_mode & 07777;
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

void write_in_place(const std::filesystem::path& path, std::string_view text) {
  const File file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.descriptor < 0) fail(errno, path);
  write_all(file.descriptor, text, path);
}

}  // namespace

std::filesystem::path follow_links(std::filesystem::path path) {
  std::error_code error;
  if (is_special(path)) return path;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path;
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
  if (is_special(file)) {
    if (access(file.c_str(), W_OK) != 0) refuse(std::strerror(errno));
  } else if (Temporary(file).descriptor() < 0) {
    refuse(fmt::format("no file can be made there: {}", std::strerror(errno)));
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path file = follow_links(path);
  if (is_special(file)) return write_in_place(file, text);
  Temporary temporary(file);
  if (temporary.descriptor() < 0) fail(errno, path);
  write_all(temporary.descriptor(), text, path);
  if (fchmod(temporary.descriptor(), permissions(file)) != 0 ||
      fsync(temporary.descriptor()) != 0 || !temporary.take_name(file)) {
    fail(errno, path);
  }
}

void write_stdout(std::string_view text) { write_all(STDOUT_FILENO, text, "to stdout"); }

}  // namespace linreg::app
