#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/exit_status.hpp"
#include "commands/commands.hpp"
#include "commands/plot.hpp"
#include "commands/record.hpp"
#include "system/files.hpp"
#include "system/interrupt.hpp"
#include "system/terminal.hpp"
#include "training/divergence.hpp"

namespace linreg::app {

int train_command(const Options& options, RunDemo run_demo) {
  const OnLine on_line = options.json_on_stdout() ? OnLine() : OnLine(write_stdout);
  report::ThinnedLosses step_losses;
  const OnStep keep_loss = [&step_losses](const torch::Tensor& l) {
    step_losses.add(l.detach().mean().item<float>());
    return true;
  };
  const Demo demo = run_demo(options.settings, on_line, options.plot ? keep_loss : OnStep());
  if (on_line) on_line(error_lines(demo, options.language));

  // Where one of the files can't be written, the other is.
  const int saved = attempt([&] {
    if (!options.save) return;
    const InterruptsWait until_it_is_whole;
    pytorch::save_state_dict_file(*options.save, demo.state);
  });
  const int recorded = attempt([&] { write_record(options, record(options, {&demo.run, 1})); });

  const std::string divergence = describe_divergence(run_demo, options.settings, demo.run);
  if (!divergence.empty()) say(divergence);
  const int drawn = attempt([&] {
    if (!options.plot) return;
    draw(*options.plot,
         report::plot_training(plot_canvas(*options.plot), options.settings, demo.run, step_losses,
                               predictions(options.settings, demo.run)));
  });
  return std::max({saved, recorded, drawn, divergence.empty() ? 0 : 1});
}

}  // namespace linreg::app
