#include "commands/plot.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "system/files.hpp"
#include "system/process.hpp"
#include "system/terminal.hpp"

namespace linreg::app {
namespace {

/// gnuplot's picture of text without form feeds, trailing blanks and empty lines at its end.
std::string trimmed(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('\f')) line.remove_prefix(1);
    kept += line.substr(0, line.find_last_not_of(' ') + 1);
    kept += '\n';
  }
  while (kept.ends_with("\n\n")) kept.pop_back();
  return kept;
}

}  // namespace

void draw(const std::string& path, const std::string& script, std::chrono::seconds time_limit) {
  ProcessResult result;
  try {
    // -d: without ~/.gnuplot. GNUTERM may name a terminal that can't be opened here.
    result = run_process({"gnuplot", "-d"}, time_limit, script, {"GNUTERM"});
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;
    warn("no picture: there is no gnuplot here; install it (Debian: apt install gnuplot-nox)");
    return;
  }
  if (result.timed_out) {
    throw std::runtime_error(
        fmt::format("no picture: gnuplot was stopped after {} s", time_limit.count()));
  }
  if (result.flooded) {
    throw std::runtime_error(
        "no picture: gnuplot was stopped, for its output was longer than any picture");
  }
  if (result.exit_status != 0 || result.out.empty()) {
    const std::string last = last_line(result.err);
    throw std::runtime_error(fmt::format("no picture: gnuplot failed ({}): {}",
                                         describe_end(result),
                                         last.empty() ? "it drew nothing" : last));
  }
  if (path == "-") {
    write_stdout(trimmed(result.out));
  } else {
    write_file(path, result.out);
  }
}

std::vector<report::Point> to_points(const at::Tensor& x, const at::Tensor& y) {
  const auto most = static_cast<std::int64_t>(report::most_drawn_examples);
  const torch::Tensor pairs = torch::stack({x, y}, 1).slice(0, 0, most);  // shape (k, 2)
  const auto values = pairs.accessor<float, 2>();
  std::vector<report::Point> points;
  for (std::int64_t i = 0; i < pairs.size(0); ++i) points.push_back({values[i][0], values[i][1]});
  return points;
}

std::vector<report::Point> predictions(const data::Examples& examples, const report::Run& run) {
  return to_points(examples.labels.squeeze(1),
                   torch::mv(examples.features, torch::tensor(run.w)) + run.b);
}

}  // namespace linreg::app
