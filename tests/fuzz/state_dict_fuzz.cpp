// Fuzz target of the readers of state_dict and checkpoint files. An input is a whole file if it
// starts like a zip or like safetensors, else the member data.pkl.
// `scripts/fuzz state_dict` runs it under libFuzzer, only with the parsers that need no LibTorch.
// With LINREG_FUZZ_LIBTORCH it is the whole reader, tensors included; replay.cpp runs it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "unpickler.hpp"
#include "zip_directory.hpp"

#ifdef LINREG_FUZZ_LIBTORCH
#include <ATen/core/Tensor.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/state_dict.hpp>

#include "safetensors.hpp"
#include "state_dict_reader.hpp"
#endif

namespace {

linreg::pytorch::zip::Source in_memory(std::string_view bytes) {
  return {bytes.size(), [bytes](std::uint64_t at, char* to, std::size_t count) {
            std::memcpy(to, bytes.substr(static_cast<std::size_t>(at), count).data(), count);
          }};
}

void parse(std::string_view bytes) try {
  if (!bytes.starts_with("PK")) {
    const auto pickle = linreg::pytorch::pickle::unpickle(bytes);
    linreg::pytorch::pickle::described(pickle, pickle.root);
    return;
  }
  const auto file = in_memory(bytes);
  for (const auto& [name, member] : linreg::pytorch::zip::members(file)) {
    std::string read(static_cast<std::size_t>(member.size), '\0');
    linreg::pytorch::zip::read_member(file, member, 0, read.data(), read.size());
  }
} catch (const std::runtime_error&) {
}

#ifdef LINREG_FUZZ_LIBTORCH
using namespace linreg::pytorch;

void use(const at::Tensor& tensor) {
  if (tensor.numel() < 10000) tensor.clone();
}

void use(const Value& value) {
  if (value.is<at::Tensor>()) use(value.as<at::Tensor>());
  if (value.is<Value::List>()) {
    for (const Value& item : value.as<Value::List>()) use(item);
  }
  if (value.is<Value::Dict>()) {
    for (const auto& [key, item] : value.as<Value::Dict>()) use(item);
  }
}

void use(const StateDict& entries) {
  for (const auto& entry : entries) use(entry.value());
}

/// Runs `read`, which may refuse the input.
void attempt(const auto& read) try { use(read()); } catch (const std::exception&) {
}

void read(std::string_view bytes) {
  const auto file = in_memory(bytes);
  if (safetensors::is_safetensors(file)) {
    attempt([&] {
      StateDict entries;
      for (const auto& entry : safetensors::entries(file)) {
        entries.insert(entry.name, safetensors::read(file, entry));
      }
      return entries;
    });
    return;
  }
  if (bytes.starts_with("PK")) {
    attempt([&] { return read_state_dict(file); });
    attempt([&] { return read_checkpoint(file); });
    attempt([&] {
      StateDict entries;
      const auto on_disk = tensors_on_disk(file);
      for (std::size_t i = 0; i < on_disk.entries.size(); ++i) {
        entries.insert(on_disk.entries[i].name, on_disk.read(i));
      }
      return entries;
    });
    return;
  }
  const auto member = [](const std::string&, std::size_t size, std::size_t, Part part) {
    TORCH_CHECK(size <= 4096, "no member is larger");
    auto memory = c10::GetCPUAllocator()->allocate(part.count);
    if (part.count > 0) std::memset(memory.get(), 1, part.count);
    return memory;
  };
  const bool swap = bytes.size() % 2 == 0;
  attempt([&] { return read_pickled_state_dict(bytes, member, swap); });
  attempt([&] { return read_pickled_checkpoint(bytes, member, swap); });
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  parse(bytes);
#ifdef LINREG_FUZZ_LIBTORCH
  read(bytes);
#endif
  return 0;
}
