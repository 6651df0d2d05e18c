#include "cli/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "system/files.hpp"
#include "system/terminal.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view text, std::string_view right) {
  throw UsageError(fmt::format("{} is '{}', but must be {}", option, text, right));
}

/// A number's text without what Python's int() and float() take and std::from_chars does not: space
/// around it, a plus sign, and underscores between digits.
std::string plain_number(std::string_view text) {
  constexpr std::string_view space = " \t\n\v\f\r";
  const auto is_digit = [](char c) { return '0' <= c && c <= '9'; };
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  text = text.substr(0, text.find_last_not_of(space) + 1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool joins_digits = text[i] == '_' && 0 < i && i + 1 < text.size() &&
                              is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (!joins_digits) plain += text[i];
  }
  return plain;
}

/// The number that the whole of `text` spells, as Python reads it.
template <typename Number>
std::optional<Number> parse(std::string_view text) {
  const std::string plain = plain_number(text);
  const char* const end = plain.data() + plain.size();
  Number number{};
  const auto [rest, error] = std::from_chars(plain.data(), end, number);
  if (rest != end || plain.empty()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (error == std::errc::result_out_of_range) return std::strtod(plain.c_str(), nullptr);
  }
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

/// A finite number that float32, which the training computes in, does not turn into infinity.
std::optional<double> parse_real(std::string_view text) {
  const auto number = parse<double>(text);
  if (!(number && std::abs(*number) <= std::numeric_limits<float>::max())) return std::nullopt;
  return number;
}

report::Seed parse_seed(std::string_view option, std::string_view text) {
  if (const auto seed = parse<std::uint64_t>(text)) return {*seed, false};
  if (const auto seed = parse<std::int64_t>(text)) {
    return {0 - static_cast<std::uint64_t>(*seed), *seed < 0};
  }
  refuse(option, text, "an integer from -2^63 to 2^64 - 1, as for torch.manual_seed");
}

std::vector<double> parse_weights(std::string_view option, std::string_view text) {
  std::vector<double> weights;
  for (const std::string& word : split_at_commas(std::string(text))) {
    const auto weight = parse_real(word);
    if (!weight) refuse(option, text, "finite float32 numbers joined by commas, such as 2,-3.4");
    weights.push_back(*weight);
  }
  return weights;
}

/// The number of letters to change, insert or delete between two words (Levenshtein's distance).
std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

void add_option(CLI::App& command, const std::string& name, const std::string& value,
                const std::string& help,
                std::function<void(const std::string& name, const std::string& text)> set) {
  const auto parse = [name, set = std::move(set)](const std::string& text) {
    if (text.starts_with("--")) refuse(name, text, "followed by a value, not by an option");
    set(name, text);
  };
  command.add_option_function<std::string>(name, parse, help)->type_name(value);
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    words.push_back(text.substr(first, comma - first));
    first = comma + 1;
  }
  return words;
}

std::int64_t parse_integer(std::string_view option, std::string_view text, std::int64_t least,
                           std::int64_t greatest) {
  const auto number = parse<std::int64_t>(text);
  if (!number || *number < least || *number > greatest) {
    refuse(option, text, fmt::format("an integer from {} to {}", least, greatest));
  }
  return *number;
}

double parse_tolerance(std::string_view option, std::string_view text) {
  const auto number = parse<double>(text);
  if (!(number && *number >= 0 && std::isfinite(*number)))
    refuse(option, text, "a number, 0 or more");
  return *number;
}

std::optional<double> parse_lr(std::string_view text) {
  const auto lr = parse_real(text);
  return lr && *lr > 0 ? lr : std::nullopt;
}

Demo parse_demo(std::string_view option, std::string_view text) {
  const auto demo = report::find_demo(text);
  if (!demo) refuse(option, text, "scratch or concise");
  return *demo;
}

