#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <torch/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <linreg/pytorch/state_dict.hpp>
#include <set>
#include <string>
#include <string_view>

#include "python_scripts.hpp"
#include "system/files.hpp"

// Makes each of the calls that write a file fail in turn. These functions replace the C library's,
// in LibTorch and the standard library too.
namespace {

struct Fault {
  bool armed = false;
  int calls_before = 0;  ///< that still succeed
  int error = 0;
  bool only_once = false;
  std::string_view hit;  ///< the call that failed
};
Fault fault;

bool fails(std::string_view call) {
  if (!fault.armed || fault.calls_before-- > 0) return false;
  if (fault.hit.empty()) fault.hit = call;
  if (fault.only_once) fault.armed = false;
  errno = fault.error;
  return true;
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
ssize_t write(int file, const void* from, std::size_t count) {
  return fails("write") ? -1
                        : real<ssize_t(int, const void*, std::size_t)>("write")(file, from, count);
}
int fsync(int file) { return fails("fsync") ? -1 : real<int(int)>("fsync")(file); }
int rename(const char* from, const char* to) noexcept {
  return fails("rename") ? -1 : real<int(const char*, const char*)>("rename")(from, to);
}
std::FILE* fopen(const char* name, const char* mode) {
  return fails("fopen") ? nullptr : real<std::FILE*(const char*, const char*)>("fopen")(name, mode);
}
std::size_t fwrite(const void* from, std::size_t size, std::size_t count, std::FILE* file) {
  return fails("fwrite") ? 0
                         : real<std::size_t(const void*, std::size_t, std::size_t, std::FILE*)>(
                               "fwrite")(from, size, count, file);
}
int fflush(std::FILE* file) {
  return fails("fflush") ? EOF : real<int(std::FILE*)>("fflush")(file);
}
int fclose(std::FILE* file) {
  const int closed = real<int(std::FILE*)>("fclose")(file);
  return fails("fclose") ? EOF : closed;
}
int fchmodat(int folder, const char* name, mode_t mode, int flags) noexcept {
  return fails("fchmodat")
             ? -1
             : real<int(int, const char*, mode_t, int)>("fchmodat")(folder, name, mode, flags);
}
}

namespace linreg::app {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The message of the exception that `work` throws when the calls after the first `calls_before`
/// fail; empty when it throws none.
std::string failure(const std::function<void()>& work, int calls_before, int error,
                    bool only_once) {
  fault = {true, calls_before, error, only_once, ""};
  std::string message;
  try {
    work();
  } catch (const std::exception& exception) {
    message = exception.what();
  }
  fault.armed = false;
  return message;
}

using Names = std::set<std::string_view>;
const Names all_calls{"fopen", "fchmodat", "fwrite", "fflush", "fsync", "fclose", "rename"};

/// Calls `write` with each call failing in turn, alone or with all that follow. The file must be
/// unchanged or complete, without another beside it, and the message must name the file and the
/// error. Returns the calls that failed.
Names calls_that_failed(const std::filesystem::path& file, const std::function<void()>& write) {
  write();
  const std::string whole = read(file);
  Names names;
  for (const int error : {ENOSPC, EIO}) {
    for (const bool only_once : {true, false}) {
      for (int calls_before = 0;; ++calls_before) {
        std::ofstream(file) << "old";
        const std::string message = failure(write, calls_before, error, only_once);
        if (fault.hit.empty()) break;  // there are no more calls
        SCOPED_TRACE(testing::Message() << fault.hit << " is call " << calls_before);
        names.insert(fault.hit);
        EXPECT_EQ(read(file), message.empty() ? whole : "old");
        EXPECT_NE(message.find(file.string()), std::string::npos) << message;
        EXPECT_NE(message.find(std::strerror(error)), std::string::npos) << message;
        EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file.parent_path()), {}), 1);
      }
    }
  }
  return names;
}

TEST(WriteFile, LeavesTheOldFileWhicheverCallFails) {
  const test::TemporaryDirectory folder;
  const auto file = folder.path() / "record.json";
  const std::string text(100'000, 'x');
  EXPECT_EQ(calls_that_failed(file, [&] { write_file(file, text); }), all_calls);
}

TEST(WriteFile, GoesOnWritingInPlaceAfterASignal) {
  const test::TemporaryDirectory folder;
  const auto pipe = folder.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int end = open(pipe.c_str(), O_RDWR);
  EXPECT_EQ(failure([&] { write_file(pipe, "text"); }, 0, EINTR, /*only_once=*/true), "");
  EXPECT_EQ(fault.hit, "write");
  std::string text(4, ' ');
  EXPECT_EQ(::read(end, text.data(), text.size()), 4);
  EXPECT_EQ(text, "text");
  close(end);
}

TEST(SaveStateDictFile, LeavesTheOldFileWhicheverCallFails) {
  const test::TemporaryDirectory folder;
  const auto file = folder.path() / "weights.pt";
  pytorch::StateDict state;
  state.insert("0.weight", torch::ones({1, 50'000}));
  state.insert("0.bias", torch::ones(1));
  EXPECT_EQ(calls_that_failed(file, [&] { pytorch::save_state_dict_file(file, state); }),
            all_calls);
}

}  // namespace
}  // namespace linreg::app
