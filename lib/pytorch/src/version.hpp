#pragma once

#include <torch/version.h>

#include <tuple>

namespace linreg::pytorch::detail {

/// Whether this LibTorch is of that version or a later one.
constexpr bool since(int major, int minor) {
  return std::tuple(TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR) >= std::tuple(major, minor);
}

}  // namespace linreg::pytorch::detail
