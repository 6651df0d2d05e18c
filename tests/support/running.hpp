#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

/// What tests need to watch other processes.
namespace linreg::test {

/// The address sanitizer needs terabytes of address space, descriptors to spare and /proc: a test
/// that takes them away can't run under it.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// A program that runs beside the test.
class Running {
 public:
  /// Starts `words[0]`, with what it says on stderr joined to its stdout.
  explicit Running(const std::vector<std::string>& words);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// The next line that it says, with the line's end; empty when it says no more.
  std::string line();
  void interrupt(int signal) const;
  /// Waits for it to have a handler of that signal.
  void wait_until_it_handles(int signal) const;
  /// Waits for its end. As a shell counts: its own status, or 128 + the signal that ended it.
  int exit_status();

 private:
  std::FILE* pipe_ = nullptr;
  pid_t process_ = 0;
};

/// The number in the file, which another process writes whole, as soon as it is there; 0 after a
/// minute without.
pid_t process_in(const std::filesystem::path& file);

/// Whether that process is there and has not ended. Waits a moment for a killed one to end.
bool is_running(pid_t process);

}  // namespace linreg::test
