// Fuzz target of the reader of state_dict files. An input is a whole file if it starts like a zip,
// else the member data.pkl.
// `scripts/fuzz state_dict` runs it under libFuzzer, only with the parsers that need no LibTorch.
// With LINREG_FUZZ_LIBTORCH it is the whole reader, tensors included; replay.cpp runs it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "unpickler.hpp"
#include "zip_directory.hpp"

#ifdef LINREG_FUZZ_LIBTORCH
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/read_adapter_interface.h>

#include <memory>

#include "state_dict_reader.hpp"
#endif

namespace {

void parse(std::string_view bytes) try {
  if (!bytes.starts_with("PK")) {
    const auto pickle = linreg::pytorch::pickle::unpickle(bytes);
    linreg::pytorch::pickle::described(pickle, pickle.root);
    return;
  }
  linreg::pytorch::zip::member_sizes(
      bytes.size(), [&](std::uint64_t at, char* to, std::size_t count) {
        std::memcpy(to, bytes.substr(static_cast<std::size_t>(at), count).data(), count);
      });
} catch (const std::runtime_error&) {
}

#ifdef LINREG_FUZZ_LIBTORCH
class Memory final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  std::size_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t at, void* to, std::size_t count, const char*) const override {
    return at > bytes_.size()
               ? 0
               : bytes_.copy(static_cast<char*>(to), count, static_cast<std::size_t>(at));
  }

 private:
  std::string_view bytes_;
};

void read(std::string_view bytes) try {
  const auto member = [](const std::string&, std::size_t size) {
    TORCH_CHECK(size <= 4096, "no member is larger");
    auto memory = c10::GetCPUAllocator()->allocate(size);
    if (size > 0) std::memset(memory.get(), 1, size);
    return memory;
  };
  const auto entries =
      bytes.starts_with("PK")
          ? linreg::pytorch::read_state_dict(std::make_shared<Memory>(bytes))
          : linreg::pytorch::read_pickled_state_dict(bytes, member, bytes.size() % 2 == 0);
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
