// Fuzz target of the reader of state_dict files. An input is a whole file if it starts like a zip,
// else the member data.pkl.
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
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

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
    linreg::pytorch::zip::read_member(file, member, read.data(), read.size());
  }
} catch (const std::runtime_error&) {
}

#ifdef LINREG_FUZZ_LIBTORCH
void read(std::string_view bytes) try {
  const auto member = [](const std::string&, std::size_t size, std::size_t) {
    TORCH_CHECK(size <= 4096, "no member is larger");
    auto memory = c10::GetCPUAllocator()->allocate(size);
    if (size > 0) std::memset(memory.get(), 1, size);
    return memory;
  };
  const auto entries = bytes.starts_with("PK") ? linreg::pytorch::read_state_dict(in_memory(bytes))
                                               : linreg::pytorch::read_pickled_state_dict(
                                                     bytes, member, bytes.size() % 2 == 0);
  for (const auto& item : entries)
    if (item.value().numel() < 10000) item.value().clone();
} catch (const std::exception&) {
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
