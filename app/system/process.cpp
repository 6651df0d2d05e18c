#include "system/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "system/interrupt.hpp"

namespace linreg::app {
namespace {

constexpr std::size_t kept_stderr_bytes = 64 * 1024;
constexpr std::size_t most_bytes = 256 * 1024 * 1024;

/// How long to read output that other processes hold open after the program's end.
constexpr std::chrono::milliseconds time_to_drain{500};

/// Both ends of a pipe, closed with the object.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe");
    }
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

/// A file in memory that holds `text`, closed with the object. As stdin, unlike a pipe, it never
/// makes the writer wait for the reader.
struct MemoryFile {
  int descriptor = memfd_create("stdin", MFD_CLOEXEC);

  explicit MemoryFile(std::string_view text) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "memfd");
    while (!text.empty()) {
      const ssize_t written = write(descriptor, text.data(), text.size());
      if (written < 0 && errno != EINTR) break;
      if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (!text.empty() || lseek(descriptor, 0, SEEK_SET) != 0) {
      throw std::system_error(errno, std::generic_category(), "memfd");
    }
  }
  ~MemoryFile() { close(descriptor); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
};

/// This program's environment, as exec takes it, less the variables of those names.
std::vector<char*> environment(const std::vector<std::string>& without) {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;  // NAME=value
    const std::string_view name = text.substr(0, text.find('='));
    if (std::ranges::find(without, name) == without.end()) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

pid_t spawn(const std::vector<std::string>& command, std::vector<char*> envp, const MemoryFile& in,
            const Pipe& out, const Pipe& err) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  // A process group of its own, so that its children can be killed with it.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), command[0]);
  return child;
}

/// Whether the child has ended. Does not reap it.
bool has_ended(pid_t child) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    throw std::system_error(errno, std::generic_category(), "waitid");
  }
  return info.si_pid == child;
}

/// Appends what the pipe holds to `text` and returns its length; closes the pipe at its end.
std::size_t read_available(int& end, std::string& text) {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t count = read(end, buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
  }
  if (count == 0 || errno != EINTR) Pipe::close_end(end);
  return 0;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command, std::chrono::seconds time_limit,
                          std::string_view input, const std::vector<std::string>& without) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline = Clock::now() + time_limit;
  const DeferInterrupts until_reaped;
  // Where SIGCHLD is ignored, which is inherited, there is no exit status.
  std::signal(SIGCHLD, SIG_DFL);
  const MemoryFile in(input);
  Pipe out;
  Pipe err;
  const pid_t child = spawn(command, environment(without), in, out, err);
  Pipe::close_end(out.write_end);
  Pipe::close_end(err.write_end);

  ProcessResult result;
  std::size_t bytes_read = 0;  // stdout and stderr
  bool ended = false;
  const auto is_open = [&] { return out.read_end >= 0 || err.read_end >= 0; };
  const auto is_over = [&] {
    if (!ended && has_ended(child)) {
      ended = true;
      deadline = Clock::now() + time_to_drain;
    }
    const bool late = Clock::now() >= deadline;
    result.timed_out = late && !ended;
    result.flooded = bytes_read > most_bytes;
    return late || result.flooded || (ended && !is_open()) || DeferInterrupts::requested();
  };
  do {
    // poll ignores a negative descriptor: a closed pipe. A program may run on after closing both.
    std::array<pollfd, 2> waiting{{{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}}};
    const int milliseconds_between_looks = is_open() ? 50 : 1;
    if (poll(waiting.data(), waiting.size(), milliseconds_between_looks) > 0) {
      if (waiting[0].revents != 0) bytes_read += read_available(out.read_end, result.out);
      if (waiting[1].revents != 0) bytes_read += read_available(err.read_end, result.err);
    }
    if (result.err.size() > 2 * kept_stderr_bytes) {
      result.err.erase(0, result.err.size() - kept_stderr_bytes);
    }
  } while (!is_over());
  if (result.err.size() > kept_stderr_bytes) {
    result.err.erase(0, result.err.size() - kept_stderr_bytes);
  }
  // The whole group. Until the program is reaped, its number can't belong to another process.
  kill(-child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + result.signal;
  return result;
}

std::optional<std::string> find_program(const std::string& name) {
  const auto is_executable = [](const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    return is_executable(name) ? std::optional(name) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; !name.empty() && std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder) / name;
    if (is_executable(file)) return file.string();
  }
  return std::nullopt;
}

std::string describe_end(const ProcessResult& result) {
  return result.signal == 0 ? fmt::format("exit status {}", result.exit_status)
                            : fmt::format("killed by signal {}", result.signal);
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string::npos) return "";
  const std::size_t line_break = text.find_last_of('\n', end);
  const std::size_t start =
      text.find_first_not_of(' ', line_break == std::string::npos ? 0 : line_break + 1);
  return text.substr(start, end + 1 - start);
}

}  // namespace linreg::app
