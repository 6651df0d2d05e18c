#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "zip_directory.hpp"

/// Reads the files of Hugging Face's safetensors: the header's length, eight bytes, the header, a
/// JSON object of the tensors' dtypes, shapes and places, and their elements.
namespace linreg::pytorch::safetensors {

struct Entry {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> sizes;
  std::uint64_t position;  ///< of its first byte in the file
  std::size_t nbytes;
};

/// Whether the file starts as one of safetensors.
bool is_safetensors(const zip::Source& file);

/// The file's tensors, in the order of their elements.
///
/// Refuses what the Python package refuses: a header over 100 MB, a tensor whose bytes are not as
/// many as its shape says, bytes that no tensor has or that two have.
/// @throws c10::Error that names the entry or byte, and the value.
std::vector<Entry> entries(const zip::Source& file);

at::Tensor read(const zip::Source& file, const Entry& entry);

}  // namespace linreg::pytorch::safetensors
