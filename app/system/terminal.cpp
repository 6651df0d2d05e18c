#include "system/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>
#include <utf8.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace linreg::app {
namespace {

constexpr std::size_t longest = 800;  // bytes, ten lines of a terminal

bool is_control(std::uint32_t character) {
  return character < 0x20 || (0x7f <= character && character < 0xa0);
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::string escape(std::string_view bytes) {
  if (bytes == "\n") return "\\n";
  std::string all;
  for (const char byte : bytes) all += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
  return all;
}

std::string escaped(std::string_view text) {
  std::string all;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    for (const char* const invalid = utf8::find_invalid(at, end); at != invalid;) {
      const char* const first = at;
      const bool is_shown = !is_control(utf8::unchecked::next(at));
      const std::string_view character(first, static_cast<std::size_t>(at - first));
      all += is_shown ? std::string(character) : escape(character);
    }
    if (at != end) all += escape({at++, 1});
  }
  return all;
}

}  // namespace

std::string printable(std::string_view text) {
  if (text.size() <= longest) return escaped(text);
  std::size_t head = longest / 2;
  std::size_t tail = text.size() - longest / 2;
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return escaped(text.substr(0, head)) + " ... " + escaped(text.substr(tail));
}

void warn(std::string_view what) { write_stderr(fmt::format("linreg: {}\n", printable(what))); }

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

StatusLine::StatusLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void StatusLine::show(const std::string& text) {
  if (!is_terminal_) return;
  write_stderr(fmt::format("\r{:<78.78}\r", text));
  shown_ = true;
}

void StatusLine::clear() {
  if (std::exchange(shown_, false)) write_stderr(fmt::format("\r{:78}\r", ""));
}

int terminal_columns() {
  int columns = 80;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) columns = size.ws_col;
  if (const char* text = std::getenv("COLUMNS")) {
    std::from_chars(text, text + std::string_view(text).size(), columns);
  }
  return std::clamp(columns, 40, 400);
}

}  // namespace linreg::app
