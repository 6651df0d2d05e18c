#include "escaped.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace linreg::pytorch::detail {

std::string escaped(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string result = "\"";
  const char* next = text.data();
  const char* const end = next + text.size();
  while (next != end && result.size() < longest) {
    const char* byte = next;
    bool printable = false;
    try {
      const std::uint32_t code = utf8::next(next, end);
      printable = code >= 0x20 && !(0x7f <= code && code <= 0x9f);  // C0, DEL, C1
    } catch (const utf8::exception&) {
      next = byte + 1;
    }
    for (; byte != next; ++byte) {
      if (printable)
        result += *byte;
      else
        fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(*byte));
    }
  }
  return result + (next == end ? "\"" : "...\"");
}

}  // namespace linreg::pytorch::detail