void add_options(CLI::App& command, Options& options,
                 std::initializer_list<std::string_view> except) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  report::Settings& settings = options.settings;
  const auto add = [&](const char* name, const char* value, const std::string& help,
                       const auto& set) {
    if (std::ranges::find(except, name) == except.end()) {
      add_option(command, name, value, help, set);
    }
  };
  add("--seed", "SEED", fmt::format("seed of all random numbers [{}]", settings.seed.magnitude),
      [&](auto& name, auto& text) { settings.seed = parse_seed(name, text); });
  add("--examples", "N", fmt::format("number of examples [{}]", settings.examples),
      [&](auto& name, auto& text) { settings.examples = parse_integer(name, text, 1, most); });
  add("--true-w", "W1,W2,...",
      fmt::format("weights that generate the data [{}]", fmt::join(settings.true_w, ",")),
      [&](auto& name, auto& text) { settings.true_w = parse_weights(name, text); });
  add("--true-b", "B", fmt::format("bias that generates the data [{}]", settings.true_b),
      [&](auto& name, auto& text) {
        const auto b = parse_real(text);
        if (!b) refuse(name, text, "a finite float32 number");
        settings.true_b = *b;
      });
  add("--noise", "STD", fmt::format("standard deviation of the labels' noise [{}]", settings.noise),
      [&](auto& name, auto& text) {
        const auto noise = parse_real(text);
        if (!(noise && *noise >= 0)) refuse(name, text, "a finite float32 number, 0 or more");
        settings.noise = *noise;
      });
  add("--lr", "LR", fmt::format("learning rate [{}]", settings.lr), [&](auto& name, auto& text) {
    const auto lr = parse_lr(text);
    if (!lr) refuse(name, text, "a finite float32 number above 0");
    settings.lr = *lr;
  });
  add("--epochs", "N", fmt::format("passes over the data [{}]", settings.epochs),
      [&](auto& name, auto& text) { settings.epochs = parse_integer(name, text, 0, most); });
  add("--batch-size", "N", fmt::format("examples in a minibatch [{}]", settings.batch_size),
      [&](auto& name, auto& text) { settings.batch_size = parse_integer(name, text, 1, most); });
  add("--init", "FILE",
      fmt::format("start from a state_dict file, normal or zero [{}]", settings.init),
      [&](auto& name, auto& text) {
        if (text.empty()) refuse(name, text, "normal, zero or a state_dict file");
        settings.init = text;
      });
  add("--threads", "N", "threads to compute with [LibTorch's choice]", [&](auto& name, auto& text) {
    options.threads = static_cast<int>(parse_integer(name, text, 1, 1024));
  });
  add("--json", "FILE", "write a record; - for stdout, in place of the text",
      [&](auto& name, auto& text) {
        check_writable(name, text);
        options.json = text;
      });
  add("--plot", "FILE", "draw a picture: .svg, .png or .pdf; - for the terminal",
      [&](auto& name, auto& text) {
        check_writable(name, text);
        plot_canvas(text);
        options.plot = text;
      });
}

void add_training_file_options(CLI::App& command, Options& options) {
  const auto writes_to = [](std::optional<std::string>& file) {
    return [&file](const std::string& name, const std::string& path) {
      check_writable(name, path);
      if (path == "-") refuse(name, path, "a file to write: stdout is for the text");
      std::error_code error;
      if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
        refuse(name, path, "a file to write: it is a device or a pipe");
      }
      file = path;
    };
  };
  add_option(command, "--save", "FILE", "write the trained weights; .safetensors or .pt",
             writes_to(options.save));
  add_option(command, "--checkpoint", "FILE", "write after each epoch what --resume goes on with",
             writes_to(options.checkpoint));
  add_option(command, "--resume", "FILE", "go on with the training in that checkpoint",
             [&options](const std::string&, const std::string& path) { options.resume = path; });
}

void add_engine_option(CLI::App& command, Options& options, const std::string& choice) {
  add_option(command, "--engine", "ENGINE",
             fmt::format("autograd or, sooner, fused: same bits [{}]", choice),
             [&options](auto& name, auto& text) {
               options.engine = report::find_engine(text);
               if (!options.engine) refuse(name, text, "autograd or fused");
             });
}

void add_lang_option(CLI::App& command, Options& options) {
  add_option(command, "--lang", "LANG", "language of the labels: en, or the article's zh [en]",
             [&options](auto& name, auto& text) {
               if (text != "en" && text != "zh") refuse(name, text, "en or zh");
               options.language = text == "zh" ? Language::zh : Language::en;
             });
}

