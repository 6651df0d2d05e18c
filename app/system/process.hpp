#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::app {

/// How another program ended, and what it said.
struct ProcessResult {
  int exit_status = 0;  ///< as a shell counts: the program's own, or 128 + the signal that ended it
  int signal = 0;       ///< that ended it, 0 for none
  bool timed_out = false;
  bool flooded = false;  ///< it was killed for saying more than 256 MiB, on both together
  std::string out;       ///< all of its stdout
  std::string err;       ///< the last 64 KiB of its stderr
};

/// Runs `command[0]`, looked up in PATH, with the other words as its arguments, without a shell,
/// with `input` on its stdin and with this program's environment, the variables in `without` left
/// out. A program that is still running after `time_limit`, or when this one is interrupted, is
/// killed. So is what any program has started and left behind, unless that has left its process
/// group: once the program has ended, an output that is still held open is read for half a second.
/// Throws std::system_error when it can't be started.
ProcessResult run_process(const std::vector<std::string>& command, std::chrono::seconds time_limit,
                          std::string_view input = {},
                          const std::vector<std::string>& without = {});

/// "exit status 3" or "killed by signal 9".
std::string describe_end(const ProcessResult& result);

/// The last line that has something on it, without blanks around it: where programs name what made
/// them fail.
std::string last_line(const std::string& text);

}  // namespace linreg::app
