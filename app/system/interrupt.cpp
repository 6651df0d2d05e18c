#include "system/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace linreg::app {
namespace {

// A signal handler may use these, for they need no lock.
static_assert(std::atomic<int>::is_always_lock_free);
std::atomic<int> waiting_signal{0};
std::atomic<int> waits{0};
std::atomic<bool> at_terminal{false};

[[noreturn]] void end(int signal) {
  // A terminal has "^C", or a line that is not yet complete, before it.
  std::string_view line = "\nlinreg: interrupted\n";
  if (!at_terminal) line.remove_prefix(1);
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) {
    // There is nobody left to tell.
  }
  _exit(128 + signal);
}

void on_interrupt(int signal) {
  // In this order, so that ~InterruptsWait in another thread can't miss it.
  waiting_signal = signal;
  if (waits == 0) end(signal);
}

}  // namespace

void end_on_interrupt() {
  at_terminal = isatty(STDERR_FILENO) == 1;
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

InterruptsWait::InterruptsWait() { ++waits; }

InterruptsWait::~InterruptsWait() {
  if (--waits == 0 && waiting_signal != 0) end(waiting_signal);
}

bool InterruptsWait::requested() { return waiting_signal != 0; }

}  // namespace linreg::app
