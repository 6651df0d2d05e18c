#include <ATen/core/grad_mode.h>
#include <ATen/ops/view_as_real.h>
#include <c10/core/DefaultDtype.h>
#include <fmt/ranges.h>  // fmt::join, from fmt 11 on
#include <torch/csrc/autograd/function.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <linreg/pytorch/format.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "version.hpp"

// Reproduces torch/_tensor_str.py. Comments name its functions beside those that do their work
// here.

namespace linreg::pytorch::detail {
namespace {

// Differences between versions of torch/_tensor_str.py.

/// Before 2.9, sci_mode decided the notation but not the width.
constexpr bool sci_mode_decides_width = since(2, 9);

/// Before 2.1, edgeitems = 0 showed a long vector whole after the dots (Python's x[-0:]), raised
/// for more dimensions, and added no size.
constexpr bool zero_edgeitems_show_nothing = since(2, 1);

/// Before 2.2, str() raised for a view made without grad mode and then changed in place, which has
/// no grad_fn.
constexpr bool names_invalid_grad_fn = since(2, 2);

/// Dimensions had names before 2.13. A template, to compile where Tensor::names() is gone.
std::optional<std::string> dimension_names(const auto& tensor) {
  if constexpr (requires { tensor.names(); }) {
    if (tensor.has_names()) {
      std::vector<std::string> names;
      for (const auto& name : tensor.names()) {
        names.push_back(name.isBasic() ? fmt::format("'{}'", name.symbol().toUnqualString())
                                       : "None");
      }
      return fmt::format("({}{})", fmt::join(names, ", "), names.size() == 1 ? "," : "");
    }
  }
  return std::nullopt;
}

at::Tensor without_dimension_names(const auto& tensor) {
  if constexpr (requires { tensor.names(); }) {
    if (tensor.has_names()) return tensor.rename(c10::nullopt);
  }
  return tensor;
}

/// LibTorch's name of a dtype. It can name a dtype that an older LibTorch lacks.
std::string_view name(at::ScalarType dtype) { return c10::toString(dtype); }

/// Python's str(dtype). For the dtypes since 1.13, it is LibTorch's name in lower case.
std::string python_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte:
      return "torch.uint8";
    case at::kChar:
      return "torch.int8";
    case at::kShort:
      return "torch.int16";
    case at::kInt:
      return "torch.int32";
    case at::kLong:
      return "torch.int64";
    case at::kHalf:
      return "torch.float16";
    case at::kFloat:
      return "torch.float32";
    case at::kDouble:
      return "torch.float64";
    case at::kComplexHalf:
      return "torch.complex32";
    case at::kComplexFloat:
      return "torch.complex64";
    case at::kComplexDouble:
      return "torch.complex128";
    default:
      break;
  }
  std::string text = "torch.";
  for (const char c : name(dtype)) {
    text += 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

/// The texts of elements, in row-major order.
struct Cells {
  std::string text;
  std::vector<std::size_t> ends;  ///< ends[i]: where element i ends in `text`
  std::size_t width = 1;          ///< to align elements to; some may be wider

  std::size_t size() const { return ends.size(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  void end_cell() { ends.push_back(text.size()); }
};

Cells aligned(const Cells& cells) {
  Cells result;
  result.width = cells.width;
  result.text.reserve(cells.size() * cells.width);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view cell = cells[i];
    if (cell.size() < cells.width) result.text.append(cells.width - cell.size(), ' ');
    result.text += cell;
    result.end_cell();
  }
  return result;
}

template <typename T>
std::span<const T> elements(const at::Tensor& contiguous) {
  return {contiguous.data_ptr<T>(), static_cast<std::size_t>(contiguous.numel())};
}

Cells integers(const at::Tensor& values) {
  // Unsigned numbers keep their bits as int64, and are read back as uint64.
  const bool is_bool = values.scalar_type() == at::kBool;
  const bool is_signed = values.is_signed();
  const at::Tensor contiguous = values.to(at::kLong).contiguous();
  Cells cells;
  for (const std::int64_t value : elements<std::int64_t>(contiguous)) {
    const std::size_t begin = cells.text.size();
    if (is_bool) {
      cells.text += value != 0 ? "True" : "False";
    } else {
      const fmt::format_int digits =
          is_signed ? fmt::format_int(value) : fmt::format_int(static_cast<std::uint64_t>(value));
      cells.text.append(digits.data(), digits.size());
    }
    cells.end_cell();
    cells.width = std::max(cells.width, cells.text.size() - begin);
  }
  return cells;
}

enum class Notation { integer, fixed, scientific };

void append(std::string& text, double value, Notation notation, int precision) {
  if (std::isnan(value)) {
    text += "nan";  // without a sign, as in Python
  } else if (std::isinf(value)) {
    text += value < 0 ? "-inf" : "inf";
  } else if (notation == Notation::integer) {
    append_fixed(text, value, 0);
    text += '.';
  } else if (notation == Notation::fixed) {
    append_fixed(text, value, precision);
  } else {
    append_scientific(text, value, precision);
  }
}

/// _Formatter for floating point. The finite values other than zero decide notation and width.
Cells reals(const at::Tensor& values, const PrintOptions& options) {
  const at::Tensor contiguous = values.to(at::kDouble).contiguous();
  const std::span<const double> numbers = elements<double>(contiguous);

  // float8_e8m0fnu has no zero: where Python compares with 0, it compares with 2^-127. And Python
  // takes its NaN for finite.
  const bool e8m0 = name(values.scalar_type()) == "Float8_e8m0fnu";
  const auto counts = [e8m0](double x) {
    return e8m0 ? x != 0x1p-127 : std::isfinite(x) && x != 0;
  };

  bool any = false;
  bool nan = false;
  bool integral = true;
  double smallest = std::numeric_limits<double>::infinity();
  double largest = 0;
  for (const double x : numbers) {
    if (!counts(x)) continue;
    any = true;
    nan = nan || std::isnan(x);
    integral = integral && x == std::ceil(x);
    smallest = std::min(smallest, std::abs(x));
    largest = std::max(largest, std::abs(x));
  }
  const bool spread = !nan && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
  const auto notation_for = [&](bool scientific) {
    if (any && scientific) return Notation::scientific;
    return integral ? Notation::integer : Notation::fixed;
  };
  const Notation notation = notation_for(options.sci_mode.value_or(spread));
  const Notation width_notation = sci_mode_decides_width ? notation : notation_for(spread);

  Cells cells;
  std::string other;
  for (const double x : numbers) {
    const std::size_t begin = cells.text.size();
    append(cells.text, x, notation, options.precision);
    cells.end_cell();
    if (!counts(x)) continue;
    std::size_t length = cells.text.size() - begin;
    if (width_notation != notation) {
      other.clear();
      append(other, x, width_notation, options.precision);
      length = other.size();
    }
    cells.width = std::max(cells.width, length);
  }
  return cells;
}

/// Real and imaginary parts each have their notation and width; only the real parts are aligned.
Cells complexes(const at::Tensor& values, const PrintOptions& options) {
  const at::Tensor parts = at::view_as_real(values);
  const Cells real = aligned(reals(parts.select(-1, 0), options));
  const Cells imag = reals(parts.select(-1, 1), options);
  Cells cells;
  cells.width = real.width + imag.width + 1;
  for (std::size_t i = 0; i < real.size(); ++i) {
    cells.text += real[i];
    if (imag[i].front() != '-') cells.text += '+';
    cells.text += imag[i];
    cells.text += 'j';
    cells.end_cell();
  }
  return cells;
}

Cells cells_of(const at::Tensor& tensor, const PrintOptions& options) {
  const at::Tensor values = tensor.cpu();
  const at::ScalarType dtype = values.scalar_type();
  // Two numbers in a byte: Python prints the byte as a float.
  if (name(dtype) == "Float4_e2m1fn_x2") return aligned(reals(values.view(at::kByte), options));
  if (at::isFloatingType(dtype)) return aligned(reals(values, options));
  if (at::isComplexType(dtype)) return complexes(values, options);
  if (at::isIntegralType(dtype, /*includeBool=*/true)) return aligned(integers(values));
  throw fmt::format_error(fmt::format("can't print {} elements", python_name(dtype)));
}

/// The tensor with its elements in memory, as Python resolves it before it cuts: a negated complex
/// zero has another sign where the whole tensor is resolved at once.
at::Tensor resolved(const at::Tensor& tensor) {
  return (tensor._is_zerotensor() ? tensor.clone() : tensor).resolve_neg().resolve_conj();
}

/// get_summarized_data: only both ends of each dimension that is summarized.
at::Tensor ends(at::Tensor tensor, std::int64_t edgeitems) {
  if (edgeitems == 0 && !zero_edgeitems_show_nothing) {
    if (tensor.dim() < 2) return tensor;
    throw fmt::format_error("edgeitems = 0 can't summarize a matrix before PyTorch 2.1");
  }
  for (std::int64_t dim = tensor.dim() - 1; dim >= 0; --dim) {
    const std::int64_t size = tensor.size(dim);
    if (size <= 2 * edgeitems) continue;
    // Two windows, over the first and the last edgeitems: size becomes (2, edgeitems).
    tensor = tensor.unfold(dim, edgeitems, size - edgeitems).movedim(-1, dim + 1);
  }
  return tensor;
}

/// _tensor_str: the elements in their brackets.
class Contents {
 public:
  Contents(const at::Tensor& tensor, const PrintOptions& options)
      : options_(options),
        sizes_(tensor.sizes()),
        summarize_(static_cast<double>(tensor.numel()) > options.threshold),
        cells_(cells_of(summarize_ ? ends(resolved(tensor), options.edgeitems) : resolved(tensor),
                        options)) {}

  /// Appends the next item of dimension `dim` to `text`; its bracket stands in column `indent`.
  void write(std::string& text, std::size_t dim, int indent) {
    if (dim == sizes_.size()) {
      text += cells_[next_++];
      return;
    }
    const std::size_t inner = sizes_.size() - dim - 1;  // dimensions of an item
    const std::size_t line_breaks = std::max<std::size_t>(inner, 1);
    const std::int64_t items_per_line = inner == 0 ? elements_per_line(indent) : 1;
    const bool cut = summarize_ && sizes_[dim] > 2 * std::int64_t{options_.edgeitems};

    text += '[';
    for (std::int64_t i = 0; i < (cut ? items_when_cut(sizes_[dim]) : sizes_[dim]); ++i) {
      if (i > 0) {
        text += ',';
        if (i % items_per_line == 0) {
          text.append(line_breaks, '\n').append(static_cast<std::size_t>(indent) + 1, ' ');
        } else {
          text += ' ';
        }
      }
      if (cut && i == options_.edgeitems) {
        text += inner == 0 && !shows_nothing() ? " ..." : "...";
      } else {
        write(text, dim + 1, indent + 1);
      }
    }
    text += ']';
  }

 private:
  bool shows_nothing() const { return options_.edgeitems == 0 && zero_edgeitems_show_nothing; }

  /// The dots count as one item.
  std::int64_t items_when_cut(std::int64_t size) const {
    if (options_.edgeitems == 0) return shows_nothing() ? 1 : 1 + size;
    return 1 + 2 * std::int64_t{options_.edgeitems};
  }

  std::int64_t elements_per_line(int indent) const {
    const auto with_separator = static_cast<std::int64_t>(cells_.width) + 2;
    return std::max<std::int64_t>(1, (options_.linewidth - indent) / with_separator);
  }

  const PrintOptions& options_;
  at::IntArrayRef sizes_;
  bool summarize_;
  Cells cells_;
  std::size_t next_ = 0;
};

/// Python's str() of a tuple of integers.
std::string tuple(at::IntArrayRef sizes) {
  return fmt::format("({}{})", fmt::join(sizes, ", "), sizes.size() == 1 ? "," : "");
}

/// Python's type(tensor.grad_fn).__name__.
std::optional<std::string> grad_fn_name(const at::Tensor& tensor) {
  try {
    const auto& grad_fn = tensor.grad_fn();
    if (!grad_fn) return std::nullopt;
    const std::string name = grad_fn->name();
    const std::size_t scope = name.rfind("::");
    return scope == std::string::npos ? name : name.substr(scope + 2);
  } catch (const c10::Error&) {
    if (!names_invalid_grad_fn) throw;
    return "Invalid";
  }
}

/// _add_suffixes, which counts the last line two characters too long.
void append_suffixes(std::string& text, const std::vector<std::string>& suffixes, int indent,
                     int linewidth) {
  const std::size_t line_begin = text.rfind('\n') + 1;  // 0 where there is one line
  auto last_line = static_cast<std::int64_t>(text.size() - line_begin) + 2;
  for (const std::string& suffix : suffixes) {
    const auto length = static_cast<std::int64_t>(suffix.size());
    if (last_line + length + 2 > linewidth) {
      text.append(",\n").append(static_cast<std::size_t>(indent), ' ');
      last_line = indent + length;
    } else {
      text += ", ";
      last_line += length + 2;
    }
    text += suffix;
  }
}

void check_printable(const at::Tensor& tensor, const PrintOptions& options) {
  if (!(options.precision >= 0 && options.edgeitems >= 0)) {
    throw fmt::format_error(
        fmt::format("precision is {} and edgeitems is {}, but neither must be negative",
                    options.precision, options.edgeitems));
  }
  const char* refused = tensor.is_nested()                ? "nested tensor: unbind() it"
                        : tensor.is_quantized()           ? "quantized tensor: dequantize() it"
                        : tensor.layout() != at::kStrided ? "tensor of this layout: to_dense() it"
                                                          : nullptr;
  if (refused != nullptr) throw fmt::format_error(fmt::format("can't print a {} first", refused));
}

}  // namespace

/// _str_intern
std::string str(const at::Tensor& input, const PrintOptions& options) {
  if (!input.defined()) return "None";
  check_printable(input, options);
  const at::NoGradGuard no_grad;
  const at::Tensor tensor = without_dimension_names(input);

  const at::ScalarType dtype = tensor.scalar_type();
  const at::ScalarType default_dtype = c10::get_default_dtype_as_scalartype();
  const at::ScalarType default_complex_dtype =
      default_dtype == at::kDouble ? at::kComplexDouble : at::kComplexFloat;
  const bool without_elements = tensor.is_meta() || tensor.numel() == 0;
  // The elements themselves show that they are int64 or bool.
  const bool show_dtype =
      dtype != default_dtype && (without_elements || (dtype != default_complex_dtype &&
                                                      dtype != at::kLong && dtype != at::kBool));
  const bool show_size =
      tensor.is_meta() || (tensor.numel() == 0 && tensor.dim() != 1) ||
      (!without_elements && options.edgeitems == 0 && zero_edgeitems_show_nothing);

  std::string text = "tensor(";
  const int indent = static_cast<int>(text.size());
  if (tensor.is_meta()) {
    text += "...";
  } else if (without_elements) {
    text += "[]";
  } else {
    Contents(tensor, options).write(text, 0, indent);
  }

  std::vector<std::string> suffixes;
  if (!tensor.is_cpu()) suffixes.push_back(fmt::format("device='{}'", tensor.device().str()));
  if (show_size) suffixes.push_back("size=" + tuple(tensor.sizes()));
  if (show_dtype) suffixes.push_back("dtype=" + python_name(dtype));
  if (const auto name = grad_fn_name(input)) {
    suffixes.push_back(fmt::format("grad_fn=<{}>", *name));
  } else if (input.requires_grad()) {
    suffixes.emplace_back("requires_grad=True");
  }
  if (const auto names = dimension_names(input)) suffixes.push_back("names=" + *names);
  append_suffixes(text, suffixes, indent, options.linewidth);
  return text + ")";
}

std::string format(const at::Tensor& tensor, const NumberSpec& spec) {
  if (!tensor.defined() || tensor.dim() > 0 || tensor.is_meta()) {
    throw fmt::format_error(fmt::format(
        "{} takes no format spec, as in Python: printed(tensor, {{.precision = 2}}) has options",
        tensor.defined() ? "a tensor of " + str(tensor.sizes()) : "an undefined tensor"));
  }
  const at::NoGradGuard no_grad;
  const at::Tensor value = resolved(tensor).cpu();
  if (value.is_floating_point()) {
    return format_number(value.to(at::kDouble).item<double>(), spec);
  }
  if (value.is_complex()) {
    const auto number = value.to(at::kComplexDouble).item<c10::complex<double>>();
    return format_number(std::complex<double>(number.real(), number.imag()), spec);
  }
  const auto number = value.to(at::kLong).item<std::int64_t>();
  const bool negative = value.is_signed() && number < 0;
  const auto bits = static_cast<std::uint64_t>(number);
  return format_number(negative ? 0 - bits : bits, negative, spec);
}

std::string str(at::IntArrayRef sizes) {
  return fmt::format("torch.Size([{}])", fmt::join(sizes, ", "));
}

std::string str(at::ScalarType dtype) { return python_name(dtype); }

std::string str(at::TensorList tensors, const PrintOptions& options) {
  std::vector<std::string> texts;
  for (const at::Tensor& tensor : tensors) texts.push_back(str(tensor, options));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

}  // namespace linreg::pytorch::detail
