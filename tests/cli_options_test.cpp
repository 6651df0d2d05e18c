#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <linreg/report/gnuplot.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "python_scripts.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

Options parse(std::vector<std::string> words) {
  CLI::App app("", "test");
  Options options;
  add_options(app, options);
  add_training_file_options(app, options);
  add_engine_option(app, options, "autograd");
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
  app.parse(words);
  check_together(options);
  return options;
}

TEST(Options, DefaultToTheArticlesValues) {
  const Options options = parse({});
  EXPECT_EQ(options.settings, report::Settings());
  EXPECT_EQ(options.settings.seed, report::Seed());
  EXPECT_EQ(options.settings.examples, 1000);
  EXPECT_EQ(options.settings.true_w, (std::vector<double>{2, -3.4}));
  EXPECT_EQ(options.settings.true_b, 4.2);
  EXPECT_EQ(options.settings.noise, 0.01);
  EXPECT_EQ(options.settings.lr, 0.03);
  EXPECT_EQ(options.settings.epochs, 3);
  EXPECT_EQ(options.settings.batch_size, 10);
  EXPECT_EQ(options.settings.init, "normal");
  EXPECT_FALSE(options.threads || options.json || options.save);
}

TEST(Options, SetEveryValue) {
  const Options options = parse({"--seed",
                                 "-3",
                                 "--examples=7",
                                 "--true-w",
                                 "-1,2e-3,.5",
                                 "--true-b",
                                 "-0.1",
                                 "--noise",
                                 "0",
                                 "--lr",
                                 "1e-2",
                                 "--epochs",
                                 "0",
                                 "--batch-size",
                                 "8",
                                 "--threads",
                                 "2",
                                 "--json",
                                 "-",
                                 "--init",
                                 "zero",
                                 "--save",
                                 "weights.pt",
                                 "--engine",
                                 "fused"});
  EXPECT_EQ(options.engine, Engine::fused);
  EXPECT_EQ(options.settings.seed, (report::Seed{3, true}));
  EXPECT_EQ(options.settings.examples, 7);
  EXPECT_EQ(options.settings.true_w, (std::vector<double>{-1, 0.002, 0.5}));
  EXPECT_EQ(options.settings.true_b, -0.1);
  EXPECT_EQ(options.settings.noise, 0);
  EXPECT_EQ(options.settings.lr, 0.01);
  EXPECT_EQ(options.settings.epochs, 0);
  EXPECT_EQ(options.settings.batch_size, 8);
  EXPECT_EQ(options.threads, 2);
  EXPECT_TRUE(options.json_on_stdout());
  EXPECT_EQ(options.settings.init, "zero");
  EXPECT_EQ(options.save, "weights.pt");
}

TEST(Options, AcceptEverySeedThatManualSeedAccepts) {
  EXPECT_EQ(parse({"--seed", "18446744073709551615"}).settings.seed.bits(),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse({"--seed", "-9223372036854775808"}).settings.seed.bits(), 1ULL << 63);
}

