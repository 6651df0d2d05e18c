// Fuzz target of the command line: each line of an input is a word of it.
// `scripts/fuzz options` runs it under libFuzzer, replay.cpp without.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <linreg/report/run.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "system/usage_error.hpp"
#include "training/memory.hpp"

namespace {

using namespace linreg;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const app::Options& options) {
  const report::Settings& settings = options.settings;
  const auto finite = [](double x) { return std::isfinite(static_cast<float>(x)); };
  require(settings.examples >= 1 && settings.epochs >= 0 && settings.batch_size >= 1);
  require(!settings.true_w.empty() && std::ranges::all_of(settings.true_w, finite));
  require(finite(settings.true_b) && finite(settings.noise) && finite(settings.lr));
  require(settings.noise >= 0 && settings.lr > 0 && !settings.init.empty());
  require(!options.threads || (*options.threads >= 1 && *options.threads <= 1024));
  require(!options.json || !options.json->empty());
  require(!options.save || !options.save->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words;
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  for (std::string line; std::getline(lines, line);) words.push_back(line.c_str());
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end

  CLI::App linreg("", "linreg");
  linreg.require_subcommand(1);
  app::Options options;
  CLI::App& scratch = *linreg.add_subcommand("scratch");
  app::add_options(scratch, options);
  app::add_training_file_options(scratch, options);
  try {
    linreg.parse(words);
    app::check_together(options);
    check(options);
    app::check_memory(options.settings, /*available=*/1e9);
  } catch (const app::UsageError& error) {
    require(std::string(error.what()).starts_with("--"));
  } catch (const CLI::Success&) {  // --help
  } catch (const CLI::ParseError& error) {
    require(!app::describe(error, linreg).empty());
  }
  return 0;
}
