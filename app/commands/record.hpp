#pragma once

#include <linreg/report/run.hpp>
#include <nlohmann/json_fwd.hpp>
#include <span>

#include "cli/options.hpp"

namespace linreg::app {

/// The head of every record: versions, threads and settings, then the runs.
nlohmann::ordered_json record(const Options& options, std::span<const report::Run> runs);

/// Writes the record where --json asks for it, if it does.
void write_record(const Options& options, const nlohmann::ordered_json& record);

}  // namespace linreg::app
