#pragma once

#include <cstdint>
#include <limits>
#include <linreg/report/run.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::report {

/// The distance of a NaN from a number: farther than any number.
inline constexpr std::uint64_t ulp_distance_of_nan = std::numeric_limits<std::uint64_t>::max();

/// How many float32 values lie between x and y, counting one end: 0 where both have the same bits,
/// 1 for neighbours. Any two NaN are equal; -0 and 0 are neighbours.
std::uint64_t ulp_distance(float x, float y);

/// One value of a run beside the same value of another.
struct ComparedValue {
  std::string name;  ///< "loss, epoch 1", "w[0]", "b", "error of w[0]", "error of b"
  float left = 0;
  float right = 0;
  std::uint64_t ulp = 0;          ///< their ulp_distance
  bool within_tolerance = false;  ///< see `tolerance`
};

struct Comparison {
  std::vector<ComparedValue> values;

  bool equal() const;             ///< every value to the last bit
  bool within_tolerance() const;  ///< every value
  std::uint64_t greatest_ulp() const;
};

/// How far apart two versions of PyTorch may lie. They add in another order and round otherwise
/// (another BLAS, other vector instructions), 6e-8 a time, over hundreds of steps.
struct Tolerance {
  double loss = 1e-4;       ///< of the greater loss, and never less than 1e-9
  double parameter = 1e-5;  ///< of the greater weight or bias, and never less than 1e-5; the errors
                            ///< against the truth are allowed as much as their parameters
};

/// Compares every epoch's loss, every weight, the bias and their errors.
/// Throws std::invalid_argument unless both runs have as many epochs and weights.
Comparison compare(const Run& left, const Run& right, const Tolerance& tolerance = {});

/// A table of all values, at most 80 columns wide, with the fewest digits that tell a float32 from
/// its neighbours. `left` and `right` head the columns.
std::string to_text(const Comparison& comparison, std::string_view left, std::string_view right);

/// The line that follows such a table: time per step on both sides and their ratio. Empty where no
/// step was made.
std::string time_per_step(const Run& left, const Run& right);

nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace linreg::report
