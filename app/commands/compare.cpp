#include "commands/compare.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <linreg/report/best_fit.hpp>
#include <linreg/report/comparison.hpp>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/options.hpp"
#include "commands/plot.hpp"
#include "commands/record.hpp"
#include "python/live_pytorch.hpp"
#include "system/files.hpp"
#include "system/terminal.hpp"
#include "training/analysis.hpp"
#include "training/demo.hpp"
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
  return fmt::format("{}, {} {}", to_string(run.demo), run.framework, run.version);
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

std::string heading(const PytorchResult& pytorch) {
  std::string text =
      fmt::format("linreg {} with LibTorch {}, {} thread{}, {}\n", LINREG_VERSION, TORCH_VERSION,
                  at::get_num_threads(), at::get_num_threads() == 1 ? "" : "s", cpu_capability());
  if (!pytorch.runs) return text;
  const auto& [python, version, runs] = *pytorch.runs;
  return text +
         (pytorch.runs->is_live()
              ? fmt::format("PyTorch {} in {}\n", version, python)
              : fmt::format("PyTorch {}, recorded: no Python here imports torch\n", version));
}

std::string tables(const OwnRuns& own, const PytorchResult& pytorch,
                   const std::vector<report::Comparison>& comparisons) {
  if (!pytorch.runs) {
    return fmt::format("\nBoth demos in C++\n{}",
                       report::to_text(comparisons[0], "from scratch", "concise"));
  }
  const bool live = pytorch.runs->is_live();
  std::string text;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    text += fmt::format("\n{}\n{}", titles[i],
                        report::to_text(comparisons[i], "C++", live ? "Python" : "recorded"));
    if (!live) continue;
    text += report::time_per_step(own.runs[i], pytorch.runs->runs[i]);
    if (!own.fused.empty()) {
      text += report::time_per_step(own.fused[i], pytorch.runs->runs[i], "fused, same bits");
    }
  }
  return text;
}

std::string best_fit_table(const OwnRuns& own) {
  if (!own.best_fit) {
    return "\nNo exact answer by least squares: it would take minutes, or is not finite.\n";
  }
  return fmt::format("\nThe exact answer, by least squares, that both demos head for{}\n{}",
                     own.best_fit->collinear() ? " (of several,\nthe one of the least norm)" : "",
                     report::to_text(*own.best_fit, own.runs[0], own.runs[1]));
}

/// Our runs, then PyTorch's.
std::vector<report::Run> all_runs(const OwnRuns& own, const PytorchResult& pytorch) {
  std::vector<report::Run> runs(own.runs.begin(), own.runs.end());
  if (pytorch.runs) runs.insert(runs.end(), pytorch.runs->runs.begin(), pytorch.runs->runs.end());
  return runs;
}

/// Each comparison with the names of its runs: one of ours, and one of the last of `runs`.
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

void warn_of_what_went_wrong(const OwnRuns& own, const PytorchResult& pytorch) {
  if (own.best_fit && own.best_fit->collinear()) {
    warn(fmt::format(
        "the features are collinear, with the bias of rank {} below {}: many weights fit as well "
        "as the exact answer shown",
        own.best_fit->rank, own.best_fit->w.size() + 1));
  }
  if (!pytorch.failure.empty()) warn(pytorch.failure);
  for (const std::string& line : own.divergences) warn(line);
}

}  // namespace

void add_compare_options(CLI::App& command, CompareOptions& options) {
  add_option(command, "--pytorch", "PYTHON", "Python to run PyTorch in [the first that has it]",
             [&options](auto&, auto& python) {
               check_python(python);
               options.python = python;
             });
  add_option(
      command, "--pytorch-timeout", "N",
      fmt::format("seconds that PyTorch may take for both [{}]", options.python_timeout.count()),
      [&options](auto& name, auto& text) {
        options.python_timeout = std::chrono::seconds(parse_integer(name, text, 1, 1'000'000));
      });
  command.add_flag("--verbose", options.verbose, "show what a failing Python said")
      ->disable_flag_override();
}

