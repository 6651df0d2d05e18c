#include "commands/data.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <linreg/scratch/scratch.hpp>
#include <string>

#include "cli/options.hpp"
#include "commands/plot.hpp"
#include "system/files.hpp"
#include "training/demo.hpp"

namespace linreg::app {
namespace {

/// 3.3: `print(X, '\n', y)` of the first minibatch.
std::string first_minibatch_from_scratch(const data::Examples& examples,
                                         const report::Settings& settings) {
  pytorch::Random random(settings.seed.magnitude);
  auto minibatches =
      scratch::data_iter(settings.batch_size, examples.features, examples.labels, random);
  const auto [X, y] = *minibatches.begin();
  return fmt::format("{} \n {}\n", X, y);
}

}  // namespace

void add_data_options(CLI::App& command, DataOptions& options) {
  add_option(
      command, "--loader", "DEMO",
      fmt::format("what reads it: the demo scratch or concise [{}]", to_string(options.loader)),
      [&options](auto& name, auto& text) { options.loader = parse_demo(name, text); });
}

int data_command(const Options& options, const DataOptions& data_options) {
  const data::Examples examples = generate_examples(options.settings);
  write_stdout(fmt::format("features: {} \nlabel: {}\n", torch::Tensor(examples.features[0]),
                           torch::Tensor(examples.labels[0])));
  write_stdout(data_options.loader == Demo::scratch
                   ? first_minibatch_from_scratch(examples, options.settings)
                   : first_minibatch_concisely(examples, options.settings.batch_size));
  if (options.plot) {
    const auto feature = static_cast<std::int64_t>(report::drawn_feature(options.settings));
    draw(*options.plot, report::data_script(plot_canvas(*options.plot), options.settings,
                                            to_points(examples.features.select(1, feature),
                                                      examples.labels.squeeze(1))));
  }
  return 0;
}

}  // namespace linreg::app
