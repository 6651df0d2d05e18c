#include "system/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace linreg::app {
namespace {

constexpr std::size_t longest = 800;  // bytes, ten lines of a terminal

/// The bytes of the character that `text` begins with, or 0 where that is no UTF-8 (RFC 3629,
/// section 4).
std::size_t character_length(std::string_view text) {
  const auto is_byte = [&](std::size_t i, int least, int greatest) {
    const int byte = i < text.size() ? static_cast<unsigned char>(text[i]) : -1;
    return least <= byte && byte <= greatest;
  };
  const auto follow = [&](std::size_t count) {
    for (std::size_t i = 2; i <= count; ++i) {
      if (!is_byte(i, 0x80, 0xbf)) return false;
    }
    return true;
  };
  if (is_byte(0, 0, 0x7f)) return 1;
  if (is_byte(0, 0xc2, 0xdf)) return is_byte(1, 0x80, 0xbf) ? 2 : 0;
  if (is_byte(0, 0xe0, 0xef)) {
    const int least = is_byte(0, 0xe0, 0xe0) ? 0xa0 : 0x80;
    const int greatest = is_byte(0, 0xed, 0xed) ? 0x9f : 0xbf;
    return is_byte(1, least, greatest) && follow(2) ? 3 : 0;
  }
  const int least = is_byte(0, 0xf0, 0xf0) ? 0x90 : 0x80;
  const int greatest = is_byte(0, 0xf4, 0xf4) ? 0x8f : 0xbf;
  return is_byte(0, 0xf0, 0xf4) && is_byte(1, least, greatest) && follow(3) ? 4 : 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f ||
         (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);  // U+0080 to U+009F
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::string escaped(std::string_view text) {
  std::string all;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length > 0 && !is_control(character)) {
      all += character;
    } else if (character == "\n") {
      all += "\\n";
    } else {
      for (const char byte : character) {
        all += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    }
    text.remove_prefix(character.size());
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

void say(std::string_view what) { write_stderr(fmt::format("linreg: {}\n", printable(what))); }

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
