#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace linreg::pytorch::detail {

/// The digest of SHA-512 (FIPS 180-4), with which Python seeds from a text. Not by a library: the
/// whole of OpenSSL would be a dependency of all who use random.hpp.
std::array<std::uint8_t, 64> sha512(std::string_view bytes);

}  // namespace linreg::pytorch::detail
