#include "training/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <linreg/report/run.hpp>
#include <string>

#include "cli/options.hpp"

namespace linreg::app {
namespace {

/// 1234567 as "1,234,567".
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 100) return fmt::format("{} s", whole);
  if (whole < 100 * 60) return fmt::format("{} min", (whole + 30) / 60);
  return fmt::format("{} h", (whole + 1800) / 3600);
}

}  // namespace

std::string describe_progress(Demo demo, const report::Settings& settings, std::int64_t steps_done,
                              double seconds, std::int64_t first_epoch) {
  const std::int64_t n = settings.examples;
  const std::int64_t k = std::min(n, settings.batch_size);
  const std::int64_t steps_in_epoch = settings.steps_per_epoch();
  const std::int64_t epochs_done = steps_done / steps_in_epoch;
  const double examples_done = static_cast<double>(epochs_done) * static_cast<double>(n) +
                               static_cast<double>(steps_done % steps_in_epoch * k);
  const double all = static_cast<double>(settings.epochs - first_epoch) * static_cast<double>(n);
  const double rate = examples_done / seconds;
  return fmt::format("{}: epoch {} of {}, {} examples/s, {} left", to_string(demo),
                     std::min(first_epoch + epochs_done + 1, settings.epochs), settings.epochs,
                     grouped(std::llround(rate)), duration((all - examples_done) / rate));
}

void Progress::step() {
  ++steps_;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  const std::chrono::duration<double> seconds = now - start_;
  line_.show(describe_progress(demo_, settings_, steps_, seconds.count(), first_epoch_));
}

}  // namespace linreg::app
