#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

/// Starting and watching other processes.
namespace linreg::test {

/// The address sanitizer needs terabytes of address space, spare descriptors and /proc, so that
/// tests which take them away can't run with it.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

/// A program that runs in the background.
class Running {
 public:
  /// Starts `words[0]` with stderr joined to stdout.
  explicit Running(const std::vector<std::string>& words);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// The next line of its output, with its line break; empty at the end.
  std::string line();
  void interrupt(int signal) const;
  /// Waits until it has a handler for that signal.
  void wait_until_it_handles(int signal) const;
  /// Waits for its end. Returns its status, or 128 + the signal that ended it.
  int exit_status();

 private:
  std::FILE* pipe_ = nullptr;
  pid_t process_ = 0;
};

/// Waits up to a minute for another process to write a number to the file, and returns it; 0 after
/// that.
pid_t process_in(const std::filesystem::path& file);

/// Whether that process is still running after 5 s, in which a killed one should end.
bool is_running(pid_t process);

}  // namespace linreg::test
