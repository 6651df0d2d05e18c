#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace linreg::pytorch {

/// The tensors of a file, read one at a time: for files larger than memory, and for files that hold
/// more than tensors.
///
///     const TensorFile file("checkpoint.pt");
///     file.entries()[0].name;  // "model_state_dict.0.weight"
///     file.read(0);            // its elements
///
/// Takes what load_state_dict_file takes, and a checkpoint or a list: its names are joined by dots,
/// a list's are its positions, and what is no tensor is left out.
class TensorFile {
 public:
  struct Entry {
    std::string name;
    at::ScalarType dtype;
    std::vector<std::int64_t> sizes;
  };

  /// Reads what the file holds, but none of the tensors' elements.
  /// @throws c10::Error that names the file, the entry or byte, and the value.
  explicit TensorFile(std::filesystem::path path);

  /// The tensors, in the file's order.
  const std::vector<Entry>& entries() const { return entries_; }

  /// Reads the tensor entries()[i], which shares its memory with no other.
  /// @throws c10::Error as the constructor does.
  at::Tensor read(std::size_t i) const;

 private:
  std::filesystem::path path_;
  std::vector<Entry> entries_;
  std::function<at::Tensor(std::size_t i)> read_;
};

}  // namespace linreg::pytorch
