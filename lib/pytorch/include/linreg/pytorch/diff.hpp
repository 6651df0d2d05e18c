#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <optional>
#include <string>
#include <vector>

/// Compares tensors name by name, to find where two programs part.
///
///     const auto difference = linreg::pytorch::diff(ours, load_state_dict_file("theirs.pt"));
///     EXPECT_TRUE(difference.equal()) << difference;  // in a GoogleTest
namespace linreg::pytorch {

/// Which differences count as none: an element is equal that is so by either measure. By default
/// only what compares equal is: 0 and -0, or two NaNs, whatever their bits.
struct Tolerance {
  std::uint64_t ulp = 0;  ///< units in the last place; of an integer, units
  double rtol = 0;        ///< with atol, as in torch.allclose(left, right, rtol, atol)
  double atol = 0;
};

/// One tensor's difference.
struct TensorDiff {
  /// An element of both sides, as Python prints its number.
  struct Element {
    std::vector<std::int64_t> index;
    std::string left;
    std::string right;
  };

  std::string name;
  at::ScalarType left_dtype, right_dtype;
  std::vector<std::int64_t> left_sizes, right_sizes;
  std::int64_t elements = 0;
  std::int64_t differing = 0;           ///< elements that are not equal within the tolerance
  std::int64_t zeros_of_two_signs = 0;  ///< 0 on one side, -0 on the other, which are equal
  /// The greatest distance of two elements, and the first element that has it: in units in the last
  /// place for floats, the worse part's for complex, the absolute difference for integers.
  /// no_number where one side alone is NaN.
  std::uint64_t distance = 0;
  std::optional<Element> greatest = {};  ///< nothing where all distances are 0

  static constexpr std::uint64_t no_number = UINT64_MAX;

  bool comparable() const { return left_dtype == right_dtype && left_sizes == right_sizes; }
  bool equal() const { return comparable() && differing == 0; }
};

struct Diff {
  std::vector<TensorDiff> shared = {};  ///< in the left side's order
  std::vector<TensorFile::Entry> only_left = {};
  std::vector<TensorFile::Entry> only_right = {};
  Tolerance tolerance = {};
  bool stopped_at_first = false;  ///< at the first difference, if there is one

  bool equal() const;
};

/// The difference of two tensors of one name.
/// @throws c10::Error for a tensor that is undefined, not dense or not on the CPU.
TensorDiff diff(const std::string& name, const at::Tensor& left, const at::Tensor& right,
                const Tolerance& tolerance = {});

Diff diff(const StateDict& left, const StateDict& right, const Tolerance& tolerance = {});

/// What of two files is compared.
struct DiffOptions {
  Tolerance tolerance;
  bool first = false;  ///< stops at the first difference, in the left file's order
  /// Which names are compared; all where empty.
  std::function<bool(const std::string& name)> only = {};
};

/// Reads a tensor of each file at a time.
Diff diff(const TensorFile& left, const TensorFile& right, const DiffOptions& options = {});

/// The difference in words: a line or two for each tensor, in 80 columns but for longer names, with
/// the differing ones first where there are over 40, and a line that says whether all are equal. Of
/// a comparison that stopped at the first difference, that alone.
std::string to_string(const Diff& difference);

std::ostream& operator<<(std::ostream& out, const Diff& difference);

}  // namespace linreg::pytorch
