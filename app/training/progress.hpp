#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <linreg/report/run.hpp>
#include <string>

#include "cli/options.hpp"
#include "system/terminal.hpp"

namespace linreg::app {

/// "scratch: epoch 2 of 3, 1,234,000 examples/s, 12 s left", after `steps_done` steps in `seconds`,
/// which began after `first_epoch` epochs.
std::string describe_progress(Demo demo, const report::Settings& settings, std::int64_t steps_done,
                              double seconds, std::int64_t first_epoch = 0);

/// Shows the progress on a status line, after a second and then a few times a second.
class Progress {
 public:
  Progress(Demo demo, const report::Settings& settings, std::size_t first_epoch)
      : demo_(demo), settings_(settings), first_epoch_(static_cast<std::int64_t>(first_epoch)) {}

  bool is_visible() const { return line_.is_visible(); }
  void step();  ///< after each minibatch
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  Demo demo_;
  const report::Settings& settings_;
  std::int64_t first_epoch_;
  StatusLine line_;
  std::int64_t steps_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

}  // namespace linreg::app
