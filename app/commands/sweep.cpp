#include "commands/sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <linreg/report/sweep.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/options.hpp"
#include "commands/plot.hpp"
#include "commands/record.hpp"
#include "system/files.hpp"
#include "system/usage_error.hpp"
#include "training/analysis.hpp"
#include "training/demo.hpp"
#include "training/initial_weights.hpp"
#include "training/memory.hpp"

namespace linreg::app {
namespace {

std::vector<double> parse_lrs(std::string_view option, const std::string& text) {
  std::vector<double> lrs;
  for (const std::string& word : split_at_commas(text)) {
    const auto lr = parse_lr(word);
    if (!lr) {
      throw UsageError(
          fmt::format("{} is '{}', but must be finite float32 numbers above 0 joined by commas, "
                      "such as 0.01,0.1",
                      option, text));
    }
    lrs.push_back(*lr);
  }
  return lrs;
}

std::vector<std::optional<std::int64_t>> parse_batch_sizes(std::string_view option,
                                                           const std::string& text) {
  std::vector<std::optional<std::int64_t>> batch_sizes;
  for (const std::string& word : split_at_commas(text)) {
    if (word == "all") {
      batch_sizes.emplace_back(std::nullopt);
      continue;
    }
    try {
      batch_sizes.emplace_back(
          parse_integer("", word, 1, std::numeric_limits<std::int64_t>::max()));
    } catch (const UsageError&) {
      throw UsageError(
          fmt::format("{} is '{}', but must be positive integers or all, joined by "
                      "commas, such as 1,10,all",
                      option, text));
    }
  }
  return batch_sizes;
}

std::string heading(Demo demo, const report::Settings& settings, std::optional<double> stable) {
  std::string text = fmt::format("The demo {}: {} example{} of {} feature{}, {} epoch{}\n",
                                 demo == Demo::scratch ? "from scratch" : "concise",
                                 settings.examples, settings.examples == 1 ? "" : "s",
                                 settings.true_w.size(), settings.true_w.size() == 1 ? "" : "s",
                                 settings.epochs, settings.epochs == 1 ? "" : "s");
  if (stable) {
    text += fmt::format(
        "Gradient descent on these data is stable up to a learning rate of {}\n"
        "(2 over the largest eigenvalue of the loss's Hessian).\n",
        report::rounded_down(*stable));
  }
  return text + "\n" + report::sweep_head();
}

constexpr std::string_view legend =
    "\n"
    "stable to: the learning rate (lr) up to which steps come closer to the best fit,\n"
    "on average over minibatches: the smaller they are, the more they differ. Above\n"
    "it (!) a run may grow without end, and with all examples in a batch it does.\n"
    "From half of it on, steps go past the best fit, and the weights swing about it.\n";

}  // namespace

void add_sweep_options(CLI::App& command, SweepOptions& options) {
  std::vector<std::string> batch_sizes;
  for (const auto size : options.batch_sizes) {
    batch_sizes.push_back(size ? fmt::to_string(*size) : "all");
  }
  add_option(command, "--demo", "DEMO",
             fmt::format("what trains: scratch or concise [{}]", to_string(options.demo)),
             [&options](auto& name, auto& text) { options.demo = parse_demo(name, text); });
  add_option(command, "--lr", "LR1,LR2,...",
             fmt::format("learning rates [{}]", fmt::join(options.lrs, ",")),
             [&options](auto& name, auto& text) { options.lrs = parse_lrs(name, text); });
  add_option(
      command, "--batch-size", "N1,N2,...",
      fmt::format("minibatch sizes; all: every example [{}]", fmt::join(batch_sizes, ",")),
      [&options](auto& name, auto& text) { options.batch_sizes = parse_batch_sizes(name, text); });
}

int sweep_command(const Options& options, const SweepOptions& sweep_options) {
  const Demo demo = sweep_options.demo;
  const Engine engine = options.engine.value_or(Engine::fused);  // only results count here
  report::Settings settings = options.settings;
  initial_state(settings);  // refuses a wrong file before the table begins
  std::vector<std::int64_t> batch_sizes;
  for (const auto size : sweep_options.batch_sizes) {
    settings.batch_size = size.value_or(settings.examples);
    check_memory(settings);
    batch_sizes.push_back(settings.batch_size);
  }
  const auto print = [&](std::string_view text) {
    if (!options.json_on_stdout()) write_stdout(text);
  };

  std::optional<double> stable_with_all;
  std::vector<std::optional<double>> stable;  // for each batch size
  {
    const torch::Tensor features = generate_examples(settings).features;
    stable_with_all = stable_lr(demo, features, settings.examples);
    for (const std::int64_t size : batch_sizes) stable.push_back(stable_lr(demo, features, size));
  }
  print(heading(demo, settings, stable_with_all));

  std::vector<report::SweptRun> swept;
  for (std::size_t i = 0; i < batch_sizes.size(); ++i) {
    settings.batch_size = batch_sizes[i];
    for (const double lr : sweep_options.lrs) {
      settings.lr = lr;
      swept.push_back({settings, run_demo(demo, settings, {}, {}, engine).run, stable[i]});
      print(report::to_text(swept.back()));
    }
  }
  print(legend);

  nlohmann::ordered_json record = make_record(options, {});
  record["settings"].erase("lr");  // each run has its own
  record["settings"].erase("batch_size");
  record["stable_lr"] = stable_with_all ? nlohmann::ordered_json(*stable_with_all) : nullptr;
  for (const report::SweptRun& run : swept) record["runs"].push_back(report::to_json(run));
  const int recorded = attempt([&] { write_record(options, record); });
  const int drawn = attempt([&] {
    if (!options.plot) return;
    draw(*options.plot, report::sweep_script(plot_canvas(*options.plot), swept));
  });
  return std::max(recorded, drawn);
}

}  // namespace linreg::app
