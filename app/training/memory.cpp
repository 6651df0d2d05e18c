#include "training/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <linreg/report/run.hpp>
#include <string>

#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

/// The number after `label` in the file, or its first word without a label; infinity for none.
double number_in(const char* path, const std::string& label) {
  std::ifstream file(path);
  for (std::string word; !label.empty() && file >> word && word != label;) {
  }
  double number = 0;
  return file >> number ? number : std::numeric_limits<double>::infinity();
}

/// The peak of training, measured for 1 to 20 features and rounded up. In float32 numbers for each
/// example: its d features and label, its place in the order (int64), the epoch's prediction and
/// loss; and for each one in a minibatch: the gathered row, and its part of the graph.
double training_bytes(const report::Settings& settings) {
  const auto n = static_cast<double>(settings.examples);
  const double k = std::min(n, static_cast<double>(settings.batch_size));
  const auto d = static_cast<double>(settings.true_w.size());
  return 4 * (n * (d + 5) + k * (d + 9));
}

}  // namespace

double available_memory() {
  return std::min(number_in("/proc/meminfo", "MemAvailable:") * 1024,
                  number_in("/sys/fs/cgroup/memory.max", ""));
}

void check_memory(const report::Settings& settings, double available) {
  const double needed = training_bytes(settings);
  if (needed <= available) return;
  throw UsageError(fmt::format(
      "--examples is '{}', but must be fewer, or --batch-size or --true-w smaller: training takes "
      "about {:.3g} GB of memory, and {:.3g} GB is available",
      settings.examples, needed / 1e9, available / 1e9));
}

}  // namespace linreg::app
