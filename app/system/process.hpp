#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::app {

/// How a program ended, and its output.
struct ProcessResult {
  int exit_status = 0;  ///< as a shell counts: the program's own, or 128 + the signal that ended it
  int signal = 0;       ///< that ended it, 0 for none
  bool timed_out = false;
  bool flooded = false;  ///< killed because it wrote more than 256 MiB to stdout and stderr
  std::string out;       ///< all of its stdout
  std::string err;       ///< the last 64 KiB of its stderr
};

/// A program that runs beside this one, and waits if it reads its stdin.
class Process {
 public:
  /// Starts `command[0]`, found in PATH, without a shell. The other words are its arguments, and
  /// its environment is this program's less the variables in `without`. Throws std::system_error
  /// when it can't be started.
  explicit Process(const std::vector<std::string>& command,
                   const std::vector<std::string>& without = {});
  /// Kills the program, unless it has finished.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Gives the program `input` as its stdin, to the end, and waits for its end. Kills it after
  /// `time_limit`, or when this program is interrupted, and at its end kills the processes that it
  /// left in its process group. Where others hold its output open, reads that for another half
  /// second. To be called once.
  ProcessResult finish(std::string_view input, std::chrono::seconds time_limit);

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

/// Starts a Process and finishes it.
ProcessResult run_process(const std::vector<std::string>& command, std::chrono::seconds time_limit,
                          std::string_view input = {},
                          const std::vector<std::string>& without = {});

/// The path of the file that a shell would run for `name`: `name` itself with a slash in it, else
/// the first in PATH. Nothing where no such file is executable.
std::optional<std::string> find_program(const std::string& name);

/// "exit status 3" or "killed by signal 9".
std::string describe_end(const ProcessResult& result);

/// The last line that is not blank, trimmed: where programs usually say why they failed.
std::string last_line(const std::string& text);

}  // namespace linreg::app
