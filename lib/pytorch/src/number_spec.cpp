#include <algorithm>
#include <charconv>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <linreg/pytorch/detail/number_spec.hpp>
#include <string>
#include <string_view>
#include <system_error>

// Reproduces what CPython's Python/formatter_unicode.c does without a locale.

namespace linreg::pytorch::detail {
namespace {

void append_digits(std::string& text, double value, std::chars_format format, int precision) {
  constexpr std::size_t longest_integer_part = 310;  // and a sign and a point
  const std::size_t begin = text.size();
  text.resize(begin + longest_integer_part + 16 + static_cast<std::size_t>(precision));
  const auto [end, error] =
      std::to_chars(text.data() + begin, text.data() + text.size(), value, format, precision);
  if (error != std::errc()) throw fmt::format_error("a number's text is too long");
  text.resize(static_cast<std::size_t>(end - text.data()));
}

/// The exponent of a number in scientific notation.
int exponent_of(std::string_view scientific) {
  return std::stoi(std::string(scientific.substr(scientific.find('e') + 1)));
}

std::string scientific(double value, int precision) {
  std::string text;
  append_scientific(text, value, precision);
  return text;
}

std::string fixed(double value, int precision) {
  std::string text;
  append_fixed(text, value, precision);
  return text;
}

/// Drops zeros that end a fraction, and a point that then ends the digits.
std::string without_trailing_zeros(const std::string& text) {
  const std::size_t exponent = std::min(text.find('e'), text.size());
  std::string digits = text.substr(0, exponent);
  if (digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return digits + text.substr(exponent);
}

std::string with_point(std::string text, std::string_view point) {
  if (text.find('.') == std::string::npos)
    text.insert(std::min(text.find('e'), text.size()), point);
  return text;
}

/// The digits of a finite number that is not negative. `add_zero`: a whole number ends in .0.
std::string general(double value, int precision, bool alternate, bool add_zero) {
  precision = std::max(precision, 1);
  std::string text = scientific(value, precision - 1);
  const int exponent = exponent_of(text);
  const bool is_fixed = -4 <= exponent && exponent < precision - (add_zero ? 1 : 0);
  if (is_fixed) text = fixed(value, precision - 1 - exponent);
  if (alternate) return with_point(text, ".");
  text = without_trailing_zeros(text);
  return is_fixed && add_zero ? with_point(text, ".0") : text;
}

/// The fewest digits that give the number back, Python's repr.
std::string shortest(double value, bool alternate, bool add_zero) {
  char digits[400];
  const auto write = [&](std::chars_format format) {
    return std::string(digits, std::to_chars(digits, std::end(digits), value, format).ptr);
  };
  std::string text = write(std::chars_format::scientific);
  const int exponent = exponent_of(text);
  const bool is_fixed = -4 <= exponent && exponent < 16;
  if (is_fixed) text = write(std::chars_format::fixed);
  if (is_fixed && add_zero) return with_point(text, ".0");
  return alternate ? with_point(text, ".") : text;
}

/// The digits of a number that is not negative, as the type and the precision ask.
std::string digits_of(double value, const NumberSpec& spec, bool add_zero) {
  const char type = spec.type;
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  const int precision = spec.precision.value_or(6);
  std::string text;
  if (!std::isfinite(value)) {
    text = std::isnan(value) ? "nan" : "inf";
  } else if (type == 'f' || type == 'F' || type == '%') {
    text = fixed(value, precision);
    if (spec.alternate) text = with_point(text, ".");
  } else if (type == 'e' || type == 'E') {
    text = scientific(value, precision);
    if (spec.alternate) text = with_point(text, ".");
  } else if (type == '\0' && !spec.precision) {
    text = shortest(value, spec.alternate, add_zero);
  } else {
    text = general(value, precision, spec.alternate, type == '\0' && add_zero);
  }
  if (upper) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return 'a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  return type == '%' ? text + '%' : text;
}

std::string sign_of(bool negative, char sign) {
  return negative ? "-" : sign == '-' ? "" : std::string(1, sign);
}

std::string repeated(std::string_view fill, std::size_t count) {
  std::string text;
  for (; count > 0; --count) text += fill;
  return text;
}

/// Fills to the width: on the right of left-aligned text, and so on.
std::string padded(const std::string& prefix, const std::string& text, const NumberSpec& spec) {
  const std::size_t size = prefix.size() + text.size();
  const std::size_t missing = spec.width > size ? spec.width - size : 0;
  switch (spec.align) {
    case '<':
      return prefix + text + repeated(spec.fill, missing);
    case '^':
      return repeated(spec.fill, missing / 2) + prefix + text +
             repeated(spec.fill, missing - missing / 2);
    case '=':
      return prefix + repeated(spec.fill, missing) + text;
    default:
      return repeated(spec.fill, missing) + prefix + text;
  }
}

/// Puts the separator between groups of the leading digits. With zeros to fill up to the width,
/// these are digits, too.
std::string grouped(const std::string& text, std::size_t prefix_size, const NumberSpec& spec) {
  if (spec.grouping == '\0') return text;
  constexpr std::string_view hexadecimal = "0123456789abcdefABCDEF";
  const bool by_four =
      spec.type != '\0' && std::string_view("boxX").find(spec.type) != std::string_view::npos;
  const std::size_t count = std::min(
      text.find_first_not_of(by_four ? hexadecimal : hexadecimal.substr(0, 10)), text.size());
  if (count == 0) return text;  // inf, nan
  const std::size_t group = by_four ? 4 : 3;
  const std::size_t rest = text.size() - count;
  const bool zeros = spec.align == '=' && spec.fill == "0";
  std::string reversed;
  for (std::size_t i = 0;; ++i) {
    const bool more = i < count;
    if (!more && (!zeros || prefix_size + reversed.size() + rest >= spec.width)) break;
    if (i > 0 && i % group == 0) reversed += spec.grouping;
    reversed += more ? text[count - 1 - i] : '0';
  }
  return std::string(reversed.rbegin(), reversed.rend()) + text.substr(count);
}

void check_grouping(const NumberSpec& spec) {
  const std::string_view refused = spec.grouping == ',' ? "nboxX" : "n";
  if (spec.grouping != '\0' && spec.type != '\0' &&
      refused.find(spec.type) != std::string_view::npos) {
    throw fmt::format_error(
        fmt::format("can't combine '{}' with '{}' in a format spec", spec.grouping, spec.type));
  }
}

void check_type(const NumberSpec& spec, std::string_view types, std::string_view object) {
  if (spec.type != '\0' && types.find(spec.type) == std::string_view::npos) {
    throw fmt::format_error(
        fmt::format("format code '{}' does not fit a tensor of {}", spec.type, object));
  }
  check_grouping(spec);
}

}  // namespace

void append_fixed(std::string& text, double value, int precision) {
  append_digits(text, value, std::chars_format::fixed, precision);
}

void append_scientific(std::string& text, double value, int precision) {
  append_digits(text, value, std::chars_format::scientific, precision);
}

std::string format_number(std::uint64_t magnitude, bool negative, const NumberSpec& spec) {
  if (std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos && spec.type != '\0') {
    const auto value = static_cast<double>(magnitude);
    return format_number(negative ? -value : value, spec);
  }
  check_type(spec, "bdoxXn", "integers");
  if (spec.precision) throw fmt::format_error("an integer's format spec has no precision");
  if (spec.no_negative_zero) throw fmt::format_error("an integer's format spec has no z");
  const int base = spec.type == 'b'                       ? 2
                   : spec.type == 'o'                     ? 8
                   : spec.type == 'x' || spec.type == 'X' ? 16
                                                          : 10;
  char digits[64];
  std::string text(digits, std::to_chars(digits, std::end(digits), magnitude, base).ptr);
  std::string prefix = sign_of(negative, spec.sign);
  if (spec.alternate && base != 10) prefix += std::string("0") + spec.type;
  if (spec.type == 'X') {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return 'a' <= c && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
  }
  return padded(prefix, grouped(text, prefix.size(), spec), spec);
}

std::string format_number(double value, const NumberSpec& spec) {
  check_type(spec, "eEfFgGn%", "floating point");
  if (spec.type == '%') value *= 100;
  std::string text = digits_of(std::abs(value), spec, /*add_zero=*/true);
  bool negative = std::signbit(value) && !std::isnan(value);
  if (spec.no_negative_zero && text.find_first_of("123456789iI") == std::string::npos)
    negative = false;
  const std::string prefix = sign_of(negative, spec.sign);
  return padded(prefix, grouped(text, prefix.size(), spec), spec);
}

std::string format_number(std::complex<double> value, const NumberSpec& spec) {
  check_type(spec, "eEfFgGn", "complex numbers");
  if (spec.fill == "0") throw fmt::format_error("zero padding does not fit a complex number");
  if (spec.align == '=') throw fmt::format_error("alignment '=' does not fit a complex number");
  NumberSpec part = spec;
  part.width = 0;
  const auto text_of = [&](double x, char sign) {
    const std::string text = digits_of(std::abs(x), part, /*add_zero=*/false);
    bool negative = std::signbit(x) && !std::isnan(x);
    if (spec.no_negative_zero && text.find_first_of("123456789iI") == std::string::npos)
      negative = false;
    return sign_of(negative, sign) + grouped(text, 1, part);
  };
  const bool skip_real = spec.type == '\0' && value.real() == 0 && !std::signbit(value.real());
  std::string text = skip_real
                         ? text_of(value.imag(), spec.sign) + "j"
                         : text_of(value.real(), spec.sign) + text_of(value.imag(), '+') + "j";
  if (spec.type == '\0' && !skip_real) text = "(" + text + ")";
  return padded("", text, spec);
}

}  // namespace linreg::pytorch::detail
