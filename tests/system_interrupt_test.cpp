#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "system/interrupt.hpp"

namespace linreg::app {
namespace {

using testing::ExitedWithCode;

TEST(EndOnInterrupt, EndsAtOnceWithOneLineAndAShellsStatus) {
  for (const auto& [signal, status] : {std::pair{SIGHUP, 129}, {SIGINT, 130}, {SIGTERM, 143}}) {
    const auto interrupted = [signal = signal] {
      std::signal(signal, SIG_DFL);
      end_on_interrupt();
      std::raise(signal);
    };
    EXPECT_EXIT(interrupted(), ExitedWithCode(status), "^linreg: interrupted\n$");
  }
}

TEST(EndOnInterrupt, LeavesAnIgnoredSignalIgnored) {
  const auto ignoring = [] {
    std::signal(SIGINT, SIG_IGN);
    end_on_interrupt();
    std::raise(SIGINT);
    std::_Exit(0);
  };
  EXPECT_EXIT(ignoring(), ExitedWithCode(0), "^$");
}

TEST(DeferInterrupts, DelaysTheEndUntilTheLastObjectIsDestroyed) {
  const auto waiting = [] {
    std::signal(SIGTERM, SIG_DFL);
    end_on_interrupt();
    const DeferInterrupts outer;
    {
      const DeferInterrupts inner;
      EXPECT_FALSE(DeferInterrupts::requested());
      std::raise(SIGTERM);
      std::raise(SIGTERM);
      if (DeferInterrupts::requested()) fmt::print(stderr, "requested\n");
    }
    fmt::print(stderr, "still here\n");
  };
  EXPECT_EXIT(waiting(), ExitedWithCode(143), "^requested\nstill here\nlinreg: interrupted\n$");
}

}  // namespace
}  // namespace linreg::app
