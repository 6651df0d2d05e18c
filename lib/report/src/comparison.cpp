#include "linreg/report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace linreg::report {
namespace {

/// The position of x in the order of all float32 values; -0 is just below 0.
std::int64_t place(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits >= 0 ? bits : std::int64_t{-1} - (bits & 0x7fffffff);
}

bool near(float x, float y, double allowed) {
  if (!std::isfinite(x) || !std::isfinite(y)) return x == y || (std::isnan(x) && std::isnan(y));
  return std::abs(double{x} - double{y}) <= allowed;
}

std::string shortest(float x) { return fmt::format("{}", std::isnan(x) ? std::abs(x) : x); }

constexpr std::string_view row = "  {:<20}{:>17}{:>17}{:>22}\n";

}  // namespace

std::uint64_t ulp_distance(float x, float y) {
  if (std::isnan(x) && std::isnan(y)) return 0;
  if (std::isnan(x) || std::isnan(y)) return ulp_distance_of_nan;
  return static_cast<std::uint64_t>(std::abs(place(x) - place(y)));
}

bool Comparison::equal() const { return greatest_ulp() == 0; }

bool Comparison::within_tolerance() const {
  return std::ranges::all_of(values, &ComparedValue::within_tolerance);
}

std::uint64_t Comparison::greatest_ulp() const {
  std::uint64_t greatest = 0;
  for (const ComparedValue& value : values) greatest = std::max(greatest, value.ulp);
  return greatest;
}

Comparison compare(const Run& left, const Run& right, const Tolerance& tolerance) {
  if (left.epoch_loss.size() != right.epoch_loss.size() || left.w.size() != right.w.size() ||
      left.w_error.size() != left.w.size() || right.w_error.size() != right.w.size()) {
    throw std::invalid_argument(fmt::format(
        "can't compare runs of {} and {} epochs, {} and {} weights", left.epoch_loss.size(),
        right.epoch_loss.size(), left.w.size(), right.w.size()));
  }
  const auto greater = [](float x, float y) { return std::max(std::abs(x), std::abs(y)); };
  const auto parameter_allowance = [&](float x, float y) {
    return tolerance.parameter * std::max(1.0F, greater(x, y));
  };
  Comparison comparison;
  const auto add = [&](std::string name, float x, float y, double allowed) {
    comparison.values.push_back({std::move(name), x, y, ulp_distance(x, y), near(x, y, allowed)});
  };
  for (std::size_t i = 0; i < left.epoch_loss.size(); ++i) {
    const float x = left.epoch_loss[i];
    const float y = right.epoch_loss[i];
    add(fmt::format("loss, epoch {}", i + 1), x, y, std::max(tolerance.loss * greater(x, y), 1e-9));
  }
  for (std::size_t i = 0; i < left.w.size(); ++i) {
    add(fmt::format("w[{}]", i), left.w[i], right.w[i], parameter_allowance(left.w[i], right.w[i]));
  }
  add("b", left.b, right.b, parameter_allowance(left.b, right.b));
  for (std::size_t i = 0; i < left.w.size(); ++i) {
    add(fmt::format("error of w[{}]", i), left.w_error[i], right.w_error[i],
        parameter_allowance(left.w[i], right.w[i]));
  }
  add("error of b", left.b_error, right.b_error, parameter_allowance(left.b, right.b));
  return comparison;
}

std::string to_text(const Comparison& comparison, std::string_view left, std::string_view right) {
  std::string text = fmt::format(row, "", left, right, "units in last place");
  for (const ComparedValue& value : comparison.values) {
    text += fmt::format(row, value.name, shortest(value.left), shortest(value.right),
                        value.ulp == ulp_distance_of_nan ? "nan" : fmt::to_string(value.ulp));
  }
  return text;
}

std::string time_per_step(const Run& left, const Run& right, std::string_view name) {
  if (left.steps == 0 || right.steps == 0) return "";
  const auto microseconds = [](const Run& run) {
    return run.train_seconds * 1e6 / static_cast<double>(run.steps);
  };
  return fmt::format(row, name, fmt::format("{:.1f} us", microseconds(left)),
                     fmt::format("{:.1f} us", microseconds(right)),
                     fmt::format("{:.1f} times as fast", microseconds(right) / microseconds(left)));
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
  auto array = nlohmann::ordered_json::array();
  const auto number = [](float x) -> nlohmann::ordered_json {
    if (std::isfinite(x)) return x;
    return fmt::format("{}", std::isnan(x) ? std::abs(x) : x);
  };
  for (const ComparedValue& value : comparison.values) {
    array.push_back({{"name", value.name},
                     {"left", number(value.left)},
                     {"right", number(value.right)},
                     {"ulp", value.ulp},
                     {"within_tolerance", value.within_tolerance}});
  }
  return array;
}

}  // namespace linreg::report
