#pragma once

#include <linreg/report/run.hpp>

namespace linreg::app {

/// The bytes of memory that the system says are available: MemAvailable of /proc/meminfo, or less
/// where a control group (version 2) limits the program. Infinity where the system does not say.
double available_memory();

/// Throws a UsageError when training with these settings takes more than `available` bytes of
/// memory.
void check_memory(const report::Settings& settings, double available = available_memory());

}  // namespace linreg::app
