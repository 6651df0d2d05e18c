#pragma once

#include <fmt/format.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace linreg::pytorch::detail {

/// Python's format spec of a number: [[fill]align][sign][z][#][0][width][,|_][.precision][type].
struct NumberSpec {
  std::string_view fill = " ";    ///< one character, in UTF-8
  char align = '\0';              ///< < > = ^, or nothing
  char sign = '-';                ///< + - or a space
  bool no_negative_zero = false;  ///< z
  bool alternate = false;         ///< #
  std::size_t width = 0;
  char grouping = '\0';  ///< , or _, or nothing
  std::optional<int> precision = {};
  char type = '\0';

  /// Parses what stands between a replacement field's colon and its closing brace, and returns
  /// where that brace is. Throws fmt::format_error, at compile time if that is when it is called.
  constexpr const char* parse(const char* next, const char* end) {
    const auto at = [&](int i) { return next + i < end && next[i] != '}' ? next[i] : '\0'; };
    const auto is_in = [](char c, std::string_view set) {
      return c != '\0' && set.find(c) != std::string_view::npos;
    };
    const auto take = [&](std::string_view set) { return is_in(at(0), set) ? *next++ : '\0'; };
    const auto number = [&] {
      int value = 0;
      for (; is_in(at(0), "0123456789"); ++next) {
        if (value > (std::numeric_limits<int>::max() - 9) / 10) {
          throw fmt::format_error("too many decimal digits in a format spec");
        }
        value = value * 10 + (*next - '0');
      }
      return value;
    };

    int fill_size = 1;
    while ((static_cast<unsigned char>(at(fill_size)) & 0xC0U) == 0x80U) ++fill_size;
    const bool has_fill = at(0) != '\0' && is_in(at(fill_size), "<>=^");
    if (has_fill) {
      fill = std::string_view(next, static_cast<std::size_t>(fill_size));
      next += fill_size;
    }
    align = take("<>=^");
    if (const char given = take("+- ")) sign = given;
    no_negative_zero = take("z") != '\0';
    alternate = take("#") != '\0';
    if (!has_fill && take("0") != '\0') {
      fill = "0";
      if (align == '\0') align = '=';
    }
    width = static_cast<std::size_t>(number());
    grouping = take(",_");
    if (take(".") != '\0') {
      if (!is_in(at(0), "0123456789")) {
        throw fmt::format_error("a format spec has no digits after its point");
      }
      precision = number();
    }
    type = take("bdoxXeEfFgGn%");
    if (at(0) != '\0') {
      throw fmt::format_error(
          "a tensor's format spec is Python's of a number: "
          "[[fill]align][sign][z][#][0][width][,|_][.precision][type]");
    }
    return next;
  }
};

// Python's format(value, spec). Throw fmt::format_error where Python raises.

/// An int: an unsigned one is given by its magnitude.
std::string format_number(std::uint64_t magnitude, bool negative, const NumberSpec& spec);
std::string format_number(double value, const NumberSpec& spec);
std::string format_number(std::complex<double> value, const NumberSpec& spec);

/// Appends `value`, which is finite, in decimal or scientific notation with `precision` digits
/// after the point, correctly rounded.
void append_fixed(std::string& text, double value, int precision);
void append_scientific(std::string& text, double value, int precision);

}  // namespace linreg::pytorch::detail
