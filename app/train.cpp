#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "divergence.hpp"
#include "output.hpp"
#include "record.hpp"

namespace linreg::app {

int train_command(const Options& options, RunDemo run_demo) {
  const OnLine on_line = options.json_on_stdout() ? OnLine() : OnLine(write_stdout);
  const Demo demo = run_demo(options.settings, on_line, {});
  if (on_line) on_line(error_lines(demo));
  if (options.save) pytorch::save_state_dict_file(*options.save, demo.state);
  write_record(options, record(options, std::span(&demo.run, 1)));

  const std::string divergence = describe_divergence(run_demo, options.settings, demo.run);
  if (divergence.empty()) return 0;
  fmt::print(stderr, "linreg: {}\n", divergence);
  return 1;
}

}  // namespace linreg::app
