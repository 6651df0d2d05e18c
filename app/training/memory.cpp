#include "training/memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

constexpr double unknown = std::numeric_limits<double>::infinity();

/// The number in the file: its first word or, with a label, the word that follows that.
double number_in(const std::filesystem::path& file, const std::string& label, double otherwise) {
  std::ifstream stream(file);
  std::string word;
  while (!label.empty() && word != label && stream >> word) {
  }
  double number = 0;
  return stream >> number ? number : otherwise;  // an unlimited group says "max"
}

/// What the groups from `group` up to `top` leave, given the names of their files. Memory that only
/// caches files can be had back.
double left_by_groups(const std::filesystem::path& top, const std::filesystem::path& group,
                      const char* limit, const char* usage, const char* cache) {
  double left = unknown;
  std::filesystem::path folder = top;
  const auto look = [&] {
    const double used = number_in(folder / usage, "", 0);
    left = std::min(left, number_in(folder / limit, "", unknown) - used +
                              number_in(folder / "memory.stat", cache, 0));
  };
  look();
  for (const auto& name : group.relative_path()) {
    folder /= name;
    look();
  }
  return left;
}

/// The bytes that training takes at its peak, beyond those of a program that trains on little.
///
/// Measured for 1, 2 and 20 features, and rounded up: the data and four columns of their length
/// (the order, and the last epoch's predictions and losses), and for the minibatches one that is
/// used beside one that is being gathered, and eight columns for the graph. PyTorch's DataLoader
/// makes two tensors of each example of a minibatch.
double training_bytes(std::int64_t examples, std::int64_t batch_size, std::size_t num_features,
                      bool in_pytorch) {
  const auto n = static_cast<double>(examples);
  const double k = std::min(n, static_cast<double>(batch_size));
  const double columns = static_cast<double>(num_features) + 1;
  if (in_pytorch) return 4 * (n * (columns + 12) + k * (columns + 356));
  return 4 * (n * (columns + 4) + std::min(2 * k, n) * columns + k * 8);
}

/// The greatest number up to `most` that fits, down to two digits; 1 where none does.
std::int64_t greatest(std::int64_t most, const auto& fits) {
  std::int64_t good = 1;
  for (std::int64_t bad = most; bad - good > 1;) {
    const std::int64_t middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  std::int64_t unit = 1;
  while (good / unit >= 100) unit *= 10;
  return good / unit * unit;
}

}  // namespace

double free_memory(const std::filesystem::path& root) {
  double free = number_in(root / "proc/meminfo", "MemAvailable:", unknown) * 1024;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/group", or "0::/group"
    const std::size_t colon = line.find(':');
    const std::size_t last = line.find(':', colon + 1);
    if (last == std::string::npos) continue;
    const std::string controllers = line.substr(colon + 1, last - colon - 1);
    const std::string group = line.substr(last + 1);
    const std::filesystem::path top = root / "sys/fs/cgroup";
    if (controllers.empty()) {
      free = std::min(free,
                      left_by_groups(top, group, "memory.max", "memory.current", "inactive_file"));
    } else if (controllers == "memory") {
      free = std::min(free, left_by_groups(top / "memory", group, "memory.limit_in_bytes",
                                           "memory.usage_in_bytes", "total_inactive_file"));
    }
  }
  // ulimit -v: of the address space that the process may have, what it has not.
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const double pages = number_in(root / "proc/self/statm", "", 0);
    free = std::min(free, static_cast<double>(limit.rlim_cur) -
                              pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  return std::max(free, 0.0);
}

void check_memory(const report::Settings& settings, bool compares, double free) {
  const std::int64_t examples = settings.examples;
  const std::int64_t batch_size = settings.batch_size;
  const std::size_t d = settings.true_w.size();
  const auto bytes = [&](std::int64_t n, std::int64_t k) {
    return std::max(training_bytes(n, k, d, false), compares ? training_bytes(n, k, d, true) : 0);
  };
  const double needed = bytes(examples, batch_size);
  if (!(needed > free)) return;

  // Advice leaves a little: what is free changes from one moment to the next.
  const auto fits = [&](std::int64_t n, std::int64_t k) { return bytes(n, k) <= 0.95 * free; };
  const bool by_batch = fits(examples, std::min(batch_size, report::Settings().batch_size));
  const std::int64_t most = by_batch
                                ? greatest(batch_size, [&](auto k) { return fits(examples, k); })
                                : greatest(examples, [&](auto n) { return fits(n, batch_size); });
  throw UsageError(fmt::format(
      "{} is '{}', but must be at most {}: with {} weight{} in --true-w it takes about {:.3g} GB "
      "of memory{}, and {:.3g} GB is free",
      by_batch ? "--batch-size" : "--examples", by_batch ? batch_size : examples, most, d,
      d == 1 ? "" : "s", needed / 1e9,
      compares && needed > training_bytes(examples, batch_size, d, false) ? " in PyTorch" : "",
      free / 1e9));
}

}  // namespace linreg::app
