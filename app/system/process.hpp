#pragma once

#include <chrono>
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

/// Runs `command[0]`, found in PATH, without a shell. The other words are its arguments, `input`
/// its stdin, and its environment is this program's less the variables in `without`. Kills it after
/// `time_limit`, or when this program is interrupted, and at its end kills the processes that it
/// left in its process group. Where others hold its output open, reads that for another half
/// second. Throws std::system_error when it can't be started.
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