OwnRuns train_here(const report::Settings& settings, std::optional<Engine> engine) {
  const Engine first = engine.value_or(Engine::autograd);
  const report::Run scratch = run_demo(Demo::scratch, settings, {}, {}, first).run;
  const TrainedDemo concise = run_demo(Demo::concise, settings, {}, {}, first);
  OwnRuns own{{scratch, concise.run}, {}, best_fit(concise.examples), {}};
  if (!engine) {
    for (const Demo demo : {Demo::scratch, Demo::concise}) {
      own.fused.push_back(run_demo(demo, settings, {}, {}, Engine::fused).run);
    }
  }
  for (const report::Run& run : own.runs) {
    const std::string divergence = describe_divergence(settings, run);
    if (!divergence.empty()) own.divergences.push_back(divergence);
  }
  return own;
}

PytorchResult train_in_pytorch(LivePytorch& pytorch, const report::Settings& settings,
                               const CompareOptions& options) {
  StatusLine status;
  status.show("PyTorch trains the same, with both programs");
  try {
    auto runs = pytorch.finish(options.python_timeout);
    return {runs ? runs : recorded_pytorch(settings), ""};
  } catch (const PytorchError& error) {
    status.clear();
    if (options.verbose && !error.python_output().empty()) {
      write_stderr(error.python_output() + "\n");
    }
    return {std::nullopt, error.what()};
  }
}

std::vector<report::Comparison> compare_runs(const OwnRuns& own, const PytorchResult& pytorch) {
  if (!pytorch.runs) return {report::compare(own.runs[0], own.runs[1])};
  return {report::compare(own.runs[0], pytorch.runs->runs[0]),
          report::compare(own.runs[1], pytorch.runs->runs[1])};
}

bool engines_agree(const OwnRuns& own) {
  for (std::size_t i = 0; i < own.fused.size(); ++i) {
    if (!report::compare(own.runs[i], own.fused[i]).equal()) return false;
  }
  return true;
}

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

Verdict conclude(const OwnRuns& own, const PytorchResult& pytorch,
                 const std::vector<report::Comparison>& comparisons) {
  Verdict verdict;
  if (pytorch.runs) {
    const bool same_version = release(pytorch.runs->version) == release(TORCH_VERSION);
    verdict = judge(comparisons, pytorch.runs->is_live() && same_version);
  } else if (pytorch.failure.empty()) {
    verdict = {
        "Not compared with PyTorch: no Python here imports torch, and its recorded\noutput "
        "is for the article's settings only. (Debian: apt install python3-torch)",
        0};
  } else {
    verdict = {"Not compared with PyTorch: it failed.", 1};
  }
  if (!engines_agree(own)) {
    verdict = {verdict.text + "\nNOT EQUAL: the fused engine gave other values than autograd.", 1};
  }
  if (!own.divergences.empty()) {
    verdict = {verdict.text + "\nThe training diverged: not every loss is finite.", 1};
  }
  return verdict;
}

int compare_command(const Options& options, const CompareOptions& compare_options) {
  const report::Settings& settings = options.settings;
  LivePytorch live(compare_options.python, settings, at::get_num_threads());
  const OwnRuns own = train_here(settings, options.engine);
  const PytorchResult pytorch = train_in_pytorch(live, settings, compare_options);
  const std::vector<report::Comparison> comparisons = compare_runs(own, pytorch);
  const Verdict verdict = conclude(own, pytorch, comparisons);

  if (!options.json_on_stdout()) {
    write_stdout(heading(pytorch) + tables(own, pytorch, comparisons) + best_fit_table(own) +
                 fmt::format("\n{}\n\n{}", verdict.text, why_the_demos_differ(settings)));
  }
  const std::vector<report::Run> runs = all_runs(own, pytorch);
  const int recorded = attempt([&] {
    nlohmann::ordered_json record = make_record(options, runs);
    record["comparison"] = to_json(comparisons, runs);
    record["best_fit"] = own.best_fit ? report::to_json(*own.best_fit) : nullptr;
    write_record(options, record);
  });
  warn_of_what_went_wrong(own, pytorch);
  const int drawn = attempt([&] {
    if (!options.plot) return;
    draw(*options.plot,
         report::comparison_script(plot_canvas(*options.plot), settings, runs, own.best_fit));
  });
  return std::max({verdict.status, recorded, drawn});
}

}  // namespace linreg::app
