#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "attempt.hpp"
#include "commands.hpp"
#include "divergence.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "record.hpp"

namespace linreg::app {

int train_command(const Options& options, RunDemo run_demo) {
  const OnLine on_line = options.json_on_stdout() ? OnLine() : OnLine(write_stdout);
  const Demo demo = run_demo(options.settings, on_line, {});
  if (on_line) on_line(error_lines(demo));

  // Where one of the files can't be written, the other is.
  const int saved = attempt([&] {
    if (!options.save) return;
    const InterruptsWait until_it_is_whole;
    pytorch::save_state_dict_file(*options.save, demo.state);
  });
  const int recorded = attempt([&] { write_record(options, record(options, {&demo.run, 1})); });

  const std::string divergence = describe_divergence(run_demo, options.settings, demo.run);
  if (!divergence.empty()) fmt::print(stderr, "linreg: {}\n", divergence);
  return std::max({saved, recorded, divergence.empty() ? 0 : 1});
}

}  // namespace linreg::app