TEST(Options, TakeTheNumbersThatPythonTakes) {
  for (const char* seed : {"+5", " 5", "5\n", "\t+5 "}) {
    EXPECT_EQ(parse({"--seed", seed}).settings.seed.bits(), 5U) << seed;
  }
  EXPECT_EQ(parse({"--seed", "-1_0"}).settings.seed.bits(),
            parse({"--seed", "-10"}).settings.seed.bits());
  EXPECT_EQ(parse({"--examples", "1_000_0"}).settings.examples, 10'000);
  for (const char* lr : {"+0.03", " .03 ", "3_0.e-3", "3E-0_2"}) {
    EXPECT_EQ(parse({"--lr", lr}).settings.lr, 0.03) << lr;
  }
  EXPECT_EQ(parse({"--true-w", "2, -3.4,+1_0"}).settings.true_w, (std::vector{2.0, -3.4, 10.0}));
  EXPECT_EQ(parse({"--noise", "1e-999"}).settings.noise, 0);
}

TEST(Options, RefuseEveryUnusableValueAndNameTheOptionTheValueAndWhatWouldBeRight) {
  const std::vector<std::pair<std::string, std::string>> unusable{
      {"--engine", "jit"},
      {"--seed", "18446744073709551616"},
      {"--seed", "-9223372036854775809"},
      {"--seed", "1.5"},
      {"--seed", ""},
      {"--seed", "+-1"},
      {"--seed", "0x10"},
      {"--seed", "1e3"},
      {"--seed", "1 2"},
      {"--seed", "--5"},
      {"--seed", "++5"},
      {"--seed", "_5"},
      {"--seed", "5_"},
      {"--seed", "5__0"},
      {"--seed", "\u00a05"},
      {"--seed", "-"},
      {"--seed", "\u0661\u0662"},
      {"--seed", "99999999999999999999999999"},
      {"--examples", "+"},
      {"--examples", "1,000"},
      {"--examples", "10k"},
      {"--examples", "--epochs"},
      {"--examples", "\uff11\uff10"},
      {"--true-w", ","},
      {"--true-w", "1 2"},
      {"--true-w", "[1,2]"},
      {"--true-w", "1,NaN"},
      {"--true-w", "INF"},
      {"--true-w", "1,+-2"},
      {"--true-w", "1,-"},
      {"--true-w", "0x1p3"},
      {"--true-b", ""},
      {"--true-b", "1,2"},
      {"--true-b", "infinity"},
      {"--true-b", "-inf"},
      {"--noise", ""},
      {"--noise", "-1e-320"},
      {"--noise", "1e39"},
      {"--lr", "-0"},
      {"--lr", "-1e-320"},
      {"--lr", "0.0.1"},
      {"--lr", "0,1"},
      {"--lr", "+-0.1"},
      {"--lr", "1e_5"},
      {"--lr", "."},
      {"--lr", "1e999"},
      {"--lr", "1e-999"},
      {"--lr", "1e39"},
      {"--lr", "1e"},
      {"--epochs", ""},
      {"--epochs", "9223372036854775808"},
      {"--epochs", "3.0"},
      {"--batch-size", ""},
      {"--batch-size", "1e1"},
      {"--batch-size", "99999999999999999999"},
      {"--threads", ""},
      {"--threads", "1.0"},
      {"--threads", "1025"},
      {"--threads", "99999999999999999999"},
      {"--json", "."},
      {"--json", "/dev"},
      {"--json", "/etc/passwd/x"},
      {"--json", "nonexistent/../x"},
      {"--save", "."},
      {"--save", "/dev/full"},
      {"--examples", "0"},
      {"--examples", "-1"},
      {"--examples", "1.5"},
      {"--examples", "9223372036854775808"},
      {"--examples", "ten"},
      {"--examples", "1e3"},
      {"--true-w", ""},
      {"--true-w", "1,"},
      {"--true-w", ",1"},
      {"--true-w", "1,,2"},
      {"--true-w", "1;2"},
      {"--true-w", "nan"},
      {"--true-w", "1,inf"},
      {"--true-w", "1e39"},
      {"--true-b", "nan"},
      {"--true-b", "x"},
      {"--true-b", "1e400"},
      {"--noise", "-0.1"},
      {"--noise", "nan"},
      {"--noise", "inf"},
      {"--lr", "0"},
      {"--lr", "-1"},
      {"--lr", "nan"},
      {"--lr", "inf"},
      {"--lr", ""},
      {"--lr", "0.1x"},
      {"--epochs", "-1"},
      {"--epochs", "2.5"},
      {"--batch-size", "0"},
      {"--batch-size", "-5"},
      {"--threads", "0"},
      {"--threads", "-1"},
      {"--threads", "2000000000"},
      {"--json", ""},
      {"--json", "/"},
      {"--json", "/nonexistent/x"},
      {"--json", std::string(300, 'x')},
      {"--init", ""},
      {"--plot", ""},
      {"--plot", "picture"},
      {"--plot", "picture.gif"},
      {"--plot", "/nonexistent/x.svg"},
      {"--plot", "/dev/null"},
      {"--save", ""},
      {"--save", "-"},
      {"--save", "/"},
      {"--save", "/dev/null"},
      {"--save", "/nonexistent/x"},
      {"--save", std::string(300, 'x')}};
  for (const auto& [option, value] : unusable) {
    try {
      parse({option, value});
      ADD_FAILURE() << option << ' ' << value << " is accepted";
    } catch (const UsageError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(option + " is '" + value + "', but must be ")) << what;
    }
  }
}

/// The explanation for words that can't be parsed; empty where they can.
std::string explanation(std::vector<std::string> words) {
  CLI::App app("", "linreg");
  app.require_subcommand(1);
  Options options;
  CLI::App* scratch = app.add_subcommand("scratch");
  add_options(*scratch, options);
  app.add_subcommand("compare")->add_flag("--verbose")->disable_flag_override();
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return describe(error, app);
  }
  return "";
}

