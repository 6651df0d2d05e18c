// Fuzz target of the reader of records, which the Python programs print and recorded.json holds.
// `scripts/fuzz record` runs it under libFuzzer, replay.cpp without.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <linreg/report/comparison.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using nlohmann::json;
using namespace linreg;

/// What is read can be written, and reads back the same.
void read_settings(const json& record) try {
  const report::Settings settings = report::settings_from_json(record);
  const std::string text = report::to_json(settings).dump();
  if (report::to_json(report::settings_from_json(json::parse(text))).dump() != text) std::abort();
} catch (const std::invalid_argument&) {
}

void read_run(const json& record) try {
  const report::Run run = report::run_from_json(record);
  const std::string text = report::to_json(run).dump();
  if (report::to_json(report::run_from_json(json::parse(text))).dump() != text) std::abort();
  const report::Comparison comparison = report::compare(run, run);
  if (!comparison.equal() || !comparison.within_tolerance()) std::abort();
  report::to_text(comparison, "C++", "Python");
  report::time_per_step(run, run);
} catch (const std::invalid_argument&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const json record =
      json::parse(std::string_view(reinterpret_cast<const char*>(data), size), nullptr, false);
  if (!record.is_object()) return 0;
  if (const auto settings = record.find("settings"); settings != record.end()) {
    read_settings(*settings);
  }
  const auto runs = record.find("runs");
  if (runs == record.end() || !runs->is_array()) return 0;
  for (const json& run : *runs) read_run(run);
  return 0;
}
