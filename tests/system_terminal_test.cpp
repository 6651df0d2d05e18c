#include <gtest/gtest.h>
#include <stdlib.h>  // setenv

#include <utility>

#include "system/terminal.hpp"

namespace linreg::app {
namespace {

TEST(Printable, LeavesTextUnchanged) {
  for (const char* text : {"", "--lr is 'nan'", "Fehler: größer als 1 €, 梯度 😀"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\nb\r\t\x1b[31m\x7f"), R"(a\nb\x0d\x09\x1b[31m\x7f)");
  EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
  EXPECT_EQ(printable("\xc2\x9b"), R"(\xc2\x9b)")
      << "U+009B is a control sequence introducer, as ESC [";
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  // Continuation bytes alone, cut short, overlong, a surrogate, beyond U+10FFFF.
  EXPECT_EQ(printable("\x80"), R"(\x80)");
  EXPECT_EQ(printable("\xe6\xa2"), R"(\xe6\xa2)");
  EXPECT_EQ(printable("\xc3-"), R"(\xc3-)");
  EXPECT_EQ(printable("\xc0\xaf"), R"(\xc0\xaf)");
  EXPECT_EQ(printable("\xe0\x80\xaf"), R"(\xe0\x80\xaf)");
  EXPECT_EQ(printable("\xed\xa0\x80"), R"(\xed\xa0\x80)");
  EXPECT_EQ(printable("\xf0\x80\x80\xaf"), R"(\xf0\x80\x80\xaf)");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
  EXPECT_EQ(printable("\xff"), R"(\xff)");
}

TEST(Printable, LeavesOutTheMiddleOfALongTextBetweenCharacters) {
  std::string euros;
  for (int i = 0; i < 1000; ++i) euros += "€";
  const std::string shown = printable("--lr is '" + euros + "', but must be a number");
  EXPECT_LT(shown.size(), 820U);
  EXPECT_TRUE(shown.starts_with("--lr is '€€"));
  EXPECT_TRUE(shown.ends_with("€', but must be a number"));
  EXPECT_NE(shown.find("€ ... €"), std::string::npos);
  EXPECT_EQ(shown.find('\\'), std::string::npos) << "no character is cut";
}

TEST(TerminalColumns, AreTheValueOfColumnsWithinLimits) {
  for (const auto& [text, columns] : {std::pair{"100", 100}, {"7", 40}, {"5000", 400}}) {
    setenv("COLUMNS", text, 1);
    EXPECT_EQ(terminal_columns(), columns);
  }
}

}  // namespace
}  // namespace linreg::app
