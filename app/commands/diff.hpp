#pragma once

#include <linreg/pytorch/diff.hpp>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace linreg::app {

struct DiffCommandOptions {
  std::string left;
  std::string right;
  pytorch::DiffOptions diff;
  std::optional<std::string> json;  ///< where the record goes; "-" is stdout
};

/// Adds the files and the options of `linreg diff`.
void add_diff_options(CLI::App& command, DiffCommandOptions& options);

/// The difference as JSON: what --json writes.
std::string diff_record(const DiffCommandOptions& options, const pytorch::Diff& difference);

/// `linreg diff`: compares the tensors of two files. Returns 0 where they are equal within the
/// tolerance, else 1. Throws a UsageError for a file that is unusable.
int diff_command(const DiffCommandOptions& options);

}  // namespace linreg::app
