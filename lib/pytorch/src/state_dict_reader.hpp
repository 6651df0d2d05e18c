#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <functional>
#include <linreg/pytorch/state_dict.hpp>
#include <string>
#include <string_view>

#include "zip_directory.hpp"

/// The layers of load_state_dict_file, for the fuzz target to call one by one.
namespace linreg::pytorch {

/// Returns the first `count` bytes of the zip's member `name`. Throws c10::Error unless the member
/// has that size, or is longer by less than an element of `item` bytes.
using MemberReader =
    std::function<at::DataPtr(const std::string& name, std::size_t count, std::size_t item)>;

/// Reads the whole file.
StateDict read_state_dict(const zip::Source& file);

/// Reads the member data.pkl. Swaps the bytes of its tensors' elements for this machine if `swap`.
StateDict read_pickled_state_dict(std::string_view bytes, const MemberReader& read_member,
                                  bool swap);

}  // namespace linreg::pytorch