void add_look_option(CLI::App& command, Options& options) {
  command
      .add_flag("--look", options.settings.look, "draw and print a minibatch before training (4.2)")
      ->disable_flag_override();
}

report::Canvas plot_canvas(const std::string& path) {
  using enum report::Canvas::Kind;
  if (path == "-") return {text, terminal_columns()};
  const std::string ending = std::filesystem::path(path).extension();
  for (const auto& [kind, its_ending] : {std::pair{svg, ".svg"}, {png, ".png"}, {pdf, ".pdf"}}) {
    if (ending == its_ending) return {kind};
  }
  refuse("--plot", path, "a file that ends in .svg, .png or .pdf, or - for a picture of text");
}

void check_together(const Options& options) {
  if (options.json == "-" && options.plot == "-") {
    throw UsageError("--json and --plot are both '-', but stdout has room for one of them");
  }
  const auto refuse_same = [](std::string_view option, const std::optional<std::string>& path,
                              std::string_view other_option,
                              const std::optional<std::string>& other_path) {
    if (path && other_path && *path != "-" && *other_path != "-" && same_file(*path, *other_path)) {
      throw UsageError(fmt::format("{} and {} are both '{}', but must be two files", option,
                                   other_option, *other_path));
    }
  };
  std::optional<std::string> init = options.settings.init;
  if (init == "normal" || init == "zero") init.reset();
  if (options.resume && options.plot) {
    throw UsageError("--plot draws every step, but --resume has only those that are left");
  }
  for (const auto& [option, path] :
       {std::pair("--save", &options.save), std::pair("--json", &options.json),
        std::pair("--plot", &options.plot)}) {
    refuse_same("--checkpoint", options.checkpoint, option, *path);
    refuse_same("--resume", options.resume, option, *path);
  }
  refuse_same("--init", init, "--checkpoint", options.checkpoint);
  refuse_same("--save", options.save, "--json", options.json);
  refuse_same("--init", init, "--json", options.json);
  refuse_same("--plot", options.plot, "--json", options.json);
  refuse_same("--save", options.save, "--plot", options.plot);
  refuse_same("--init", init, "--plot", options.plot);
}

std::string describe(const CLI::ParseError& error, const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::string name = chosen.empty() ? "linreg" : "linreg " + command.get_name();
  const std::vector<std::string> unexpected = app.remaining(/*recurse=*/true);
  if (unexpected.empty() && chosen.empty()) {
    return "which command? One of scratch, concise, compare, data, sweep, diff; see linreg --help";
  }
  if (unexpected.empty()) {
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_required() && option->count() == 0) {
        return fmt::format("{} needs {}; see {} --help", name, option->get_name(), name);
      }
    }
    const std::string message = error.what();  // begins with the option, a flag without its "--"
    const std::size_t first = message.find_first_not_of('-');
    const std::string option =
        "--" + message.substr(first, message.find_first_of(": ", first) - first);
    const CLI::Option* known = command.get_option_no_throw(option);
    const bool is_flag = known != nullptr && known->get_items_expected_max() == 0;
    return fmt::format("{} takes {}; see {} --help", option,
                       is_flag ? "no value" : "exactly one value, once", name);
  }

  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) known.push_back(option->get_name());
  if (chosen.empty()) {
    for (const CLI::App* subcommand : app.get_subcommands({}))
      known.push_back(subcommand->get_name());
  }
  const std::string word = unexpected.front().substr(0, unexpected.front().find('='));
  if (!chosen.empty() && std::ranges::count(known, word) > 0) {
    return fmt::format("{} has to come after the command: {} {}", word, name, unexpected.front());
  }
  const auto distance = [&word](const std::string& other) { return edit_distance(word, other); };
  const std::string nearest = *std::ranges::min_element(known, {}, distance);
  const bool is_misspelt = distance(nearest) <= std::min<std::size_t>(2, word.size() / 3);
  const std::string guess =
      is_misspelt ? fmt::format("; did you mean '{}'?", nearest) : std::string(";");
  return fmt::format("{} does not know '{}'{} see {} --help", name, unexpected.front(), guess,
                     name);
}

}  // namespace linreg::app
