#include "commands/diff.hpp"

#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fnmatch.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <linreg/pytorch/diff.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "system/files.hpp"

namespace linreg::app {
namespace {

using nlohmann::ordered_json;

pytorch::TensorFile open(const std::string& path) {
  try {
    return pytorch::TensorFile(path);
  } catch (const c10::Error& error) {
    throw UsageError(error.what_without_backtrace());
  }
}

ordered_json type_of(at::ScalarType dtype, const std::vector<std::int64_t>& sizes) {
  return {{"dtype", fmt::format("{}", dtype)}, {"shape", sizes}};
}

ordered_json to_json(const pytorch::TensorDiff& tensor) {
  ordered_json json{{"name", tensor.name}, {"equal", tensor.equal()}};
  json["left"] = type_of(tensor.left_dtype, tensor.left_sizes);
  json["right"] = type_of(tensor.right_dtype, tensor.right_sizes);
  if (!tensor.comparable()) return json;
  json["elements"] = tensor.elements;
  json["differing"] = tensor.differing;
  json["zeros_of_two_signs"] = tensor.zeros_of_two_signs;
  json["distance"] = tensor.distance;
  if (tensor.distance == pytorch::TensorDiff::no_number) json["distance"] = "NaN";
  if (tensor.greatest) {
    const auto& [index, left, right] = *tensor.greatest;
    json["greatest"] = {{"index", index}, {"left", left}, {"right", right}};
  }
  return json;
}

ordered_json to_json(const std::vector<pytorch::TensorFile::Entry>& tensors) {
  ordered_json json = ordered_json::array();
  for (const auto& [name, dtype, sizes] : tensors) {
    ordered_json tensor{{"name", name}};
    tensor.update(type_of(dtype, sizes));
    json.push_back(tensor);
  }
  return json;
}

}  // namespace

std::string diff_record(const DiffCommandOptions& options, const pytorch::Diff& difference) {
  const auto& [ulp, rtol, atol] = difference.tolerance;
  ordered_json json{{"left", options.left},
                    {"right", options.right},
                    {"tolerance", {{"ulp", ulp}, {"rtol", rtol}, {"atol", atol}}},
                    {"equal", difference.equal()},
                    {"tensors", ordered_json::array()}};
  for (const pytorch::TensorDiff& tensor : difference.shared) {
    json["tensors"].push_back(to_json(tensor));
  }
  json["only_left"] = to_json(difference.only_left);
  json["only_right"] = to_json(difference.only_right);
  // JSON is UTF-8, but a path need not be.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void add_diff_options(CLI::App& command, DiffCommandOptions& options) {
  command.add_option("LEFT", options.left, "a file of torch.save or safetensors")->required();
  command.add_option("RIGHT", options.right, "the file to compare with")->required();
  add_option(command, "--ulp", "N", "tolerate N units in the last place [0]",
             [&options](auto& name, auto& text) {
               options.diff.tolerance.ulp = static_cast<std::uint64_t>(
                   parse_integer(name, text, 0, std::numeric_limits<std::int64_t>::max()));
             });
  for (auto [name, tolerated] : {std::pair("--rtol", &options.diff.tolerance.rtol),
                                 std::pair("--atol", &options.diff.tolerance.atol)}) {
    add_option(
        command, name, "R", "tolerate what torch.allclose does with it [0]",
        [tolerated](auto& option, auto& text) { *tolerated = parse_tolerance(option, text); });
  }
  add_option(command, "--only", "PATTERN", "compare the names that match, such as '0.*'",
             [&options](auto&, const std::string& pattern) {
               options.diff.only = [pattern](const std::string& name) {
                 return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
               };
             });
  command.add_flag("--first", options.diff.first, "stop at the first difference, in LEFT's order")
      ->disable_flag_override();
  add_option(command, "--json", "FILE", "write the difference to FILE as JSON; - for stdout",
             [&options](auto& name, auto& path) {
               check_writable(name, path);
               options.json = path;
             });
}

int diff_command(const DiffCommandOptions& options) {
  const pytorch::TensorFile left = open(options.left);
  const pytorch::TensorFile right = open(options.right);
  const pytorch::Diff difference = [&] {
    try {
      return pytorch::diff(left, right, options.diff);
    } catch (const c10::Error& error) {  // a file that was cut, say
      throw UsageError(error.what_without_backtrace());
    }
  }();
  if (options.json) {
    const std::string text = diff_record(options, difference);
    options.json == "-" ? write_stdout(text) : write_file(*options.json, text);
  }
  if (options.json != "-") write_stdout(pytorch::to_string(difference));
  return difference.equal() ? 0 : 1;
}

}  // namespace linreg::app
