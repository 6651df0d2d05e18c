#pragma once

#include <chrono>
#include <cstdint>
#include <linreg/report/run.hpp>
#include <string>

#include "cli/options.hpp"
#include "system/terminal.hpp"

namespace linreg::app {

/// "scratch: epoch 2 of 3, 1,234,000 examples/s, 12 s left", after `steps_done` steps in `seconds`.
std::string describe_progress(Demo demo, const report::Settings& settings, std::int64_t steps_done,
                              double seconds);

/// Shows the progress on a status line, after a second and then a few times a second.
class Progress {
 public:
  Progress(Demo demo, const report::Settings& settings) : demo_(demo), settings_(settings) {}

  bool is_visible() const { return line_.is_visible(); }
  void step();  ///< after each minibatch
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  Demo demo_;
  const report::Settings& settings_;
  StatusLine line_;
  std::int64_t steps_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

}  // namespace linreg::app
