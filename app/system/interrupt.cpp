#include "system/interrupt.hpp"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace linreg::app {
namespace {

// A signal handler may use these, for they need no lock.
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<pid_t>::is_always_lock_free);
std::atomic<int> waiting_signal{0};
std::atomic<int> waits{0};
std::atomic<pid_t> group_to_kill{0};
std::atomic<bool> at_terminal{false};

[[noreturn]] void end(int signal) {
  if (group_to_kill != 0) kill(-group_to_kill, SIGKILL);
  // On a terminal, "^C" or an incomplete line stands before it.
  std::string_view line = "\nlinreg: interrupted\n";
  if (!at_terminal) line.remove_prefix(1);
  if (write(STDERR_FILENO, line.data(), line.size()) < 0) {
    // There is no one left to tell.
  }
  _exit(128 + signal);
}

void on_interrupt(int signal) {
  // In this order, so that ~DeferInterrupts in another thread can't miss it.
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

DeferInterrupts::DeferInterrupts() { ++waits; }

DeferInterrupts::~DeferInterrupts() {
  if (--waits == 0 && waiting_signal != 0) end(waiting_signal);
}

bool DeferInterrupts::requested() { return waiting_signal != 0; }

KillWhenInterrupted::KillWhenInterrupted(pid_t group) { group_to_kill = group; }

KillWhenInterrupted::~KillWhenInterrupted() { group_to_kill = 0; }

}  // namespace linreg::app
