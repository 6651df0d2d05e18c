#pragma once

#include <string>
#include <string_view>

namespace linreg::pytorch::detail {

/// Quotes a text from a file for a message on a terminal: writes control characters and invalid
/// UTF-8 as "\x1b", and cuts a long text.
///
/// Not called "quoted": for a std::string, that would find std::quoted, which escapes nothing.
std::string escaped(std::string_view text);

}  // namespace linreg::pytorch::detail
