#include "commands/train.hpp"

#include <torch/types.h>

#include <algorithm>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/exit_status.hpp"
#include "cli/options.hpp"
#include "commands/plot.hpp"
#include "commands/record.hpp"
#include "system/files.hpp"
#include "system/interrupt.hpp"
#include "system/terminal.hpp"
#include "training/demo.hpp"
#include "training/divergence.hpp"

namespace linreg::app {

int train_command(Demo demo, const Options& options) {
  const report::Settings& settings = options.settings;
  const OnLine on_line = options.json_on_stdout() ? OnLine() : OnLine(write_stdout);
  report::ThinnedLosses step_losses;
  const OnStep keep_loss = [&step_losses](const torch::Tensor& l) {
    step_losses.add(l.detach().mean().item<float>());
    return true;
  };
  const TrainedDemo trained =
      run_demo(demo, settings, on_line, options.plot ? keep_loss : OnStep(),
               options.engine.value_or(Engine::autograd), {options.checkpoint, options.resume});
  if (on_line) on_line(error_lines(trained, options.language));

  // A file that can't be written does not keep the others from being written.
  const int saved = attempt([&] {
    if (!options.save) return;
    const DeferInterrupts until_written;
    options.save->ends_with(".safetensors")
        ? pytorch::save_safetensors_file(*options.save, trained.state)
        : pytorch::save_state_dict_file(*options.save, trained.state);
  });
  const int recorded = attempt([&] {
    write_record(options, make_record(options, {&trained.run, 1}));
  });

  const std::string divergence = describe_divergence(settings, trained.run);
  if (!divergence.empty()) warn(divergence);
  const int drawn = attempt([&] {
    if (!options.plot) return;
    draw(*options.plot,
         report::training_script(plot_canvas(*options.plot), settings, trained.run, step_losses,
                                 predictions(trained.examples, trained.run)));
  });
  return std::max({saved, recorded, drawn, divergence.empty() ? 0 : 1});
}

}  // namespace linreg::app
