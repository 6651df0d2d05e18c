#include "output.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "live_pytorch.hpp"
#include "options.hpp"

namespace linreg::app {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(WriteFile, ReplacesAFileWhole) {
  const test::TemporaryDirectory folder;
  const auto path = folder.path() / "record.json";
  write_file(path, "a long first text");
  write_file(path, "second");
  EXPECT_EQ(read(path), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1)
      << "no temporary file is left";
}

TEST(WriteFile, TakesTheLongestOfNames) {
  const test::TemporaryDirectory folder;
  const auto path = folder.path() / std::string(255, 'x');
  EXPECT_NO_THROW(check_writable("--json", path));
  write_file(path, "text");
  EXPECT_EQ(read(path), "text");
}

TEST(WriteFile, KeepsALinkAndReplacesWhatItNames) {
  const test::TemporaryDirectory folder;
  write_file(folder.path() / "file", "old");
  std::filesystem::create_symlink("file", folder.path() / "link");
  write_file(folder.path() / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
  EXPECT_EQ(read(folder.path() / "file"), "new");
}

TEST(WriteFile, ReportsAFullDisk) {
  EXPECT_THROW(write_file("/dev/full", "text"), std::system_error);
}

TEST(WriteFile, LeavesNothingBehindWhenItFails) {
  const test::TemporaryDirectory folder;
  std::filesystem::create_directory(folder.path() / "taken");
  EXPECT_THROW(write_file(folder.path() / "taken", "text"), std::system_error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(CheckWritable, TakesStdoutAndNewFilesAndOldOnes) {
  const test::TemporaryDirectory folder;
  EXPECT_NO_THROW(check_writable("--json", "-"));
  EXPECT_NO_THROW(check_writable("--json", folder.path() / "new"));
  write_file(folder.path() / "old", "text");
  EXPECT_NO_THROW(check_writable("--json", folder.path() / "old"));
  EXPECT_NO_THROW(check_writable("--json", "/dev/null"));
}

TEST(CheckWritable, RefusesFoldersAndFilesInMissingOnes) {
  const test::TemporaryDirectory folder;
  EXPECT_THROW(check_writable("--json", folder.path()), UsageError);
  EXPECT_THROW(check_writable("--json", folder.path() / "missing" / "file"), UsageError);
  EXPECT_THROW(check_writable("--json", ""), UsageError);
}

}  // namespace
}  // namespace linreg::app
