#include "zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "escaped.hpp"

namespace linreg::pytorch::zip {
namespace {

// Sizes and offsets of PKWARE's APPNOTE.TXT, section 4.3.
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kLocator64Size = 20;
constexpr std::uint64_t kEnd64Size = 56;
constexpr std::uint64_t kLocalHeaderSize = 30;
constexpr std::uint64_t kEntrySize = 46;
constexpr std::uint64_t kLongestComment = 0xffff;
constexpr std::uint64_t kFolderAttribute = 0x10;
constexpr std::uint64_t kIn64BitField = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kLargestDirectory = std::uint64_t{1} << 27;  ///< of a million members

template <typename... Values>
[[noreturn]] void fail(fmt::format_string<Values...> message, Values&&... values) {
  throw std::runtime_error("the zip's " + fmt::format(message, std::forward<Values>(values)...));
}

std::uint64_t integer(std::string_view bytes, std::size_t at, std::size_t width) {
  if (bytes.size() < at + width) fail("directory is cut short");
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < width; ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return number;
}

/// Reads sizes and offsets of 4 GiB and more: the extra field 1 holds, in this order, those whose
/// own 32-bit field is full.
void extend_to_64_bits(std::string_view extra, std::uint64_t& size, std::uint64_t& stored_size,
                       std::uint64_t& offset) {
  while (extra.size() >= 4) {
    const auto length = integer(extra, 2, 2);
    const auto field = extra.substr(4, length);
    if (integer(extra, 0, 2) == 1) {
      std::size_t at = 0;
      for (auto* value : {&size, &stored_size, &offset}) {
        if (*value != kIn64BitField) continue;
        *value = integer(field, at, 8);
        at += 8;
      }
      return;
    }
    extra.remove_prefix(std::min<std::size_t>(4 + length, extra.size()));
  }
}

/// PyTorchStreamReader ignores the case of names.
std::string lower_case(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

}  // namespace

std::unordered_map<std::string, Member> members(const Source& file) {
  const std::uint64_t file_size = file.size;
  const auto bytes_at = [&](std::uint64_t position, std::uint64_t count) {
    if (position > file_size || count > file_size - position)
      fail("directory points outside the file");
    std::string bytes(static_cast<std::size_t>(count), '\0');
    file.read(position, bytes.data(), bytes.size());
    return bytes;
  };
  // The last record of this kind, where miniz looks, too: a comment may follow, or other bytes.
  const auto tail_size = std::min(file_size, kEndSize + kLongestComment);
  const auto tail = bytes_at(file_size - tail_size, tail_size);
  const auto in_tail =
      tail_size < kEndSize ? std::string::npos : tail.rfind("PK\5\6", tail_size - kEndSize);
  if (in_tail == std::string::npos) fail("end is missing: the file is cut short or not a zip file");
  const auto end_at = file_size - tail_size + in_tail;
  const auto end = std::string_view(tail).substr(in_tail, kEndSize);
  auto count = integer(end, 10, 2);
  auto directory_size = integer(end, 12, 4);
  auto directory_at = integer(end, 16, 4);
  if (end_at >= kLocator64Size + kEnd64Size) {
    const auto locator = bytes_at(end_at - kLocator64Size, kLocator64Size);
    if (locator.starts_with("PK\6\7")) {
      const auto end64 = bytes_at(integer(locator, 8, 8), kEnd64Size);
      if (!end64.starts_with("PK\6\6")) fail("64-bit end is missing");
      count = integer(end64, 32, 8);
      directory_size = integer(end64, 40, 8);
      directory_at = integer(end64, 48, 8);
    }
  }
  if (directory_size > kLargestDirectory)
    fail("directory of {} bytes is too large", directory_size);
  const auto directory = bytes_at(directory_at, directory_size);

  std::unordered_map<std::string, Member> members;
  std::unordered_set<std::string> seen;
  std::uint64_t total = 0;
  std::string folder;  // torch.save puts all members into one; the first member names it
  std::string_view rest = directory;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!rest.starts_with("PK\1\2")) fail("directory is cut short");
    const auto name_length = integer(rest, 28, 2);
    const auto extra_length = integer(rest, 30, 2);
    const auto length = kEntrySize + name_length + extra_length + integer(rest, 32, 2);
    if (length > rest.size()) fail("directory is cut short");
    const std::string name(rest.substr(kEntrySize, name_length));
    const auto member = "member " + detail::escaped(name);
    if (name.ends_with(".npy"))
      fail("{} is NumPy's: save the arrays as tensors, with torch.save", member);
    if (integer(rest, 8, 2) & 1) fail("{} is encrypted", member);
    if (integer(rest, 10, 2) != 0) fail("{} is compressed; torch.save's never are", member);
    auto stored_size = integer(rest, 20, 4);
    auto size = integer(rest, 24, 4);
    auto offset = integer(rest, 42, 4);
    extend_to_64_bits(rest.substr(kEntrySize + name_length, extra_length), size, stored_size,
                      offset);
    if (size != stored_size) fail("{} has {} bytes stored for {}", member, stored_size, size);
    // LibTorch would allocate a folder's bytes and read none.
    const bool is_folder = name.ends_with('/') || (integer(rest, 38, 4) & kFolderAttribute) != 0;
    if (is_folder && size > 0) fail("{} has {} bytes, but is a folder", member, size);
    if (offset > file_size || kLocalHeaderSize > file_size - offset ||
        size > file_size - offset - kLocalHeaderSize)
      fail("{} of {} bytes reaches outside the file", member, size);
    total += size;  // no overflow: each size and the total before it are at most file_size
    if (total > file_size) fail("members overlap: they are larger than the file");
    if (!seen.insert(lower_case(name)).second) fail("{} occurs twice", member);
    if (folder.empty()) folder = name.substr(0, name.find('/') + 1);
    if (folder.empty() || !name.starts_with(folder))
      fail("{} is not in one folder with all others", member);
    members.emplace(name.substr(folder.size()), Member{offset, size});
    rest.remove_prefix(static_cast<std::size_t>(length));
  }
  return members;
}

void read_member(const Source& file, const Member& member, std::size_t first, char* to,
                 std::size_t count) {
  std::string header(kLocalHeaderSize, '\0');
  file.read(member.header_at, header.data(), header.size());
  if (!header.starts_with("PK\3\4")) fail("local header at byte {} is missing", member.header_at);
  const auto at =
      member.header_at + kLocalHeaderSize + integer(header, 26, 2) + integer(header, 28, 2) + first;
  if (at > file.size || count > file.size - at)
    fail("member at byte {} of {} bytes reaches outside the file", at, count);
  if (count > 0) file.read(at, to, count);
}

}  // namespace linreg::pytorch::zip
