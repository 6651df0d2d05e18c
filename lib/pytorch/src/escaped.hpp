#pragma once

#include <string>
#include <string_view>

namespace linreg::pytorch::detail {

/// A file's text in quotes, fit for a message on a terminal: control characters and bytes that are
/// no UTF-8 become "\x1b", and what is longer than a line or two is cut.
///
/// Not called "quoted": for a std::string, that would find std::quoted, which escapes nothing.
std::string escaped(std::string_view text);

}  // namespace linreg::pytorch::detail
