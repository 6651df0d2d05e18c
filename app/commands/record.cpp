#include "commands/record.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "cli/options.hpp"
#include "system/files.hpp"

namespace linreg::app {

nlohmann::ordered_json make_record(const Options& options, std::span<const report::Run> runs) {
  nlohmann::ordered_json record;
  record["linreg"] = LINREG_VERSION;
  record["libtorch"] = TORCH_VERSION;
  record["threads"] = at::get_num_threads();
  record["settings"] = report::to_json(options.settings);
  record["runs"] = nlohmann::ordered_json::array();
  for (const report::Run& run : runs) record["runs"].push_back(report::to_json(run));
  return record;
}

void write_record(const Options& options, const nlohmann::ordered_json& record) {
  if (!options.json) return;
  // JSON is UTF-8, but a path need not be.
  const std::string text =
      record.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (options.json_on_stdout()) {
    write_stdout(text);
  } else {
    write_file(*options.json, text);
  }
}

}  // namespace linreg::app
