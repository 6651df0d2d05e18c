#pragma once

#include <linreg/report/run.hpp>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "cli/options.hpp"

namespace linreg::app {

/// The record that --json writes: versions, threads and settings, then the runs.
nlohmann::ordered_json make_record(const Options& options, std::span<const report::Run> runs);

/// Writes the record to the file or stdout that --json names; nothing without --json.
void write_record(const Options& options, const nlohmann::ordered_json& record);

}  // namespace linreg::app
