// Fuzz target of the reader of state_dict files. An input is a whole file if it starts like a zip,
// else its data.pkl.
//
// With libFuzzer and Clang, the parsers that need no LibTorch:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Ilib/pytorch/src
//   fuzz/state_dict_fuzz.cpp
//     lib/pytorch/src/unpickler.cpp lib/pytorch/src/zip_directory.cpp -o state_dict_fuzz
//   ./state_dict_fuzz -max_total_time=3600 NEW_CORPUS fuzz/corpus/state_dict
// With -DLINREG_FUZZ_LIBTORCH, the library and LibTorch, the whole reader, tensors included.
// With -DLINREG_FUZZ_REPLAY, a plain program for any compiler:
//   ./state_dict_fuzz [-seconds=3600] fuzz/corpus/state_dict    replays the files, then mutates
//   them for that long
// An input that ends the program is left in ./state_dict_fuzz.input.

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
  linreg::pytorch::zip::record_sizes(
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
  const auto record = [](const std::string&, std::size_t size) {
    TORCH_CHECK(size <= 4096, "no record is larger");
    auto memory = c10::GetCPUAllocator()->allocate(size);
    if (size > 0) std::memset(memory.get(), 1, size);
    return memory;
  };
  const auto entries =
      bytes.starts_with("PK")
          ? linreg::pytorch::read_state_dict(std::make_shared<Memory>(bytes))
          : linreg::pytorch::read_pickled_state_dict(bytes, record, bytes.size() % 2 == 0);
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

#ifdef LINREG_FUZZ_REPLAY
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

/// Bytes and slices changed in a few places; a whole file keeps its length, so that its directory
/// stays in place.
std::string mutated(std::string input, const std::string& other, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const auto kinds = input.starts_with("PK") ? 2U : 5U;
  for (auto edits = 1 + below(8); edits > 0 && !input.empty(); --edits) {
    const auto at = below(input.size());
    switch (below(kinds)) {
      case 0:
        input[at] = static_cast<char>(random());
        break;
      case 1:
        input[at] = "\x00\x01\x7f\x80\xff.RQ"[below(8)];
        break;
      case 2:
        input.erase(at, below(16));
        break;
      case 3:
        input.insert(at, input.substr(below(input.size()), below(64)));
        break;
      default:
        input.insert(at, other.substr(below(other.size()), below(64)));
    }
  }
  return input;
}

/// Leaves the input in a file that stays open: a new one for each run would cost more than the run.
void run(const std::string& input) {
  static const int file = open("state_dict_fuzz.input", O_WRONLY | O_CREAT, 0644);
  if (pwrite(file, input.data(), input.size(), 0) < 0 ||
      ftruncate(file, static_cast<off_t>(input.size())) != 0)
    std::perror("state_dict_fuzz.input");
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> inputs;
  std::chrono::seconds duration{0};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("-seconds=")) {
      duration = std::chrono::seconds(std::stoll(argument.substr(9)));
      continue;
    }
    for (const auto& file : std::filesystem::directory_iterator(argument)) {
      std::ifstream stream(file.path(), std::ios::binary);
      inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
      run(inputs.back());
    }
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "state_dict_fuzz: no inputs; name the folder of the corpus\n");
    return 2;
  }
  std::mt19937_64 random(0);  // the same inputs in each run
  std::size_t runs = inputs.size();
  for (const auto end = std::chrono::steady_clock::now() + duration;
       std::chrono::steady_clock::now() < end; ++runs) {
    const auto& other = inputs[random() % inputs.size()];
    run(mutated(inputs[random() % inputs.size()], other, random));
  }
  std::filesystem::remove("state_dict_fuzz.input");
  std::printf("%zu inputs\n", runs);
}
#endif
