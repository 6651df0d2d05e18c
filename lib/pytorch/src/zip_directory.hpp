#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace linreg::pytorch::zip {

/// Reads `count` bytes from `position` on, all of them inside the file.
using Read = std::function<void(std::uint64_t position, char* to, std::size_t count)>;

/// Name below the archive's one folder ("data/0") to size of each record, so that a size is known
/// before PyTorchStreamReader takes memory for it; LibTorch 1.13's reader can't tell it. Accepted
/// is only what torch.save writes: records that are stored uncompressed, lie inside the file, are
/// together no larger than it, and have names that differ.
/// @throws std::runtime_error that names the record and the value.
std::unordered_map<std::string, std::uint64_t> record_sizes(std::uint64_t file_size,
                                                            const Read& read);

}  // namespace linreg::pytorch::zip
