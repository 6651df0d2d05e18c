#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <linreg/pytorch/detail/replacement_file.hpp>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace linreg::pytorch::detail {
namespace {

[[noreturn]] void fail(int error) {
  throw std::system_error(error, std::generic_category(), "can't be written");
}

}  // namespace

std::filesystem::path follow_links(std::filesystem::path path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return path;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, error); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path;
}

bool names_an_open_file(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; links < 40; ++links) {
    const auto folder =
        std::filesystem::canonical(std::filesystem::absolute(path).parent_path(), error);
    if (!folder.empty() && *std::next(folder.begin()) == "proc") return true;
    if (!std::filesystem::is_symlink(path, error)) return false;
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return false;
}

ReplacementFile::ReplacementFile(const std::filesystem::path& path)
    : path_(follow_links(path)),
      temporary_(path_.parent_path() / (".linreg." + std::to_string(std::random_device{}()))),
      file_(std::fopen(temporary_.c_str(), "wbxe")) {
  if (file_ == nullptr) fail(errno);
  std::error_code error;
  const auto old = std::filesystem::status(path_, error);
  if (!std::filesystem::exists(old)) return;
  std::filesystem::permissions(temporary_, old.permissions(), error);
  error_ = error.value();
}

ReplacementFile::~ReplacementFile() {
  if (file_ != nullptr) std::fclose(file_);
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

void ReplacementFile::write(const void* data, std::size_t count) {
  if (count > 0 && error_ == 0 && std::fwrite(data, 1, count, file_) != count) error_ = errno;
}

void ReplacementFile::commit() {
  if (error_ == 0 && (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0)) error_ = errno;
  if (std::fclose(std::exchange(file_, nullptr)) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) error_ = errno;
  if (error_ != 0) fail(error_);
  temporary_.clear();
}

}  // namespace linreg::pytorch::detail
