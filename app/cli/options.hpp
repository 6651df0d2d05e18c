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

#include "system/usage_error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace linreg::app {

using report::Demo;

/// The language of the labels that a demo prints.
enum class Language { en, zh };

/// What every subcommand is told.
struct Options {
  report::Settings settings;
  std::optional<int> threads;       ///< LibTorch's own choice where empty
  std::optional<std::string> json;  ///< where the record goes; "-" is stdout
  std::optional<std::string> plot;  ///< where the picture goes; "-" is stdout, after the text
  std::optional<std::string> save;  ///< where the trained weights go
  Language language = Language::en;

  bool json_on_stdout() const { return json == "-"; }
};

/// The integer that the whole of `text` spells. Throws a UsageError, which names `option`, the text
/// and the range, unless it is one from `least` to `greatest`.
std::int64_t parse_integer(std::string_view option, std::string_view text, std::int64_t least,
                           std::int64_t greatest);

/// Gives `command` the option `name` VALUE. `set` is told its name and text and throws a UsageError
/// for a text that is unusable.
void add_option(CLI::App& command, const std::string& name, const std::string& value,
                const std::string& help,
                std::function<void(const std::string& name, const std::string& text)> set);

/// The words between the commas of `text`.
std::vector<std::string> split_at_commas(const std::string& text);

/// The learning rate that `text` spells: nothing unless it is a finite number above 0.
std::optional<double> parse_lr(std::string_view text);

/// The demo that `text` names: "scratch" or "concise". Throws a UsageError for any other text.
Demo parse_demo(std::string_view option, std::string_view text);

/// Gives `command` the options of the design, except for those that it has no use for or reads its
/// own way. They write to `options`; values out of range end the parsing with a UsageError that
/// names the option, the value and what would be right.
void add_options(CLI::App& command, Options& options,
                 std::initializer_list<std::string_view> except = {});

/// Gives `command` --save, which only a single training run has.
void add_save_option(CLI::App& command, Options& options);

/// Gives `command` --lang, for the text that scratch and concise print.
void add_lang_option(CLI::App& command, Options& options);

/// Gives `command` --look, which the article does in its concise program only.
void add_look_option(CLI::App& command, Options& options);

/// The canvas of `--plot path`: the file's ending says which kind, "-" is text as wide as the
/// terminal. Throws a UsageError for any other ending.
report::Canvas plot_canvas(const std::string& path);

/// Refuses, with a UsageError, options that are right each for itself and wrong together.
void check_together(const Options& options);

/// One line on what is wrong with a command line that `app` could not parse.
std::string describe(const CLI::ParseError& error, const CLI::App& app);

}  // namespace linreg::app
