#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "output.hpp"
#include "record.hpp"

namespace linreg::app {

int train_command(const Options& options, RunDemo run_demo) {
  const OnLine on_line = options.json_on_stdout() ? OnLine() : OnLine(write_stdout);
  const Demo demo = run_demo(options.settings, on_line);
  if (on_line) on_line(error_lines(demo));
  write_record(options, record(options, std::span(&demo.run, 1)));
  return 0;
}

}  // namespace linreg::app
