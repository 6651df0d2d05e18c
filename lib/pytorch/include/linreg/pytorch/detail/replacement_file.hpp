#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>

/// The library and the program write their files with it.
namespace linreg::pytorch::detail {

/// The file that a link leads to, through further links, whether it exists or not. Devices, pipes
/// and folders, and links to them, are returned as they are.
std::filesystem::path follow_links(std::filesystem::path path);

/// Whether the path, or a link that it leads through, is a process's open file: /dev/stdout, even
/// where that is a regular file, which must not be replaced while the shell holds it.
bool names_an_open_file(std::filesystem::path path);

/// A new file that replaces the one at `path` on commit(), and is removed without. A link stays:
/// the file that it leads to is replaced.
class ReplacementFile {
 public:
  /// Throws std::system_error when no file can be created in that folder.
  explicit ReplacementFile(const std::filesystem::path& path);
  ~ReplacementFile();
  ReplacementFile(const ReplacementFile&) = delete;
  ReplacementFile& operator=(const ReplacementFile&) = delete;

  /// Appends. Keeps the first error for commit(), so that a destructor may write.
  void write(const void* data, std::size_t count);

  /// Waits until everything is on the disk, then takes the place and the permissions of the old
  /// file. Throws std::system_error, and leaves the old file, after any error so far.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_;
  int error_ = 0;  // errno of the first error
};

}  // namespace linreg::pytorch::detail
