#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "python_scripts.hpp"
#include "system/usage_error.hpp"
#include "training/memory.hpp"

namespace linreg::app {
namespace {

std::string refusal(const report::Settings& settings, bool compares, double free) {
  try {
    check_memory(settings, compares, free);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(CheckMemory, TakesTheArticlesSettingsInTheLeastOfMemory) {
  EXPECT_EQ(refusal({}, true, 1e6), "");
}

TEST(CheckMemory, RefusesTooManyExamplesWithTheFigureAndWhatFits) {
  EXPECT_EQ(refusal({.examples = 1'000'000'000}, false, 8e9),
            "--examples is '1000000000', but must be at most 270000000: with 2 weights in --true-w "
            "it takes about 28 GB of memory, and 8 GB is free");
  EXPECT_EQ(refusal({.examples = 270'000'000}, false, 8e9), "");
}

TEST(CheckMemory, RefusesALargeBatchWhereASmallOneWouldFit) {
  EXPECT_EQ(refusal({.examples = 100'000'000, .true_w = {1}, .batch_size = 1'000'000'000'000},
                    false, 5e9),
            "--batch-size is '1000000000000', but must be at most 48000000: with 1 weight in "
            "--true-w it takes about 6.4 GB of memory, and 5 GB is free");
  EXPECT_EQ(refusal({.examples = 100'000'000, .true_w = {1}, .batch_size = 48'000'000}, false, 5e9),
            "");
}

TEST(CheckMemory, KnowsThatPytorchTakesMore) {
  const report::Settings settings{.examples = 10'000'000, .batch_size = 10'000'000};
  EXPECT_EQ(refusal(settings, false, 8e9), "");
  const std::string compared = refusal(settings, true, 8e9);
  EXPECT_TRUE(compared.starts_with("--batch-size is '10000000', but must be at most 4"))
      << compared;
  EXPECT_NE(compared.find("15 GB of memory in PyTorch, "), std::string::npos) << compared;
}

TEST(CheckMemory, CountsWithoutOverflow) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t batch_size : {std::int64_t{1}, most}) {
    const std::string line = refusal({.examples = most, .batch_size = batch_size}, true, 1e10);
    EXPECT_TRUE(line.starts_with("--examples is '9223372036854775807', but must be at most "))
        << line;
  }
  EXPECT_EQ(refusal({.batch_size = most}, true, 1e10), "") << "there are no more than the examples";
  const std::vector<double> true_w(65536, 1);
  EXPECT_NE(refusal({.examples = 1'000'000, .true_w = true_w}, false, 1e10).find("65536 weights"),
            std::string::npos);
}

/// A system's files, as far as they tell its memory.
class System {
 public:
  void write(const std::string& name, const std::string& text) const {
    const auto file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double free() const { return free_memory(folder_.path()); }

 private:
  test::TemporaryDirectory folder_;
};

TEST(FreeMemory, IsWhatTheMachineHasAvailable) {
  const System system;
  EXPECT_EQ(system.free(), INFINITY) << "nothing is refused where the system does not say";
  system.write("proc/meminfo", "MemTotal:  3 kB\nMemFree:  1 kB\nMemAvailable:       2 kB\n");
  EXPECT_EQ(system.free(), 2048);
}

TEST(FreeMemory, IsWhatTheControlGroupsLeaveWhereThatIsLess) {
  const System system;
  system.write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  system.write("proc/self/cgroup", "0::/user/job\n");
  system.write("sys/fs/cgroup/user/job/memory.max", "max\n");
  system.write("sys/fs/cgroup/user/job/memory.current", "5000\n");
  EXPECT_EQ(system.free(), 1'024'000'000);
  system.write("sys/fs/cgroup/user/memory.max", "9000\n");
  system.write("sys/fs/cgroup/user/memory.current", "7000\n");
  EXPECT_EQ(system.free(), 2000);
  system.write("sys/fs/cgroup/user/memory.stat", "active_file 3\ninactive_file 500\n");
  EXPECT_EQ(system.free(), 2500) << "what only caches files can be had back";
  system.write("sys/fs/cgroup/user/memory.current", "20000\n");
  EXPECT_EQ(system.free(), 0);
}

TEST(FreeMemory, ReadsTheFirstVersionOfControlGroupsToo) {
  const System system;
  system.write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  system.write("proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/seen/from/outside\n0::/\n");
  system.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9000\n");
  system.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n");
  EXPECT_EQ(system.free(), 5000);
}

TEST(FreeMemory, IsKnownHere) {
  EXPECT_GT(free_memory(), 1e6);
  EXPECT_LT(free_memory(), 1e15);
}

}  // namespace
}  // namespace linreg::app
