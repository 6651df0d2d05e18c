#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <linreg/pytorch/detail/number_spec.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Formats tensors byte for byte as Python does in the same version of PyTorch. format.hpp,
/// number_spec.hpp, their sources and version.hpp need only LibTorch and fmt: copy them to use them
/// without linreg.
///
///     fmt::print("{}\n", w);               // tensor([ 2.0000, -3.4000], requires_grad=True)
///     fmt::print("loss {:f}\n", l);        // loss 0.000247, as f'loss {l:f}' of tensor(0.0002)
///     fmt::print("{}\n", minibatch);       // a std::vector of tensors: [tensor(...), tensor(...)]
///     fmt::print("{}\n", w.sizes());       // torch.Size([2])
///     fmt::print("{}\n", w.scalar_type()); // torch.float32
///     fmt::print("{}\n", printed(w, {.precision = 2, .sci_mode = true}));
namespace linreg::pytorch {

/// The options of torch.set_printoptions, with its names, meanings and defaults.
struct PrintOptions {
  int precision = 4;                  ///< digits after the point
  double threshold = 1000;            ///< summarizes a tensor of more elements; infinity: never
  int edgeitems = 3;                  ///< a summary's elements at each end of a dimension
  int linewidth = 80;                 ///< characters in a line
  std::optional<bool> sci_mode = {};  ///< scientific notation; nothing: where the values need it
};

/// A tensor or a list of tensors, and the options to print it with.
template <typename T>
struct Printed {
  T value;
  PrintOptions options;
};

/// `fmt::format("{}", printed(tensor, {.precision = 8}))` returns what str(tensor) returns after
/// torch.set_printoptions(precision=8).
inline Printed<at::Tensor> printed(at::Tensor tensor, PrintOptions options) {
  return {std::move(tensor), options};
}
inline Printed<std::vector<at::Tensor>> printed(std::vector<at::Tensor> tensors,
                                                PrintOptions options) {
  return {std::move(tensors), options};
}

namespace detail {

std::string str(const at::Tensor& tensor, const PrintOptions& options);
std::string str(at::TensorList tensors, const PrintOptions& options);

std::string str(at::IntArrayRef sizes);
std::string str(at::ScalarType dtype);

/// Python's `format(tensor, spec)` for a spec that is not empty.
std::string format(const at::Tensor& tensor, const NumberSpec& spec);

/// Takes no format spec, as the Python object that is printed.
struct WithoutSpec {
  constexpr auto parse(fmt::format_parse_context& context) {
    if (context.begin() != context.end() && *context.begin() != '}') {
      throw fmt::format_error("this takes no format spec, as in Python");
    }
    return context.begin();
  }
};

}  // namespace detail
}  // namespace linreg::pytorch

/// Python's str(tensor); with a format spec, Python's format(tensor, spec), which formats the
/// number in a tensor of no dimensions, and refuses any other. The spec is Python's, and one that
/// Python knows for no number does not compile.
///
/// Follows Python in every dtype that Python prints, strides, expanded tensors, conj and neg bits,
/// devices, the default dtype and autograd's suffixes. Neither changes the tensor nor lets autograd
/// record anything. Prints an undefined tensor as None, as Python prints the grad of a tensor
/// without one.
///
/// Departure: prints a torch.nn.Parameter as the tensor that it is in C++, and no forward-mode
/// tangent; Python has a text of its own for both. A spec's type is none of c and s.
/// @throws fmt::format_error for a spec that does not fit; for a negative precision or edgeitems;
/// for edgeitems = 0 where PyTorch before 2.1 raises, too; for a sparse, quantized or nested tensor
/// or one of an opaque layout; and for a dtype whose elements Python can't print either (bits8).
/// @throws c10::Error, as Python before 2.2, for a view whose grad_fn LibTorch can't tell.
template <>
struct fmt::formatter<at::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) {
    if (context.begin() == context.end() || *context.begin() == '}') return context.begin();
    return spec.emplace().parse(context.begin(), context.end());
  }
  auto format(const at::Tensor& tensor, auto& context) const {
    return fmt::format_to(context.out(), "{}",
                          spec ? linreg::pytorch::detail::format(tensor, *spec)
                               : linreg::pytorch::detail::str(tensor, {}));
  }

  std::optional<linreg::pytorch::detail::NumberSpec> spec = {};
};

/// Python's str([tensor, ...]), for a std::vector or an at::TensorList. The specializations are
/// full ones, so that fmt/ranges.h may be included beside them.
template <>
struct fmt::formatter<at::TensorList> : linreg::pytorch::detail::WithoutSpec {
  auto format(at::TensorList tensors, auto& context) const {
    return fmt::format_to(context.out(), "{}", linreg::pytorch::detail::str(tensors, {}));
  }
};
template <>
struct fmt::formatter<std::vector<at::Tensor>> : fmt::formatter<at::TensorList> {};

/// A tensor or a list of tensors with options.
template <typename T>
struct fmt::formatter<linreg::pytorch::Printed<T>> : linreg::pytorch::detail::WithoutSpec {
  auto format(const linreg::pytorch::Printed<T>& printed, auto& context) const {
    return fmt::format_to(context.out(), "{}",
                          linreg::pytorch::detail::str(printed.value, printed.options));
  }
};

/// Python's str(tensor.shape), `torch.Size([2, 3])`: for tensor.sizes().
template <>
struct fmt::formatter<at::IntArrayRef> : linreg::pytorch::detail::WithoutSpec {
  auto format(at::IntArrayRef sizes, auto& context) const {
    return fmt::format_to(context.out(), "{}", linreg::pytorch::detail::str(sizes));
  }
};

/// Python's str(tensor.dtype), `torch.float32`: for tensor.scalar_type().
template <>
struct fmt::formatter<at::ScalarType> : linreg::pytorch::detail::WithoutSpec {
  auto format(at::ScalarType dtype, auto& context) const {
    return fmt::format_to(context.out(), "{}", linreg::pytorch::detail::str(dtype));
  }
};
