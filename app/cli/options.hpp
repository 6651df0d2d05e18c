#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "system/usage_error.hpp"  // IWYU pragma: export

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace linreg::app {

using report::Demo;
using report::Engine;

/// The language of the labels that a demo prints.
enum class Language { en, zh };

/// The options that the subcommands share; `data` and `sweep` take a subset of them.
struct Options {
  report::Settings settings;
  std::optional<int> threads;             ///< LibTorch's own choice where empty
  std::optional<std::string> json;        ///< where the record goes; "-" is stdout
  std::optional<std::string> plot;        ///< where the picture goes; "-" is stdout, after the text
  std::optional<std::string> save;        ///< where the trained weights go
  std::optional<std::string> checkpoint;  ///< where the training goes after each epoch
  std::optional<std::string> resume;      ///< the checkpoint to go on with
  Language language = Language::en;
  std::optional<Engine> engine;  ///< the command's own choice where empty

  bool json_on_stdout() const { return json == "-"; }
};

/// The integer that the whole of `text` spells. Throws a UsageError, which names `option`, the text
/// and the range, unless it is one from `least` to `greatest`.
std::int64_t parse_integer(std::string_view option, std::string_view text, std::int64_t least,
                           std::int64_t greatest);

/// The finite number, 0 or more, that `text` spells. Throws a UsageError for any other text.
double parse_tolerance(std::string_view option, std::string_view text);

/// Adds the option `name` VALUE. `set` receives the name and the text, and throws a UsageError for
/// a text that is unusable.
void add_option(CLI::App& command, const std::string& name, const std::string& value,
                const std::string& help,
                std::function<void(const std::string& name, const std::string& text)> set);

/// The words between the commas of `text`.
std::vector<std::string> split_at_commas(const std::string& text);

/// The learning rate that `text` spells; nothing unless it is a finite float32 number above 0.
std::optional<double> parse_lr(std::string_view text);

/// The demo that `text` names: "scratch" or "concise". Throws a UsageError for any other text.
Demo parse_demo(std::string_view option, std::string_view text);

/// Adds the shared options, which write to `options`, `except` for some. A value out of range
/// throws a UsageError that names the option, the value and what would be right.
void add_options(CLI::App& command, Options& options,
                 std::initializer_list<std::string_view> except = {});

/// Adds --save, --checkpoint and --resume, for `scratch` and `concise`.
void add_training_file_options(CLI::App& command, Options& options);

/// Adds --engine. `choice` says what the command takes without it.
void add_engine_option(CLI::App& command, Options& options, const std::string& choice);

/// Adds --lang, for the text that `scratch` and `concise` print.
void add_lang_option(CLI::App& command, Options& options);

/// Adds --look, which the article does in its concise program only.
void add_look_option(CLI::App& command, Options& options);

/// The canvas of `--plot path`: the file's ending says which kind, "-" is text as wide as the
/// terminal. Throws a UsageError for any other ending.
report::Canvas plot_canvas(const std::string& path);

/// Throws a UsageError for options that are valid one by one but not together.
void check_together(const Options& options);

/// What is wrong with a command line that `app` could not parse, in one line.
std::string describe(const CLI::ParseError& error, const CLI::App& app);

}  // namespace linreg::app
