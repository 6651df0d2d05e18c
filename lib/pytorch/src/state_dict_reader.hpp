#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>

#include <cstddef>
#include <functional>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zip_directory.hpp"

/// The layers of load_state_dict_file and load_checkpoint, for the fuzz target to call one by one.
namespace linreg::pytorch {

/// Bytes of a member of the zip.
struct Part {
  std::size_t first;
  std::size_t count;
};

/// Returns a part of the first `count` bytes of the zip's member `name`. Throws c10::Error unless
/// the member has that size, or is longer by less than an element of `item` bytes.
using MemberReader = std::function<at::DataPtr(const std::string& name, std::size_t count,
                                               std::size_t item, Part part)>;

/// Reads the whole file, or of a dict the value of the key `part`.
StateDict read_state_dict(const zip::Source& file, const std::optional<std::string>& part = {});
Value read_checkpoint(const zip::Source& file);

/// Reads the member data.pkl. Swaps the bytes of its tensors' elements for this machine if `swap`.
StateDict read_pickled_state_dict(std::string_view bytes, const MemberReader& read_member,
                                  bool swap, const std::optional<std::string>& part = {});
Value read_pickled_checkpoint(std::string_view bytes, const MemberReader& read_member, bool swap);

/// The tensors of a whole file, and what reads the elements of the i-th.
struct TensorsOnDisk {
  std::vector<TensorFile::Entry> entries;
  std::function<at::Tensor(std::size_t i)> read;
};

/// What a TensorFile holds of a file of torch.save.
TensorsOnDisk tensors_on_disk(const zip::Source& file);

}  // namespace linreg::pytorch
