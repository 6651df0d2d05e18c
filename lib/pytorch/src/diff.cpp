#include "linreg/pytorch/diff.hpp"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, from fmt 11 on

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <linreg/pytorch/format.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "escaped.hpp"
#include "state_dict_detail.hpp"

namespace linreg::pytorch {
namespace {

/// The bits of a floating-point format that is ordered as its magnitude's bits are.
struct FloatFormat {
  std::uint64_t sign;                 ///< the sign's bit; 0 without one
  std::uint64_t greatest;             ///< the bits of the greatest magnitude that is no NaN
  bool negative_zero_is_nan = false;  ///< formats "fnuz"
};

/// The dtype's format; nothing for a dtype that is no float. By name, for older versions of
/// LibTorch lack some.
std::optional<FloatFormat> float_format(at::ScalarType dtype) {
  const std::string_view name = c10::toString(dtype);
  if (name == "Double" || name == "ComplexDouble") return {{1ULL << 63, 0x7ff0'0000'0000'0000}};
  if (name == "Float" || name == "ComplexFloat") return {{1U << 31, 0x7f80'0000}};
  if (name == "Half" || name == "ComplexHalf") return {{0x8000, 0x7c00}};
  if (name == "BFloat16") return {{0x8000, 0x7f80}};
  if (name == "Float8_e5m2") return {{0x80, 0x7c}};
  if (name == "Float8_e4m3fn") return {{0x80, 0x7e}};
  if (name == "Float8_e5m2fnuz" || name == "Float8_e4m3fnuz") return {{0x80, 0x7f, true}};
  if (name == "Float8_e8m0fnu") return {{0, 0xfe}};
  return std::nullopt;
}

struct Distance {
  std::uint64_t units;
  bool is_zero_of_two_signs = false;
};

Distance float_distance(const FloatFormat& format, std::uint64_t left, std::uint64_t right) {
  if (left == right) return {0};
  const auto is_nan = [&](std::uint64_t bits) {
    return (bits & ~format.sign) > format.greatest ||
           (format.negative_zero_is_nan && bits == format.sign);
  };
  if (is_nan(left) || is_nan(right)) {
    return {is_nan(left) && is_nan(right) ? 0 : TensorDiff::no_number};
  }
  const std::uint64_t left_magnitude = left & ~format.sign;
  const std::uint64_t right_magnitude = right & ~format.sign;
  if ((left & format.sign) != (right & format.sign)) {
    return {left_magnitude + right_magnitude, left_magnitude + right_magnitude == 0};
  }
  return {std::max(left_magnitude, right_magnitude) - std::min(left_magnitude, right_magnitude)};
}

/// How two elements of a dtype are apart, for elements, or parts of complex ones, of type T.
template <typename T>
Distance distance(const std::optional<FloatFormat>& format, bool is_signed, T left, T right) {
  if (format) return float_distance(*format, left, right);
  if (is_signed) {
    using Signed = std::make_signed_t<T>;
    const auto a = static_cast<std::int64_t>(static_cast<Signed>(left));
    const auto b = static_cast<std::int64_t>(static_cast<Signed>(right));
    return {static_cast<std::uint64_t>(std::max(a, b)) -
            static_cast<std::uint64_t>(std::min(a, b))};
  }
  return {std::uint64_t{std::max(left, right)} - std::min(left, right)};
}

/// Elements of a dense tensor, in order, to compare; quantized ones as the numbers that they mean.
at::Tensor elements_of(const at::Tensor& tensor) {
  detail::check_dense(tensor);
  const at::Tensor plain = tensor.detach().resolve_conj().resolve_neg();
  return (plain.is_quantized() ? plain.dequantize() : plain).contiguous().reshape(-1);
}

/// The number, as Python prints it.
std::string number_text(const at::Tensor& elements, std::int64_t i) {
  const at::Tensor element = elements[i];
  const auto dtype = element.scalar_type();
  const auto text = [](double number, bool is_double) {
    if (std::isnan(number)) return std::string("nan");  // without a sign
    // The shortest that reads back to the same number.
    std::string shortest =
        is_double ? fmt::format("{}", number) : fmt::format("{}", static_cast<float>(number));
    const bool is_whole = shortest.find_first_not_of("-0123456789") == std::string::npos;
    return is_whole ? shortest + ".0" : shortest;
  };
  if (c10::isComplexType(dtype)) {
    const auto number = element.to(at::kComplexDouble).item<c10::complex<double>>();
    const bool is_double = dtype == at::kComplexDouble;
    return fmt::format("{}{}{}j", text(number.real(), is_double),
                       text(number.imag(), is_double).starts_with('-') ? "" : "+",
                       text(number.imag(), is_double));
  }
  if (float_format(dtype))
    return text(element.to(at::kDouble).item<double>(), dtype == at::kDouble);
  if (dtype == at::kBool) return element.item<bool>() ? "True" : "False";
  if (std::string_view(c10::toString(dtype)) == "UInt64") {
    std::uint64_t number = 0;
    std::memcpy(&number, element.data_ptr(), sizeof(number));
    return std::to_string(number);
  }
  if (c10::isIntegralType(dtype, /*includeBool=*/false)) {
    return std::to_string(element.to(at::kLong).item<std::int64_t>());
  }
  std::string bytes = "0x";
  for (std::int64_t byte = 0; byte < element.element_size(); ++byte) {
    bytes += fmt::format("{:02x}", static_cast<const unsigned char*>(element.data_ptr())[byte]);
  }
  return bytes;
}

/// Whether torch.allclose takes each pair of elements for close.
at::Tensor are_close(at::Tensor left, at::Tensor right, const Tolerance& tolerance) {
  if (!c10::isComplexType(left.scalar_type()) && left.scalar_type() != at::kDouble &&
      !c10::isIntegralType(left.scalar_type(), /*includeBool=*/false)) {
    left = left.to(at::kFloat);  // not every version computes with the narrow dtypes
    right = right.to(at::kFloat);
  }
  return at::isclose(left, right, tolerance.rtol, tolerance.atol, /*equal_nan=*/true);
}

std::vector<std::int64_t> unravel(std::int64_t i, const std::vector<std::int64_t>& sizes) {
  std::vector<std::int64_t> index(sizes.size());
  for (std::size_t dim = sizes.size(); dim-- > 0; i /= sizes[dim]) index[dim] = i % sizes[dim];
  return index;
}

/// Compares elements that are T, or pairs of T.
template <typename T>
void compare_elements(const at::Tensor& left, const at::Tensor& right, const Tolerance& tolerance,
                      TensorDiff& result) {
  constexpr std::int64_t block = 1 << 20;
  const auto dtype = left.scalar_type();
  const auto format = float_format(dtype);
  const std::string_view name = c10::toString(dtype);
  const bool is_signed = name == "Char" || name == "Short" || name == "Int" || name == "Long";
  const std::size_t parts = c10::isComplexType(dtype) ? 2 : 1;
  const auto* const lefts = static_cast<const T*>(left.data_ptr());
  const auto* const rights = static_cast<const T*>(right.data_ptr());
  std::int64_t greatest_at = -1;
  for (std::int64_t first = 0; first < left.numel(); first += block) {
    const std::int64_t count = std::min(block, left.numel() - first);
    const auto begin = static_cast<std::size_t>(first) * parts;
    if (std::memcmp(lefts + begin, rights + begin,
                    static_cast<std::size_t>(count) * parts * sizeof(T)) == 0) {
      continue;
    }
    at::Tensor close;
    if (tolerance.rtol > 0 || tolerance.atol > 0) {
      close = are_close(left.narrow(0, first, count), right.narrow(0, first, count), tolerance);
    }
    const bool* const is_close = close.defined() ? close.data_ptr<bool>() : nullptr;
    for (std::int64_t i = 0; i < count; ++i) {
      std::uint64_t units = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t at = begin + static_cast<std::size_t>(i) * parts + part;
        const Distance apart = distance(format, is_signed, lefts[at], rights[at]);
        units = std::max(units, apart.units);
        result.zeros_of_two_signs += apart.is_zero_of_two_signs ? 1 : 0;
      }
      if (units > result.distance) {
        result.distance = units;
        greatest_at = first + i;
      }
      const bool tolerated = units != TensorDiff::no_number && units <= tolerance.ulp;
      result.differing += tolerated || (is_close != nullptr && is_close[i]) ? 0 : 1;
    }
  }
  if (greatest_at >= 0) {
    result.greatest = {unravel(greatest_at, result.left_sizes), number_text(left, greatest_at),
                       number_text(right, greatest_at)};
  }
}

std::string type_text(at::ScalarType dtype, const std::vector<std::int64_t>& sizes) {
  std::string name = detail::str(dtype);
  name.erase(0, name.find('.') + 1);  // torch.float32
  return fmt::format("{} ({})", name, fmt::join(sizes, ", "));
}

std::string distance_text(const TensorDiff& tensor) {
  if (tensor.distance == TensorDiff::no_number) return "NaN on one side only";
  return fmt::format(
      "up to {}{}", tensor.distance,
      float_format(tensor.left_dtype) || c10::isQIntType(tensor.left_dtype) ? " ulp" : "");
}

/// What is to be said of a tensor, beside its name.
std::string description(const TensorDiff& tensor) {
  const std::string left = type_text(tensor.left_dtype, tensor.left_sizes);
  if (!tensor.comparable()) {
    return fmt::format("{} in left, {} in right", left,
                       type_text(tensor.right_dtype, tensor.right_sizes));
  }
  std::string text = fmt::format("{:20} ", left);
  if (tensor.differing > 0) {
    text += fmt::format("{} of {} differ", tensor.differing, tensor.elements);
  } else {
    text += tensor.distance > 0 ? "equal within tolerance" : "equal";
  }
  if (tensor.distance > 0) text += ", " + distance_text(tensor);
  if (tensor.zeros_of_two_signs > 0) {
    text += fmt::format("\n    {} times 0 on one side and -0 on the other, which are equal",
                        tensor.zeros_of_two_signs);
  }
  if (tensor.greatest) {
    const auto& [index, left_number, right_number] = *tensor.greatest;
    const std::string at = fmt::format("[{}]: ", fmt::join(index, ", "));
    const bool fits = at.size() + left_number.size() + right_number.size() < 56;
    text += fmt::format("\n    {}{} in left,{}{} in right", at, left_number,
                        fits ? std::string(" ") : fmt::format("\n    {:{}}", "", at.size()),
                        right_number);
  }
  return text;
}

/// The name without quotes.
std::string shown_name(const std::string& name) {
  if (name.empty()) return "(alone)";
  const std::string quoted = detail::escaped(name);
  return quoted.substr(1, quoted.size() - 2);
}

/// The name, padded to the width, and the text; below each other where they are too long.
std::string line_of(const std::string& name, const std::string& text, std::size_t width) {
  constexpr std::size_t columns = 80;
  const std::string shown = shown_name(name);
  const std::string line = fmt::format("  {:{}}  {}\n", shown, width, text);
  return shown.size() > width || line.find('\n') > columns
             ? fmt::format("  {}\n    {}\n", shown, text)
             : line;
}

std::string verdict(const Diff& difference) {
  std::size_t different = 0;
  bool any_distance = false;
  std::uint64_t greatest = 0;
  bool all_floats = true;
  for (const TensorDiff& tensor : difference.shared) {
    any_distance = any_distance || tensor.distance > 0;
    if (tensor.equal()) continue;
    ++different;
    greatest = std::max(greatest, tensor.distance);
    all_floats = all_floats && tensor.comparable() && float_format(tensor.left_dtype).has_value();
  }
  const std::size_t lone = difference.only_left.size() + difference.only_right.size();
  if (different == 0 && lone == 0) {
    return fmt::format("{}: all {} tensors.\n",
                       any_distance ? "Equal within the tolerance" : "Equal",
                       difference.shared.size());
  }
  if (difference.stopped_at_first) {
    return fmt::format("NOT EQUAL: the first difference, after {} equal tensors.\n",
                       difference.shared.size() - different);
  }
  std::string text;
  if (different > 0) {
    text += fmt::format(
        "NOT EQUAL: {} of {} shared tensors differ{}.\n", different, difference.shared.size(),
        all_floats && greatest < TensorDiff::no_number ? fmt::format(", by up to {} ulp", greatest)
                                                       : "");
  }
  if (lone > 0) {
    text += fmt::format("NOT EQUAL: {} on one side only.\n",
                        lone == 1 ? "1 tensor is" : fmt::format("{} tensors are", lone));
  }
  return text;
}

}  // namespace

bool Diff::equal() const {
  return only_left.empty() && only_right.empty() &&
         std::ranges::all_of(shared, [](const TensorDiff& tensor) { return tensor.equal(); });
}

TensorDiff diff(const std::string& name, const at::Tensor& left, const at::Tensor& right,
                const Tolerance& tolerance) {
  TORCH_CHECK(left.defined() && right.defined(), "linreg::pytorch::diff: the tensor ",
              detail::escaped(name), " is undefined");
  TensorDiff result{.name = name,
                    .left_dtype = left.scalar_type(),
                    .right_dtype = right.scalar_type(),
                    .left_sizes = left.sizes().vec(),
                    .right_sizes = right.sizes().vec(),
                    .elements = left.numel()};
  if (!result.comparable()) return result;
  const at::Tensor lefts = elements_of(left);
  const at::Tensor rights = elements_of(right);
  const auto size = lefts.element_size() / (c10::isComplexType(lefts.scalar_type()) ? 2 : 1);
  switch (size) {
    case 1:
      compare_elements<std::uint8_t>(lefts, rights, tolerance, result);
      break;
    case 2:
      compare_elements<std::uint16_t>(lefts, rights, tolerance, result);
      break;
    case 4:
      compare_elements<std::uint32_t>(lefts, rights, tolerance, result);
      break;
    case 8:
      compare_elements<std::uint64_t>(lefts, rights, tolerance, result);
      break;
    default:
      TORCH_CHECK(false, "linreg::pytorch::diff: the tensor ", detail::escaped(name),
                  " has elements of ", size, " bytes");
  }
  return result;
}

namespace {

/// Compares what two sides hold under the same names.
template <typename Side>
Diff diff_sides(const Side& left, const Side& right, const DiffOptions& options) {
  Diff result{.tolerance = options.tolerance, .stopped_at_first = options.first};
  const auto is_asked = [&](const std::string& name) {
    return !options.only || options.only(name);
  };
  std::unordered_map<std::string, std::size_t> on_right;
  for (std::size_t i = 0; i < right.size(); ++i) on_right.emplace(right.name(i), i);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string& name = left.name(i);
    if (!is_asked(name)) continue;
    const auto found = on_right.find(name);
    if (found == on_right.end()) {
      result.only_left.push_back(left.entry(i));
    } else {
      result.shared.push_back(left.diff(i, right, found->second, options.tolerance));
      on_right.erase(found);
    }
    if (options.first && !result.equal()) return result;
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (!on_right.contains(right.name(i)) || !is_asked(right.name(i))) continue;
    result.only_right.push_back(right.entry(i));
    if (options.first) return result;
  }
  return result;
}

struct InMemory {
  const StateDict& entries;

  std::size_t size() const { return entries.size(); }
  const std::string& name(std::size_t i) const { return entries[i].key(); }
  TensorFile::Entry entry(std::size_t i) const {
    const at::Tensor& tensor = entries[i].value();
    return {name(i), tensor.scalar_type(), tensor.sizes().vec()};
  }
  TensorDiff diff(std::size_t i, const InMemory& right, std::size_t j,
                  const Tolerance& tolerance) const {
    return pytorch::diff(name(i), entries[i].value(), right.entries[j].value(), tolerance);
  }
};

struct OnDisk {
  const TensorFile& file;

  std::size_t size() const { return file.entries().size(); }
  const std::string& name(std::size_t i) const { return file.entries()[i].name; }
  const TensorFile::Entry& entry(std::size_t i) const { return file.entries()[i]; }
  TensorDiff diff(std::size_t i, const OnDisk& right, std::size_t j,
                  const Tolerance& tolerance) const {
    const auto& [name, dtype, sizes] = file.entries()[i];
    const auto& [_, right_dtype, right_sizes] = right.file.entries()[j];
    if (dtype != right_dtype || sizes != right_sizes) {
      return {.name = name,
              .left_dtype = dtype,
              .right_dtype = right_dtype,
              .left_sizes = sizes,
              .right_sizes = right_sizes};
    }
    return pytorch::diff(name, file.read(i), right.file.read(j), tolerance);
  }
};

}  // namespace

Diff diff(const StateDict& left, const StateDict& right, const Tolerance& tolerance) {
  return diff_sides(InMemory{left}, InMemory{right}, {.tolerance = tolerance});
}

Diff diff(const TensorFile& left, const TensorFile& right, const DiffOptions& options) {
  return diff_sides(OnDisk{left}, OnDisk{right}, options);
}

std::string to_string(const Diff& difference) {
  constexpr std::size_t widest_name = 24;
  constexpr std::size_t most_in_order = 40;
  std::vector<const TensorDiff*> shared;
  std::size_t width = 4;
  for (const TensorDiff& tensor : difference.shared) {
    if (difference.stopped_at_first && !difference.equal() && tensor.equal()) continue;
    shared.push_back(&tensor);
    const std::size_t size = shown_name(tensor.name).size();
    if (size <= widest_name) width = std::max(width, size);
  }
  if (shared.size() > most_in_order) {
    std::ranges::stable_partition(shared,
                                  [](const TensorDiff* tensor) { return !tensor->equal(); });
  }
  std::string text;
  for (const TensorDiff* tensor : shared)
    text += line_of(tensor->name, description(*tensor), width);
  for (const auto& [side, tensors] :
       {std::pair("left", &difference.only_left), std::pair("right", &difference.only_right)}) {
    for (const TensorFile::Entry& tensor : *tensors) {
      text += fmt::format("  only in {}: {}, {}\n", side, shown_name(tensor.name),
                          type_text(tensor.dtype, tensor.sizes));
    }
  }
  return text + verdict(difference);
}

std::ostream& operator<<(std::ostream& out, const Diff& difference) {
  return out << to_string(difference);
}

}  // namespace linreg::pytorch
