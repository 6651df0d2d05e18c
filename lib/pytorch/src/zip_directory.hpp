#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace linreg::pytorch::zip {

/// Reads `count` bytes from `position` on, all of them inside the file.
using Read = std::function<void(std::uint64_t position, char* to, std::size_t count)>;

/// The size of each member of a zip, by its name below the archive's one folder ("data/0").
///
/// Checks the sizes before PyTorchStreamReader takes memory for them, which LibTorch 1.13's does
/// not. Accepts only what torch.save writes: members that are stored uncompressed, lie inside the
/// file, are together no larger than it, and have distinct names.
///
/// Not by libzip: it could find another directory than LibTorch's miniz does; it compares
/// checksums, which torch.save can leave out; find_package(libzip) fails on Debian 12, and users of
/// the installed library would need it.
/// @throws std::runtime_error that names the member and the value.
std::unordered_map<std::string, std::uint64_t> member_sizes(std::uint64_t file_size,
                                                            const Read& read);

}  // namespace linreg::pytorch::zip
