#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

#include "python_scripts.hpp"
#include "system/files.hpp"
#include "system/usage_error.hpp"

namespace linreg::app {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(WriteFile, ReplacesTheWholeFile) {
  const test::TemporaryDirectory folder;
  const auto path = folder.path() / "record.json";
  write_file(path, "a long first text");
  write_file(path, "second");
  EXPECT_EQ(read(path), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1)
      << "no temporary file is left";
}

TEST(WriteFile, AcceptsTheLongestName) {
  const test::TemporaryDirectory folder;
  const auto path = folder.path() / std::string(255, 'x');
  EXPECT_NO_THROW(check_writable("--json", path));
  write_file(path, "text");
  EXPECT_EQ(read(path), "text");
}

TEST(WriteFile, KeepsALinkAndReplacesItsTarget) {
  const test::TemporaryDirectory folder;
  write_file(folder.path() / "file", "old");
  std::filesystem::create_symlink("file", folder.path() / "link");
  write_file(folder.path() / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
  EXPECT_EQ(read(folder.path() / "file"), "new");
}

TEST(WriteFile, CreatesTheTargetOfADanglingLink) {
  const test::TemporaryDirectory folder;
  std::filesystem::create_directory(folder.path() / "deep");
  std::filesystem::create_symlink("deep/link", folder.path() / "link");
  std::filesystem::create_symlink("file", folder.path() / "deep" / "link");
  EXPECT_NO_THROW(check_writable("--json", folder.path() / "link"));
  write_file(folder.path() / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link"));
  EXPECT_EQ(read(folder.path() / "deep" / "file"), "new");
  std::filesystem::create_symlink("missing/file", folder.path() / "nowhere");
  EXPECT_THROW(check_writable("--json", folder.path() / "nowhere"), UsageError);
}

TEST(WriteFile, KeepsPermissions) {
  using enum std::filesystem::perms;
  const test::TemporaryDirectory folder;
  write_file(folder.path() / "file", "old");
  std::filesystem::permissions(folder.path() / "file", owner_read | owner_write);
  write_file(folder.path() / "file", "new");
  EXPECT_EQ(std::filesystem::status(folder.path() / "file").permissions(),
            owner_read | owner_write);
}

TEST(WriteFile, WaitsForAFullNonBlockingPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK), 0);
  const std::string text(1 << 20, 'x');  // more than a pipe holds
  std::size_t read_bytes = 0;
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::array<char, 4096> buffer{};
    while (read_bytes < text.size()) {
      const ssize_t count = ::read(ends[0], buffer.data(), buffer.size());
      if (count > 0) read_bytes += static_cast<std::size_t>(count);
    }
  });
  const int stdout_before = dup(STDOUT_FILENO);
  dup2(ends[1], STDOUT_FILENO);
  EXPECT_NO_THROW(write_stdout(text));
  dup2(stdout_before, STDOUT_FILENO);
  reader.join();
  EXPECT_EQ(read_bytes, text.size());
  for (const int file : {ends[0], ends[1], stdout_before}) close(file);
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

TEST(CheckWritable, AcceptsStdoutAndNewAndExistingFiles) {
  const test::TemporaryDirectory folder;
  EXPECT_NO_THROW(check_writable("--json", "-"));
  EXPECT_NO_THROW(check_writable("--json", folder.path() / "new"));
  write_file(folder.path() / "old", "text");
  EXPECT_NO_THROW(check_writable("--json", folder.path() / "old"));
  EXPECT_NO_THROW(check_writable("--json", "/dev/null"));
}

TEST(CheckWritable, RefusesFoldersAndFilesInMissingFolders) {
  const test::TemporaryDirectory folder;
  EXPECT_THROW(check_writable("--json", folder.path()), UsageError);
  EXPECT_THROW(check_writable("--json", folder.path() / "missing" / "file"), UsageError);
  EXPECT_THROW(check_writable("--json", ""), UsageError);
  EXPECT_THROW(check_writable("--json", "/proc/record"), UsageError)
      << "no file can be created there";
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the check removes its file";
}

}  // namespace
}  // namespace linreg::app
