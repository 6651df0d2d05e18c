#include <ATen/Parallel.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <latch>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/options.hpp"
#include "commands/compare.hpp"
#include "commands/data.hpp"
#include "commands/diff.hpp"
#include "commands/sweep.hpp"
#include "commands/train.hpp"
#include "system/files.hpp"
#include "system/interrupt.hpp"
#include "system/usage_error.hpp"
#include "training/memory.hpp"

namespace linreg::app {
namespace {

/// Sets the thread count, after checking that the system can start that many: LibTorch waits for
/// threads that can't start.
void use_threads(int threads) {
  std::latch go(1);
  std::vector<std::jthread> started;
  try {
    for (int i = 0; i < threads; ++i) started.emplace_back([&go] { go.wait(); });
  } catch (const std::system_error&) {
    go.count_down();
    throw UsageError(fmt::format(
        "--threads is '{}', but must be fewer or left out: the system starts only {} more", threads,
        started.size()));
  }
  go.count_down();
  started.clear();
  at::set_num_threads(threads);
}

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
  DiffCommandOptions diff_options;
  CLI::App* scratch = app.add_subcommand("scratch", "Train from scratch (article, section 3)");
  CLI::App* concise = app.add_subcommand("concise", "Train concisely (article, section 4)");
  CLI::App* compare =
      app.add_subcommand("compare", "Train both ways, here and in PyTorch, and compare");
  CLI::App* data = app.add_subcommand("data", "Print the first example and the first minibatch");
  CLI::App* sweep = app.add_subcommand("sweep", "Train at many learning rates and batch sizes");
  CLI::App* diff = app.add_subcommand("diff", "Compare the tensors of two files");
  for (CLI::App* command : {scratch, concise, compare}) add_options(*command, options);
  for (CLI::App* command : {scratch, concise}) {
    add_training_file_options(*command, options);
    add_lang_option(*command, options);
    add_engine_option(*command, options, "autograd");
  }
  add_look_option(*concise, options);
  add_engine_option(*compare, options, "both");
  add_compare_options(*compare, compare_options);
  add_data_options(*data, data_options);
  add_options(*data, options, {"--lr", "--epochs", "--init", "--json"});
  add_sweep_options(*sweep, sweep_options);
  add_options(*sweep, options, {"--lr", "--batch-size"});
  add_engine_option(*sweep, options, "fused");
  add_diff_options(*diff, diff_options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    const int status = app.exit(asked, text, text);
    write_stdout(text.str());
    return status;
  } catch (const CLI::ParseError& error) {
    throw UsageError(describe(error, app));
  }
  if (*diff) return diff_command(diff_options);
  check_together(options);
  check_memory(options.settings);
  if (options.threads) use_threads(*options.threads);
  if (*scratch) return train_command(Demo::scratch, options);
  if (*concise) return train_command(Demo::concise, options);
  if (*data) return data_command(options, data_options);
  if (*sweep) return sweep_command(options, sweep_options);
  return compare_command(options, compare_options);
}

/// Keeps the descriptors of closed standard files from being reused for other files. Writing to a
/// closed stdout still fails.
void occupy_standard_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(file, F_GETFD) < 0) open("/dev/null", file == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace
}  // namespace linreg::app

int main(int argc, char** argv) {
  using namespace linreg::app;
  occupy_standard_files();
  end_on_interrupt();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that is too large is an error, as on a full disk
  int status = 0;
  const int failure = attempt([&] { status = run(argc, argv); });
  return failure != 0 ? failure : status;
}
