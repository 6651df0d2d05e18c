#pragma once

#include <string>
#include <string_view>

namespace linreg::app {

/// `text` as one line that is safe to show on a terminal: control characters and bytes that are not
/// UTF-8 are escaped, as \n or \x1b, and the middle of a long text is left out.
std::string printable(std::string_view text);

/// Writes the line "linreg: `what`", made printable, to stderr. Ignores errors.
void warn(std::string_view what);

/// Writes `text` to stderr as it is. Ignores errors.
void write_stderr(std::string_view text);

/// A line on stderr that is rewritten in place. Where stderr is no terminal, nothing is shown.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool is_visible() const { return is_terminal_; }
  void show(const std::string& text);
  void clear();  ///< before anything else is printed

 private:
  bool is_terminal_;
  bool shown_ = false;
};

/// The width of stdout's terminal, or what COLUMNS says instead; 80 where stdout is no terminal.
int terminal_columns();

}  // namespace linreg::app
