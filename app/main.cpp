#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "attempt.hpp"
#include "commands.hpp"
#include "interrupt.hpp"
#include "memory.hpp"
#include "options.hpp"

namespace linreg::app {
namespace {

int run(int argc, char** argv) {
  CLI::App app("Linear regression with LibTorch, bit for bit as in Python's PyTorch.", "linreg");
  app.set_version_flag("--version",
                       fmt::format("linreg {} (LibTorch {})", LINREG_VERSION, TORCH_VERSION));
  app.require_subcommand(1);
  app.get_formatter()->column_width(26);

  Options options;
  CompareOptions compare_options;
  DataOptions data_options;
  SweepOptions sweep_options;
  CLI::App* scratch = app.add_subcommand("scratch", "Train from scratch (article, section 3)");
  CLI::App* concise = app.add_subcommand("concise", "Train concisely (article, section 4)");
  CLI::App* compare =
      app.add_subcommand("compare", "Train both ways, here and in PyTorch, and compare");
  CLI::App* data = app.add_subcommand("data", "Print the first example and the first minibatch");
  CLI::App* sweep = app.add_subcommand("sweep", "Train at many learning rates and batch sizes");
  for (CLI::App* command : {scratch, concise, compare}) add_options(*command, options);
  for (CLI::App* command : {scratch, concise}) add_save_option(*command, options);
  add_compare_options(*compare, compare_options);
  add_data_options(*data, data_options);
  add_options(*data, options, {"--lr", "--epochs", "--init", "--json"});
  add_sweep_options(*sweep, sweep_options);
  add_options(*sweep, options, {"--lr", "--batch-size"});

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    throw UsageError(describe(error, app));
  }
  check_together(options);
  check_memory(options.settings, /*compares=*/compare->parsed());
  if (options.threads) at::set_num_threads(*options.threads);
  if (*scratch) return train_command(options, run_scratch);
  if (*concise) return train_command(options, run_concise);
  if (*data) return data_command(options, data_options);
  if (*sweep) return sweep_command(options, sweep_options);
  return compare_command(options, compare_options);
}

}  // namespace
}  // namespace linreg::app

int main(int argc, char** argv) {
  using namespace linreg::app;
  end_on_interrupt();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow on is an error, as on a full disk
  int status = 0;
  const int failure = attempt([&] { status = run(argc, argv); });
  return failure != 0 ? failure : status;
}
