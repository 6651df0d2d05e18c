#pragma once

#include <filesystem>
#include <linreg/report/run.hpp>

namespace linreg::app {

/// The bytes of memory that are free: what the machine has available or, where that is less, what
/// the control groups that the program runs in or the limit of its address space leave it. Infinity
/// where the system does not say. `root` is where /proc and /sys are.
double free_memory(const std::filesystem::path& root = "/");

/// Refuses, with a UsageError that says what would fit, settings whose training takes more than
/// `free` bytes of memory; `compares` where PyTorch trains with them too, which takes more.
void check_memory(const report::Settings& settings, bool compares, double free = free_memory());

}  // namespace linreg::app
