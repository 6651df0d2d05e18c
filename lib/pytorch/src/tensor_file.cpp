#include "linreg/pytorch/tensor_file.hpp"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <memory>
#include <string>
#include <utility>

#include "safetensors.hpp"
#include "state_dict_detail.hpp"
#include "state_dict_reader.hpp"
#include "zip_directory.hpp"

namespace linreg::pytorch {
namespace {

/// The whole file, read where the reader asks.
zip::Source open(const std::filesystem::path& path) {
  TORCH_CHECK(!std::filesystem::exists(path) || std::filesystem::is_regular_file(path),
              "not a regular file");
  const auto stream = std::make_shared<std::ifstream>(path, std::ios::binary | std::ios::ate);
  TORCH_CHECK(*stream, "can't be opened: ", std::strerror(errno));
  const auto size = static_cast<std::uint64_t>(stream->tellg());
  return {size, [stream](std::uint64_t at, char* to, std::size_t count) {
            stream->clear();
            stream->seekg(static_cast<std::streamoff>(at));
            stream->read(to, static_cast<std::streamsize>(count));
            TORCH_CHECK(static_cast<std::size_t>(stream->gcount()) == count,
                        "can't be read at byte ", at);
          }};
}

}  // namespace

StateDict load_state_dict_file(const std::filesystem::path& path) {
  return detail::naming(path, [&] {
    const zip::Source file = open(path);
    if (!safetensors::is_safetensors(file)) return read_state_dict(file);
    StateDict result("Entry");
    for (const auto& entry : safetensors::entries(file)) {
      result.insert(entry.name, detail::naming_entry(
                                    entry.name, [&] { return safetensors::read(file, entry); }));
    }
    return result;
  });
}

StateDict load_state_dict_file(const std::filesystem::path& path, const std::string& part) {
  return detail::naming(path, [&] { return read_state_dict(open(path), part); });
}

Value load_checkpoint(const std::filesystem::path& path) {
  return detail::naming(path, [&] { return read_checkpoint(open(path)); });
}

TensorFile::TensorFile(std::filesystem::path path) : path_(std::move(path)) {
  detail::naming(path_, [&] {
    const zip::Source file = open(path_);
    if (!safetensors::is_safetensors(file)) {
      TensorsOnDisk tensors = tensors_on_disk(file);
      entries_ = std::move(tensors.entries);
      read_ = std::move(tensors.read);
      return;
    }
    const auto entries = safetensors::entries(file);
    for (const auto& [name, dtype, sizes, position, nbytes] : entries) {
      entries_.push_back({name, dtype, sizes});
    }
    read_ = [file, entries](std::size_t i) { return safetensors::read(file, entries[i]); };
  });
}

at::Tensor TensorFile::read(std::size_t i) const {
  return detail::naming(
      path_, [&] { return detail::naming_entry(entries_.at(i).name, [&] { return read_(i); }); });
}

}  // namespace linreg::pytorch
