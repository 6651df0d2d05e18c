#include "linreg/pytorch/module.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, from fmt 11 on
#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "version.hpp"

namespace linreg::pytorch {
namespace {

using detail::since;

/// Since 2.0, Python prints equal neighbours in a ModuleList once.
constexpr bool folds_module_lists = since(2, 0);

/// Since then, Python prints the bias of normalizing layers.
constexpr bool shows_bias_of_norms = since(2, 12);

struct Argument {
  std::string name;  ///< empty if LibTorch prints none
  std::string value;
};

struct Printed {
  std::string name;  ///< of the class
  std::vector<Argument> arguments;
};

/// Python's text of a value: True for true, (3, 3) for [3, 3].
std::string python_value(std::string value) {
  if (value == "true") return "True";
  if (value == "false") return "False";
  if (value.starts_with('[')) {
    value.front() = '(';
    value.back() = ')';
    if (value.find(',') == std::string::npos) value.insert(value.size() - 1, ",");
  }
  return value;
}

/// What LibTorch prints of this module alone, such as "torch::nn::Dropout(p=0.5, inplace=false)".
Printed printed(const torch::nn::Module& module) {
  std::ostringstream stream;
  module.pretty_print(stream);
  const std::string text = stream.str();
  const std::size_t open = std::min(text.find('('), text.size());
  Printed result{text.substr(0, open), {}};
  const std::size_t scope = result.name.rfind("::");
  if (scope != std::string::npos) result.name.erase(0, scope + 2);
  if (result.name.ends_with("Impl")) result.name.erase(result.name.size() - 4);
  if (open == text.size()) return result;

  int depth = 0;
  std::string argument;
  const auto end_argument = [&] {
    if (argument.empty()) return;
    const std::size_t equals = argument.find('=');
    const bool has_name = equals != std::string::npos;
    result.arguments.push_back({has_name ? argument.substr(0, equals) : "",
                                python_value(argument.substr(has_name ? equals + 1 : 0))});
    argument.clear();
  };
  for (const char c : std::string_view(text).substr(open + 1, text.size() - open - 2)) {
    depth += c == '[' || c == '(' ? 1 : c == ']' || c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) {
      end_argument();
    } else if (c != ' ' || !argument.empty()) {
      argument += c;
    }
  }
  end_argument();
  return result;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

void drop_defaults(std::vector<Argument>& arguments,
                   std::initializer_list<std::string_view> defaults) {
  std::erase_if(arguments, [&](const Argument& argument) {
    return is_one_of(argument.name + '=' + argument.value, defaults);
  });
}

/// "(2, 2)" as "2".
std::string one_if_equal(const std::string& value) {
  const std::string first = value.substr(1, value.find(',') - 1);
  std::string all = first;
  const auto commas = std::ranges::count(value, ',');
  for (auto i = commas; i > 0; --i) all += ", " + first;
  return value == '(' + all + ')' ? first : value;
}

/// Makes Python's arguments of LibTorch's, where a class prints other ones.
void adapt(const torch::nn::Module& module, Printed& printed) {
  auto& [name, arguments] = printed;
  if (name == "GELU") {
    arguments = {
        {"approximate", '\'' + module.as<torch::nn::GELUImpl>()->options.approximate() + '\''}};
  } else if (is_one_of(name, {"Embedding", "EmbeddingBag", "RNN", "LSTM", "GRU"})) {
    for (Argument& argument : arguments) {
      if (is_one_of(argument.name,
                    {"num_embeddings", "embedding_dim", "input_size", "hidden_size"})) {
        argument.name.clear();
      }
    }
    drop_defaults(arguments, {"num_layers=1", "bias=True", "batch_first=False", "dropout=0",
                              "bidirectional=False"});
  } else if (name.starts_with("Conv") && name.ends_with("1d")) {
    for (Argument& argument : arguments) {
      if (is_one_of(argument.name,
                    {"kernel_size", "stride", "padding", "dilation", "output_padding"})) {
        argument.value = '(' + argument.value + ",)";
      }
    }
  } else if (is_one_of(name, {"MaxPool2d", "MaxPool3d", "AvgPool2d", "AvgPool3d"})) {
    for (Argument& argument : arguments) {
      if (argument.value.starts_with('(')) argument.value = one_if_equal(argument.value);
    }
  } else if (shows_bias_of_norms && name.find("Norm") != std::string::npos) {
    const auto affine = std::ranges::find_if(
        arguments, [](const Argument& argument) { return argument.name.ends_with("affine"); });
    if (affine != arguments.end()) arguments.insert(affine + 1, {"bias", affine->value});
  }
}

std::string indented(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

struct Child {
  std::string first;
  std::string last;
  int count;
  std::string text;
};

std::string line(const Child& child) {
  const std::string text = child.count == 1 ? fmt::format("({}): {}", child.first, child.text)
                                            : fmt::format("({}-{}): {} x {}", child.first,
                                                          child.last, child.count, child.text);
  return "\n  " + indented(text);
}

}  // namespace

std::string str(const torch::nn::Module& module) {
  Printed own = printed(module);
  adapt(module, own);
  std::vector<Child> children;
  for (const auto& item : module.named_children()) {
    std::string text = str(*item.value());
    if (folds_module_lists && own.name == "ModuleList" && !children.empty() &&
        children.back().text == text) {
      children.back().last = item.key();
      ++children.back().count;
    } else {
      children.push_back({item.key(), item.key(), 1, std::move(text)});
    }
  }
  std::vector<std::string> arguments;
  for (const auto& [name, value] : own.arguments) {
    arguments.push_back(name.empty() ? value : name + '=' + value);
  }
  std::string text = own.name + '(';
  const std::string joined = fmt::format("{}", fmt::join(arguments, ", "));
  text += children.empty() || joined.empty() ? joined : "\n  " + joined;
  for (const Child& child : children) text += line(child);
  return text + (children.empty() ? ")" : "\n)");
}

}  // namespace linreg::pytorch
