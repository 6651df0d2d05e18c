#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <linreg/report/comparison.hpp>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/exit_status.hpp"
#include "commands/commands.hpp"
#include "commands/plot.hpp"
#include "commands/record.hpp"
#include "python/live_pytorch.hpp"
#include "system/files.hpp"
#include "system/terminal.hpp"
#include "training/analysis.hpp"
#include "training/divergence.hpp"

namespace linreg::app {
namespace {

constexpr std::array<std::string_view, 2> titles{"From scratch (article, section 3)",
                                                 "Concise (article, section 4)"};

/// "1.13.0" of "1.13.0a0" and of "1.13.0+cpu".
std::string release(const std::string& version) {
  return version.substr(0, version.find_first_not_of("0123456789."));
}

/// The vector instructions that LibTorch's kernels use here, "AVX2" say.
std::string cpu_capability() {
  const std::string config = at::show_config();
  const std::string label = "CPU capability usage: ";
  const std::size_t found = config.find(label);
  if (found == std::string::npos) return "unknown";
  const std::size_t first = found + label.size();
  return config.substr(first, config.find('\n', first) - first);
}

std::string label(const report::Run& run) {
  return fmt::format("{}, {} {}", run.implementation, run.framework, run.version);
}

std::string why_the_demos_differ(const report::Settings& settings) {
  std::string text =
      "Why the two demos differ: squared_loss halves the squared error, MSELoss does\n"
      "not: at one learning rate, the concise demo's steps are twice as long. And each\n"
      "demo shuffles in its own order";
  text += settings.init == "normal" ? ", from first weights of its own.\n" : ".\n";
  if (settings.examples % settings.batch_size != 0) {
    text +=
        "The last minibatch is short: from scratch, its gradient is still divided by the\n"
        "full batch size; concisely, by the examples that it has.\n";
  }
  return text;
}

std::string show_best_fit(const std::optional<report::BestFit>& best_fit,
                          std::span<const report::Run, 2> demos) {
  if (!best_fit) {
    return "\nNo exact answer by least squares: it would take minutes, or is not finite.\n";
  }
  return fmt::format("\nThe exact answer, by least squares, that both demos head for{}\n{}",
                     best_fit->collinear() ? " (of several,\nthe one of the least norm)" : "",
                     report::to_text(*best_fit, demos[0], demos[1]));
}

/// What the comparison came to: the line to say and the exit status.
struct Verdict {
  std::string line;
  int status;
};

Verdict judge(const std::vector<report::Comparison>& comparisons, bool same_version) {
  std::size_t values = 0;
  std::size_t different = 0;
  std::uint64_t greatest = 0;
  bool within_tolerance = true;
  for (const report::Comparison& comparison : comparisons) {
    values += comparison.values.size();
    for (const auto& value : comparison.values) different += value.ulp == 0 ? 0 : 1;
    greatest = std::max(greatest, comparison.greatest_ulp());
    within_tolerance = within_tolerance && comparison.within_tolerance();
  }
  if (different == 0) return {fmt::format("Equal to the last bit: all {} values.", values), 0};
  const std::string apart =
      greatest == report::ulp_distance_of_nan
          ? fmt::format("{} of {} values differ, some by being no number", different, values)
          : fmt::format("{} of {} values differ, by up to {} units in the last place", different,
                        values, greatest);
  if (same_version) return {fmt::format("NOT EQUAL: {}.", apart), 1};
  const report::Tolerance tolerance;
  return {
      fmt::format("{}:\n{}.\n(Another version or CPU may round otherwise; tolerated are {:g} of "
                  "a loss and\n{:g} of a weight or bias.)",
                  within_tolerance ? "Equal within tolerance" : "NOT EQUAL, even within tolerance",
                  apart, tolerance.loss, tolerance.parameter),
      within_tolerance ? 0 : 1};
}

/// Each comparison, with the two of `runs` that it is between: ours and the one after all of ours.
nlohmann::ordered_json to_json(const std::vector<report::Comparison>& comparisons,
                               std::span<const report::Run> runs) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const report::Run& right = runs[runs.size() - comparisons.size() + i];
    json.push_back({{"left", label(runs[i])},
                    {"right", label(right)},
                    {"equal", comparisons[i].equal()},
                    {"values", report::to_json(comparisons[i])}});
  }
  return json;
}

}  // namespace