TEST(Options, ExplainWhatCannotBeParsed) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{}, "which command? One of scratch, concise, compare, data, sweep, diff; see linreg --help"},
      {{""}, "linreg does not know ''; see linreg --help"},
      {{"Scratch"}, "linreg does not know 'Scratch'; did you mean 'scratch'? see linreg --help"},
      {{"--lr", "1"}, "linreg does not know '--lr'; see linreg --help"},
      {{"--lr", "1", "scratch"}, "--lr has to come after the command: linreg scratch --lr"},
      {{"--lr=1", "scratch"}, "--lr has to come after the command: linreg scratch --lr=1"},
      {{"scratch", "1"}, "linreg scratch does not know '1'; see linreg scratch --help"},
      {{"scratch", ""}, "linreg scratch does not know ''; see linreg scratch --help"},
      {{"scratch", "--", "x"}, "linreg scratch does not know 'x'; see linreg scratch --help"},
      {{"scratch", "-lr", "1"},
       "linreg scratch does not know '-lr'; did you mean '--lr'? see linreg scratch --help"},
      {{"scratch", "--batch_size", "1"},
       "linreg scratch does not know '--batch_size'; did you mean '--batch-size'? see linreg "
       "scratch --help"},
      {{"scratch", "--learning-rate=1"},
       "linreg scratch does not know '--learning-rate=1'; see linreg scratch --help"},
      {{"scratch", "--ephocs", "1"},
       "linreg scratch does not know '--ephocs'; did you mean '--epochs'? see linreg scratch "
       "--help"},
      {{"scratch", "--ep", "1"}, "linreg scratch does not know '--ep'; see linreg scratch --help"},
      {{"scratch", "-"}, "linreg scratch does not know '-'; see linreg scratch --help"},
      {{"scratch", "--momentum", "1"},
       "linreg scratch does not know '--momentum'; see linreg scratch --help"},
      {{"scratch", "--lr"}, "--lr takes exactly one value, once; see linreg scratch --help"},
      {{"scratch", "--lr="}, "--lr takes exactly one value, once; see linreg scratch --help"},
      {{"scratch", "--lr", "1", "--lr", "1"},
       "--lr takes exactly one value, once; see linreg scratch --help"},
      {{"compare", "--verbose=1"}, "--verbose takes no value; see linreg compare --help"},
      {{"compare", "--verbose=x"}, "--verbose takes no value; see linreg compare --help"},
  };
  for (const auto& [words, expected] : wrong) EXPECT_EQ(explanation(words), expected);
}

TEST(Options, RefuseAnOptionWhereAValueIsExpected) {
  EXPECT_THROW(parse({"--json", "--plot", "x.svg"}), UsageError);
}

TEST(Options, RefuseTheSameFileForTheRecordThePictureOrTheWeights) {
  const test::TemporaryDirectory folder;
  const std::string file = folder.path() / "file";
  const std::string same = folder.path() / "." / "file";
  for (const char* option : {"--save", "--init"}) {
    try {
      parse({option, file, "--json", same});
      ADD_FAILURE() << option << " and --json to one file are accepted";
    } catch (const UsageError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(std::string(option) + " and --json are "))
          << error.what();
    }
    EXPECT_NO_THROW(parse({option, file, "--json", file + ".json"}));
    EXPECT_NO_THROW(parse({option, file, "--json", "-"}));
  }
  EXPECT_THROW(parse({"--json", "-", "--plot", "-"}), UsageError);
  EXPECT_NO_THROW(parse({"--json", file, "--plot", "-"}));
  const std::string picture = file + ".svg";
  for (const char* option : {"--json", "--save", "--init"}) {
    EXPECT_THROW(parse({option, picture, "--plot", same + ".svg"}), UsageError) << option;
    EXPECT_NO_THROW(parse({option, file, "--plot", picture}));
  }
  std::ofstream(file + ".json") << "old";
  std::filesystem::create_hard_link(file + ".json", folder.path() / "hard.svg");
  EXPECT_THROW(parse({"--json", file + ".json", "--plot", folder.path() / "hard.svg"}), UsageError);
  std::filesystem::create_symlink("new.svg", folder.path() / "dangling");
  EXPECT_THROW(parse({"--json", folder.path() / "dangling", "--plot", folder.path() / "new.svg"}),
               UsageError);
  EXPECT_NO_THROW(parse({"--init", file, "--save", file}))
      << "weights may replace those that they start from";
  EXPECT_NO_THROW(parse({"--init", "zero", "--json", "zero"})) << "zero is not a file";
}

TEST(PlotCanvas, DependsOnTheFilesEnding) {
  using enum report::Canvas::Kind;
  EXPECT_EQ(plot_canvas("a.b/picture.svg").kind, svg);
  EXPECT_EQ(plot_canvas("picture.x.png").kind, png);
  EXPECT_EQ(plot_canvas("picture.pdf").kind, pdf);
  EXPECT_EQ(plot_canvas("-").kind, text);
  for (const char* path :
       {"picture", "picture.gif", "picture.SVG", "svg", "a.svg/picture", "/dev/null"}) {
    EXPECT_THROW(plot_canvas(path), UsageError) << path;
  }
}

}  // namespace
}  // namespace linreg::app
