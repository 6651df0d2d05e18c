#pragma once

namespace linreg::app {

/// From now on Ctrl-C (SIGINT), SIGTERM and SIGHUP end the program at once, within a step too: with
/// one line on stderr and status 128 + the signal. Nothing is lost by that, for each epoch's line
/// is written as soon as it is known. A signal that is ignored, as SIGINT is for a background job
/// of a shell script, stays so.
void end_on_interrupt();

/// While one of these lives an interrupt waits, and ends the program when the last one goes: for
/// what must not be left half done.
class InterruptsWait {
 public:
  InterruptsWait();
  ~InterruptsWait();
  InterruptsWait(const InterruptsWait&) = delete;
  InterruptsWait& operator=(const InterruptsWait&) = delete;

  /// Whether an interrupt is waiting: time to come to an end.
  static bool requested();
};

}  // namespace linreg::app
