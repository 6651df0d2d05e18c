#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Formats tensors byte for byte as Python's str(tensor) does in the same version of PyTorch. This
/// header and its source need only LibTorch and fmt: copy the two to use them without linreg.
///
///     fmt::print("{}\n", w);            // tensor([ 2.0000, -3.4000], requires_grad=True)
///     fmt::print("{:.2}\n", w);         // precision=2: tensor([ 2.00, -3.40], requires_grad=True)
///     fmt::print("{:e}\n", w);          // sci_mode=True; {:f} is sci_mode=False, {:.2f} is both
///     fmt::print("{}\n", minibatch);    // a std::vector of tensors: [tensor(...), tensor(...)]
///     fmt::print("{}\n", printed(w, {.threshold = 10, .edgeitems = 2}));
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

/// Parses a format spec into options.
struct FormatSpec {
  PrintOptions options;

  constexpr auto parse(fmt::format_parse_context& context) {
    auto next = context.begin();
    const auto more = [&] { return next != context.end() && *next != '}'; };
    if (more() && *next == '.') {
      options.precision = 0;
      const auto digits = ++next;
      for (; more() && '0' <= *next && *next <= '9' && next - digits < 4; ++next) {
        options.precision = options.precision * 10 + (*next - '0');
      }
      if (next == digits) throw fmt::format_error("a tensor's precision has 1 to 4 digits");
    }
    if (more() && (*next == 'e' || *next == 'f')) options.sci_mode = *next++ == 'e';
    if (more()) throw fmt::format_error("a tensor's format spec is [.precision][e|f]");
    return next;
  }
};

}  // namespace detail
}  // namespace linreg::pytorch

/// Python's str(tensor). The spec is [.precision][e|f]; a wrong one does not compile.
///
/// Follows Python in every dtype that Python prints, strides, expanded tensors, conj and neg bits,
/// devices, the default dtype and autograd's suffixes. Neither changes the tensor nor lets autograd
/// record anything. Prints an undefined tensor as None, as Python prints the grad of a tensor
/// without one.
///
/// Departure: prints a torch.nn.Parameter as the tensor that it is in C++, and no forward-mode
/// tangent; Python has a text of its own for both.
/// @throws fmt::format_error for a negative precision or edgeitems; for edgeitems = 0 where PyTorch
/// before 2.1 raises, too; for a sparse, quantized or nested tensor or one of an opaque layout; and
/// for a dtype whose elements Python can't print either (bits8).
/// @throws c10::Error, as Python before 2.2, for a view whose grad_fn LibTorch can't tell.
template <>
struct fmt::formatter<at::Tensor> : linreg::pytorch::detail::FormatSpec {
  auto format(const at::Tensor& tensor, auto& context) const {
    return fmt::format_to(context.out(), "{}", linreg::pytorch::detail::str(tensor, options));
  }
};

/// Python's str([tensor, ...]), for a std::vector or an at::TensorList. The specializations are
/// full ones, so that fmt/ranges.h may be included beside them.
template <>
struct fmt::formatter<at::TensorList> : linreg::pytorch::detail::FormatSpec {
  auto format(at::TensorList tensors, auto& context) const {
    return fmt::format_to(context.out(), "{}", linreg::pytorch::detail::str(tensors, options));
  }
};
template <>
struct fmt::formatter<std::vector<at::Tensor>> : fmt::formatter<at::TensorList> {};

/// A tensor or a list of tensors with options; takes no spec.
template <typename T>
struct fmt::formatter<linreg::pytorch::Printed<T>> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const linreg::pytorch::Printed<T>& printed, auto& context) const {
    return fmt::format_to(context.out(), "{}",
                          linreg::pytorch::detail::str(printed.value, printed.options));
  }
};
