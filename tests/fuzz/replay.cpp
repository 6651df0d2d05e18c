// Runs a fuzz target without libFuzzer, built by any compiler:
//   NAME_fuzz [-seconds=3600] tests/fuzz/corpus/NAME
// Replays the files, then mutates them for so many seconds, in the same way in each run. Leaves an
// input that ends the program in ./NAME_fuzz.input.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Changes, removes and inserts bytes in a few places. Only changes those of a zip, whose directory
/// must stay in place.
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

/// Writes the input to a file, then runs it. The file stays open: to open it takes longer than a
/// run.
void run(const std::string& file_name, const std::string& input) {
  static const int file = open(file_name.c_str(), O_WRONLY | O_CREAT, 0644);
  if (pwrite(file, input.data(), input.size(), 0) < 0 ||
      ftruncate(file, static_cast<off_t>(input.size())) != 0)
    std::perror(file_name.c_str());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = std::filesystem::path(argv[0]).filename();
  const std::string file_name = name + ".input";
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
      run(file_name, inputs.back());
    }
  }
  if (inputs.empty()) {
    std::fprintf(stderr, "%s: no inputs; name the folder of the corpus\n", name.c_str());
    return 2;
  }
  std::mt19937_64 random(0);  // the same inputs in each run
  std::size_t runs = inputs.size();
  for (const auto end = std::chrono::steady_clock::now() + duration;
       std::chrono::steady_clock::now() < end; ++runs) {
    const auto& other = inputs[random() % inputs.size()];
    run(file_name, mutated(inputs[random() % inputs.size()], other, random));
  }
  std::filesystem::remove(file_name);
  std::printf("%zu inputs\n", runs);
}
