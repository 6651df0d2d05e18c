#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <functional>
#include <linreg/pytorch/state_dict.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace caffe2::serialize {
class ReadAdapterInterface;
}

/// The layers of load_state_dict_file, for the fuzz target to call one by one.
namespace linreg::pytorch {

/// Returns the bytes of the zip's member `name`; throws c10::Error unless there are `expected`.
using MemberReader = std::function<at::DataPtr(const std::string& name, std::size_t expected)>;

/// Reads the whole file.
StateDict read_state_dict(std::shared_ptr<caffe2::serialize::ReadAdapterInterface> file);

/// Reads the member data.pkl. Swaps the bytes of its tensors' elements for this machine if `swap`.
StateDict read_pickled_state_dict(std::string_view bytes, const MemberReader& read_member,
                                  bool swap);

}  // namespace linreg::pytorch
