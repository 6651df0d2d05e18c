#pragma once

#include <string>
#include <string_view>

namespace linreg::app {

/// `text` in one line that a terminal can show: control characters and bytes that are no UTF-8 are
/// spelled out, \n or \x1b, and of a long text the middle is left out.
std::string printable(std::string_view text);

/// Says "linreg: `what`" on stderr, printable. Where stderr is closed or full, nobody is told.
void say(std::string_view what);

/// Writes `text` to stderr as it is, if it can.
void write_stderr(std::string_view text);

}  // namespace linreg::app
