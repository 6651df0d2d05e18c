#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace linreg::pytorch::zip {

/// Reads `count` bytes from `position` on, all of them inside the file.
using Read = std::function<void(std::uint64_t position, char* to, std::size_t count)>;

struct Source {
  std::uint64_t size;
  Read read;
};

struct Member {
  std::uint64_t header_at;  ///< position of its local header, which stands before its bytes
  std::uint64_t size;       ///< of its bytes
};

/// The members of a zip, by their names below the archive's one folder ("data/0").
///
/// Accepts only what torch.save writes: members that are stored uncompressed, lie inside the file,
/// are together no larger than it, and have distinct names.
///
/// Not by LibTorch's PyTorchStreamReader: 1.13's takes memory for sizes that it has not checked,
/// and what it says of a broken file is for LibTorch's developers. Not by libzip: it compares
/// checksums, which torch.save can leave out; find_package(libzip) fails on Debian 12, and users of
/// the installed library would need it.
/// @throws std::runtime_error that names the member and the value.
std::unordered_map<std::string, Member> members(const Source& file);

/// Reads `count` bytes of a member, from its byte `first` on, for `first` + `count` up to its size.
/// @throws std::runtime_error unless they lie inside the file.
void read_member(const Source& file, const Member& member, std::size_t first, char* to,
                 std::size_t count);

}  // namespace linreg::pytorch::zip
