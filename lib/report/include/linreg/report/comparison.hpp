#pragma once

#include <cstdint>
#include <limits>
#include <linreg/report/run.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::report {

/// The distance between a NaN and a number, greater than that between any two numbers.
inline constexpr std::uint64_t ulp_distance_of_nan = std::numeric_limits<std::uint64_t>::max();

/// The distance of x and y in float32 values (units in the last place): 0 for the same bits, 1 for
/// neighbours. All NaN are equal; -0 and 0 are neighbours.
std::uint64_t ulp_distance(float x, float y);

/// One value of two runs.
struct ComparedValue {
  std::string name;  ///< "loss, epoch 1", "w[0]", "b", "error of w[0]", "error of b"
  float left = 0;
  float right = 0;
  std::uint64_t ulp = 0;          ///< their ulp_distance
  bool within_tolerance = false;  ///< see Tolerance
};

struct Comparison {
  std::vector<ComparedValue> values;

  bool equal() const;             ///< every value to the last bit
  bool within_tolerance() const;  ///< every value
  std::uint64_t greatest_ulp() const;
};

/// How far apart the runs of two versions of PyTorch may be. Another BLAS or other vector
/// instructions add in another order, and round differently by 6e-8 a time, over hundreds of steps.
struct Tolerance {
  double loss = 1e-4;       ///< relative to the greater loss; at least 1e-9 in all
  double parameter = 1e-5;  ///< relative to the greater weight or bias, and for its error against
                            ///< the truth, too; at least 1e-5 in all
};

/// Compares every epoch's loss, every weight, the bias and their errors.
/// Throws std::invalid_argument unless both runs have the same numbers of epochs and weights.
Comparison compare(const Run& left, const Run& right, const Tolerance& tolerance = {});

/// Returns a table of all values, at most 80 columns wide, with the fewest digits that identify a
/// float32. `left` and `right` are the titles of its columns.
std::string to_text(const Comparison& comparison, std::string_view left, std::string_view right);

/// Returns a line for the table's end: `name`, the time per step on both sides and their ratio.
/// Empty if either run made no step.
std::string time_per_step(const Run& left, const Run& right,
                          std::string_view name = "time per step");

nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace linreg::report
