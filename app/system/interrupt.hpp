#pragma once

#include <sys/types.h>

namespace linreg::app {

/// Makes SIGINT (Ctrl-C), SIGTERM and SIGHUP end the program at once, even within a step, with one
/// line on stderr and status 128 + the signal. Each epoch's line has been written by then. An
/// ignored signal, as SIGINT is in a shell script's background job, stays ignored.
void end_on_interrupt();

/// Defers interrupts while an object exists, for work that must not be left half done. The program
/// ends when the last object is destroyed.
class DeferInterrupts {
 public:
  DeferInterrupts();
  ~DeferInterrupts();
  DeferInterrupts(const DeferInterrupts&) = delete;
  DeferInterrupts& operator=(const DeferInterrupts&) = delete;

  /// Whether an interrupt is waiting, so that the work should stop.
  static bool requested();
};

/// While an object exists, an interrupt that ends the program kills this process group, too. One
/// object at a time.
class KillWhenInterrupted {
 public:
  explicit KillWhenInterrupted(pid_t group);
  ~KillWhenInterrupted();
  KillWhenInterrupted(const KillWhenInterrupted&) = delete;
  KillWhenInterrupted& operator=(const KillWhenInterrupted&) = delete;
};

}  // namespace linreg::app