void add_compare_options(CLI::App& command, CompareOptions& options) {
  add_option(command, "--pytorch", "PYTHON", "Python to run PyTorch in [the first that has it]",
             [&options](auto&, auto& python) {
               check_python(python);
               options.pytorch = python;
             });
  add_option(command, "--pytorch-timeout", "N", "seconds that each PyTorch program may take [600]",
             [&options](auto& name, auto& text) {
               options.pytorch_timeout =
                   std::chrono::seconds(parse_integer(name, text, 1, 1'000'000));
             });
  command.add_flag("--verbose", options.verbose, "show what a failing Python said")
      ->disable_flag_override();
}

int compare_command(const Options& options, const CompareOptions& compare_options) {
  const report::Settings& settings = options.settings;
  const std::array<report::Run, 2> demos{run_scratch(settings, {}).run,
                                         run_concise(settings, {}).run};
  std::vector<report::Run> runs(demos.begin(), demos.end());
  std::vector<std::string> divergences{describe_divergence(run_scratch, settings, demos[0]),
                                       describe_divergence(run_concise, settings, demos[1])};
  std::erase(divergences, "");

  std::optional<PytorchRuns> pytorch;
  bool live = false;
  std::string failure;
  StatusLine status;
  status.show("PyTorch trains the same, with both programs");
  try {
    pytorch = run_pytorch(compare_options.pytorch, settings, at::get_num_threads(),
                          compare_options.pytorch_timeout);
    live = pytorch.has_value();
    if (!live) pytorch = recorded_pytorch(settings);
  } catch (const PytorchError& error) {
    failure = error.what();
    if (compare_options.verbose && !error.words().empty()) {
      status.clear();
      write_stderr(error.words() + "\n");
    }
  }
  status.clear();

  std::string text =
      fmt::format("linreg {} with LibTorch {}, {} thread{}, {}\n", LINREG_VERSION, TORCH_VERSION,
                  at::get_num_threads(), at::get_num_threads() == 1 ? "" : "s", cpu_capability());
  std::vector<report::Comparison> comparisons;
  Verdict verdict{"", 1};
  if (pytorch) {
    text += live ? fmt::format("PyTorch {} in {}\n", pytorch->version, pytorch->python)
                 : fmt::format("PyTorch {}, recorded: no Python here imports torch\n",
                               pytorch->version);
    for (std::size_t i = 0; i < demos.size(); ++i) {
      comparisons.push_back(report::compare(demos[i], pytorch->runs[i]));
      text += fmt::format("\n{}\n{}", titles[i],
                          report::to_text(comparisons.back(), "C++", live ? "Python" : "recorded"));
      if (live) text += report::time_per_step(demos[i], pytorch->runs[i]);
      runs.push_back(pytorch->runs[i]);
    }
    verdict = judge(comparisons, live && release(pytorch->version) == release(TORCH_VERSION));
  } else {
    comparisons.push_back(report::compare(demos[0], demos[1]));
    text += fmt::format("\nBoth demos in C++\n{}",
                        report::to_text(comparisons.back(), "from scratch", "concise"));
    verdict = failure.empty()
                  ? Verdict{"Not compared with PyTorch: no Python here imports torch, and its "
                            "recorded\noutput is for the article's settings only. (Debian: apt "
                            "install python3-torch)",
                            0}
                  : Verdict{"Not compared with PyTorch: it failed.", 1};
  }
  if (!divergences.empty()) {
    verdict.line += "\nThe training diverged: not every loss is finite.";
    verdict.status = 1;
  }
  const auto exact = best_fit(settings);
  text += show_best_fit(exact, demos);
  text += fmt::format("\n{}\n\n{}", verdict.line, why_the_demos_differ(settings));
  if (!options.json_on_stdout()) write_stdout(text);

  nlohmann::ordered_json json = record(options, runs);
  json["comparison"] = to_json(comparisons, runs);
  json["best_fit"] = exact ? report::to_json(*exact) : nullptr;
  const int recorded = attempt([&] { write_record(options, json); });
  if (exact && exact->collinear()) {
    say(fmt::format(
        "the features are collinear, with the bias of rank {} below {}: many weights fit as well "
        "as the exact answer shown",
        exact->rank, exact->w.size() + 1));
  }
  if (!failure.empty()) say(failure);
  for (const std::string& line : divergences) say(line);
  const int drawn = attempt([&] {
    if (!options.plot) return;
    draw(*options.plot, report::plot_comparison(plot_canvas(*options.plot), settings, runs, exact));
  });
  return std::max({verdict.status, recorded, drawn});
}

}  // namespace linreg::app
