#include "system/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
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

/// A file descriptor, closed with the object; -1 for none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (is_open()) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
};

/// A connection with the program; both ends are closed with the object.
struct Connection {
  Descriptor ours;
  Descriptor theirs;
};

/// For its stdin. A socket, unlike a pipe, raises no signal where no one reads.
Connection connect_stdin() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// For its stdout or stderr.
Connection connect_output() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

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

pid_t spawn(const std::vector<std::string>& command, std::vector<char*> envp, const Descriptor& in,
            const Descriptor& out, const Descriptor& err) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.number(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.number(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.number(), STDERR_FILENO);
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

/// Appends what has arrived at `end` to `text` and returns its length; closes `end` where no more
/// will come.
std::size_t read_available(Descriptor& end, std::string& text) {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t count = read(end.number(), buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
  }
  if (count == 0 || errno != EINTR) end.close();
  return 0;
}

/// Writes what `end` takes of `text` and removes that from it; closes `end` when all is written or
/// no one reads it.
void write_available(Descriptor& end, std::string_view& text) {
  const ssize_t count = send(end.number(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) text.remove_prefix(static_cast<std::size_t>(count));
  const bool try_again = count < 0 && (errno == EINTR || errno == EAGAIN);
  if (text.empty() || (count < 0 && !try_again)) end.close();
}

}  // namespace

struct Process::Running {
  Connection in = connect_stdin();
  Connection out = connect_output();
  Connection err = connect_output();
  pid_t child = 0;  ///< 0 when it has been reaped
  std::optional<KillWhenInterrupted> until_reaped;

  /// Kills the whole group, and returns how the program ended. Until it is reaped, its number can't
  /// belong to another process.
  int kill_and_reap() {
    kill(-child, SIGKILL);
    until_reaped.reset();
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    }
    child = 0;
    return status;
  }
};

Process::Process(const std::vector<std::string>& command, const std::vector<std::string>& without)
    : running_(std::make_unique<Running>()) {
  const DeferInterrupts until_started;
  // Where SIGCHLD is ignored, which is inherited, there is no exit status.
  std::signal(SIGCHLD, SIG_DFL);
  auto& [in, out, err, child, until_reaped] = *running_;
  child = spawn(command, environment(without), in.theirs, out.theirs, err.theirs);
  until_reaped.emplace(child);
  for (Connection* connection : {&in, &out, &err}) connection->theirs.close();
}

Process::~Process() {
  if (running_->child != 0) running_->kill_and_reap();
}

ProcessResult Process::finish(std::string_view input, std::chrono::seconds time_limit) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline = Clock::now() + time_limit;
  const DeferInterrupts until_ended;
  Descriptor& in = running_->in.ours;
  Descriptor& out = running_->out.ours;
  Descriptor& err = running_->err.ours;

  ProcessResult result;
  std::size_t bytes_read = 0;  // stdout and stderr
  bool ended = false;
  const auto is_open = [&] { return out.is_open() || err.is_open(); };
  const auto is_over = [&] {
    if (!ended && has_ended(running_->child)) {
      ended = true;
      deadline = Clock::now() + time_to_drain;
    }
    const bool late = Clock::now() >= deadline;
    result.timed_out = late && !ended;
    result.flooded = bytes_read > most_bytes;
    return late || result.flooded || (ended && !is_open()) || DeferInterrupts::requested();
  };
  write_available(in, input);
  do {
    // poll ignores a negative descriptor: a closed one. A program may run on after closing both.
    std::array<pollfd, 3> waiting{
        {{out.number(), POLLIN, 0}, {err.number(), POLLIN, 0}, {in.number(), POLLOUT, 0}}};
    const int milliseconds_between_looks = is_open() ? 50 : 1;
    if (poll(waiting.data(), waiting.size(), milliseconds_between_looks) > 0) {
      if (waiting[0].revents != 0) bytes_read += read_available(out, result.out);
      if (waiting[1].revents != 0) bytes_read += read_available(err, result.err);
      if (waiting[2].revents != 0) write_available(in, input);
    }
    if (result.err.size() > 2 * kept_stderr_bytes) {
      result.err.erase(0, result.err.size() - kept_stderr_bytes);
    }
  } while (!is_over());
  if (result.err.size() > kept_stderr_bytes) {
    result.err.erase(0, result.err.size() - kept_stderr_bytes);
  }
  const int status = running_->kill_and_reap();
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + result.signal;
  return result;
}

ProcessResult run_process(const std::vector<std::string>& command, std::chrono::seconds time_limit,
                          std::string_view input, const std::vector<std::string>& without) {
  return Process(command, without).finish(input, time_limit);
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
