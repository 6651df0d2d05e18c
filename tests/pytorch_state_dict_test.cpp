#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <linreg/pytorch/state_dict.hpp>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python_scripts.hpp"

namespace {

using linreg::pytorch::load_into;
using linreg::pytorch::load_state_dict_file;
using linreg::pytorch::save_state_dict_file;
using linreg::pytorch::state_dict;
using linreg::pytorch::StateDict;
using linreg::test::run_python;
using linreg::test::script;
using linreg::test::TemporaryDirectory;
namespace nn = torch::nn;

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The message of the c10::Error that `action` throws.
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  ADD_FAILURE() << "no c10::Error";
  return "";
}

testing::AssertionResult contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << part << "\" in: " << text;
}

StateDict dict(std::initializer_list<std::pair<std::string, torch::Tensor>> entries) {
  StateDict result("Entry");
  for (const auto& [name, tensor] : entries) result.insert(name, tensor);
  return result;
}

// A StateDict's description, as in tests/python/state_dicts.py.

std::string dtype_name(at::ScalarType dtype) {
  static const std::map<std::string, std::string> names{{"Byte", "uint8"},
                                                        {"Char", "int8"},
                                                        {"Short", "int16"},
                                                        {"Int", "int32"},
                                                        {"Long", "int64"},
                                                        {"Half", "float16"},
                                                        {"Float", "float32"},
                                                        {"Double", "float64"},
                                                        {"ComplexHalf", "complex32"},
                                                        {"ComplexFloat", "complex64"},
                                                        {"ComplexDouble", "complex128"}};
  std::string name = c10::toString(dtype);
  if (const auto known = names.find(name); known != names.end()) return known->second;
  for (auto& letter : name)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return name;
}

template <typename Numbers>
std::string row(const Numbers& numbers) {
  std::ostringstream out;
  const char* separator = "(";
  for (const auto& number : numbers) out << std::exchange(separator, ",") << number;
  return (numbers.empty() ? "(" : out.str()) + ")";
}

/// Python's float.hex().
std::string hex(double number) {
  if (number == 0) return "0x0.0p+0";
  char text[40];
  std::snprintf(text, sizeof text, "%.13a", number);
  return text;
}

std::string quantizer(const torch::Tensor& tensor) {
  if (!tensor.is_quantized()) return "-";
  if (tensor.qscheme() == at::kPerTensorAffine)
    return hex(tensor.q_scale()) + '/' + std::to_string(tensor.q_zero_point());
  const auto numbers = [](const torch::Tensor& values) {
    std::vector<std::string> result;
    for (std::int64_t i = 0; i < values.numel(); ++i)
      result.push_back(hex(values[i].item<double>()));
    return "torch." + dtype_name(values.scalar_type()) + '/' + row(result);
  };
  return numbers(tensor.q_per_channel_scales()) + '/' +
         numbers(tensor.q_per_channel_zero_points()) + '/' +
         std::to_string(tensor.q_per_channel_axis());
}

std::string describe(const StateDict& entries) {
  std::map<const void*, std::size_t> numbers;
  std::ostringstream out;
  for (const auto& item : entries) {
    const auto& tensor = item.value();
    const auto* bytes = static_cast<const unsigned char*>(tensor.storage().data());
    const auto size = tensor.storage().nbytes();
    out << (item.key().empty() ? "(alone)" : item.key()) << ' ' << dtype_name(tensor.scalar_type())
        << ' ' << row(tensor.sizes()) << ' ' << row(tensor.strides()) << ' '
        << tensor.storage_offset() << ' ' << tensor.requires_grad() << ' ' << tensor.is_conj()
        << ' ' << tensor.is_neg() << ' ' << quantizer(tensor) << ' ';
    if (size == 0) {
      out << "- -\n";
      continue;
    }
    out << numbers.emplace(bytes, numbers.size()).first->second << ' ';
    for (std::size_t i = 0; i < size; ++i)
      out << "0123456789abcdef"[bytes[i] >> 4] << "0123456789abcdef"[bytes[i] & 15];
    out << '\n';
  }
  return out.str();
}

/// Net of tests/python/state_dicts.py.
struct NetImpl : nn::Module {
  nn::Conv2d conv{nn::Conv2dOptions(3, 4, 3)};
  nn::BatchNorm2d norm{4};
  nn::Sequential body{nn::Linear(5, 6), nn::Linear(6, 6),
                      nn::Linear(nn::LinearOptions(6, 2).bias(false))};
  nn::LSTM lstm{nn::LSTMOptions(3, 4).num_layers(2).bidirectional(true)};
  nn::Embedding embedding{7, 3};
  nn::Linear decoder{nn::LinearOptions(3, 7).bias(false)};

  NetImpl() {
    register_module("conv", conv);
    register_module("norm", norm);
    nn::Sequential python_body;
    python_body->push_back("0", nn::Linear(5, 6));
    python_body->push_back("2", nn::Linear(nn::LinearOptions(6, 2).bias(false)));
    body = register_module("body", python_body);
    register_module("lstm", lstm);
    register_module("embedding", embedding);
    register_module("decoder", decoder);
    decoder->weight.set_data(embedding->weight.data());
  }
};

std::vector<std::string> names(const StateDict& entries) { return entries.keys(); }

// A pickle and a zip by hand.

using namespace std::string_literals;

std::string little_endian(std::uint64_t number, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

std::string text(const std::string& text) { return 'X' + little_endian(text.size(), 4) + text; }
std::string integer(std::int64_t number) {
  return "\x8a\x08" + little_endian(static_cast<std::uint64_t>(number), 8);
}
std::string global(const std::string& module, const std::string& name) {
  return 'c' + module + '\n' + name + '\n';
}
std::string call(const std::string& function, const std::string& arguments) {
  return function + '(' + arguments + "tR";
}
std::string integers(const std::vector<std::int64_t>& numbers) {
  std::string items;
  for (const auto number : numbers) items += integer(number);
  return '(' + items + 't';
}
std::string storage(std::int64_t elements, const std::string& type = "FloatStorage",
                    const std::string& key = "0") {
  return '(' + text("storage") + global("torch", type) + text(key) + text("cpu") +
         integer(elements) + "tQ";
}
const auto kNoHooks = global("collections", "OrderedDict") + ")R";
std::string tensor(const std::string& storage, std::int64_t offset,
                   const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              storage + integer(offset) + integers(sizes) + integers(strides) + '\x89' + kNoHooks);
}
std::string tensor(std::int64_t elements, std::int64_t offset,
                   const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides) {
  return tensor(storage(elements), offset, sizes, strides);
}

struct Member {
  std::string name;
  std::string bytes;
  std::uint64_t declared = bytes.size();
  int method = 0;
  int attributes = 0;
  std::optional<std::uint64_t> offset = {};  ///< in 64 bits
};

/// A zip file whose directory gives each member the declared size, in 64 bits.
std::string zip(const std::vector<Member>& members) {
  std::string file, directory;
  for (const auto& member : members) {
    const auto offset = file.size();
    file += "PK\3\4" + little_endian(45, 2) + little_endian(0, 2) +
            little_endian(static_cast<std::uint64_t>(member.method), 2) + little_endian(0, 8) +
            little_endian(member.bytes.size(), 4) + little_endian(member.bytes.size(), 4) +
            little_endian(member.name.size(), 2) + little_endian(0, 2) + member.name + member.bytes;
    directory +=
        "PK\1\2" + little_endian(45, 2) + little_endian(45, 2) + little_endian(0, 2) +
        little_endian(static_cast<std::uint64_t>(member.method), 2) + little_endian(0, 8) +
        little_endian(0xffffffff, 4) + little_endian(0xffffffff, 4) +
        little_endian(member.name.size(), 2) + little_endian(member.offset ? 28 : 20, 2) +
        little_endian(0, 6) + little_endian(static_cast<std::uint64_t>(member.attributes), 4) +
        little_endian(member.offset ? 0xffffffff : offset, 4) + member.name + little_endian(1, 2) +
        little_endian(member.offset ? 24 : 16, 2) + little_endian(member.declared, 8) +
        little_endian(member.declared, 8) + (member.offset ? little_endian(*member.offset, 8) : "");
  }
  const auto directory_at = file.size();
  return file + directory + "PK\5\6" + little_endian(0, 4) + little_endian(members.size(), 2) +
         little_endian(members.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(directory_at, 4) + little_endian(0, 2);
}

/// A file of that pickle whose storages "0" and "1" hold the floats 0 to 5.
std::string file_of(const std::string& pickle) {
  std::string floats(24, '\0');
  for (std::size_t i = 0; i < 6; ++i) {
    const auto number = static_cast<float>(i);
    std::memcpy(floats.data() + 4 * i, &number, 4);
  }
  return zip({{"net/data.pkl", pickle},
              {"net/version", "3\n"},
              {"net/data/0", floats},
              {"net/data/1", floats}});
}

StateDict load_bytes(std::string_view bytes) {
  const TemporaryDirectory folder;
  write_bytes(folder.path() / "net.pt", bytes);
  return load_state_dict_file(folder.path() / "net.pt");
}

StateDict load_pickle(const std::string& pickle) { return load_bytes(file_of(pickle)); }

std::string error_of_pickle(const std::string& pickle) {
  return error_of([&] { load_pickle(pickle); });
}

std::string dict_of(const std::string& value, const std::string& name = "w") {
  return "\x80\2}" + text(name) + value + "s.";
}

/// A name that would colour the terminal, ring its bell and add a line: ESC, BEL, newline, C1's CSI
/// and a byte that is not UTF-8. Then its text in a message.
const std::string kHostile = "w\x1b[31m\x07\n\xc2\x9b\xff ünï";
constexpr std::string_view kEscaped = "w\\x1b[31m\\x07\\x0a\\xc2\\x9b\\xff ünï";
bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

// Reading.

TEST(LoadStateDictFile, ReadsTheBytesThatPythonWrites) {
  // data.pkl of torch.save({"w": torch.arange(6.).reshape(2, 3)}, path), PyTorch 1.13 to 2.13.
  const auto pickle =
      "\x80\2}q\0X\1\0\0\0wq\1ctorch._utils\n_rebuild_tensor_v2\nq\2(("
      "X\7\0\0\0storageq\3ctorch\nFloatStorage\nq\4"
      "X\1\0\0\0000q\5X\3\0\0\0cpuq\6K\6tq\7QK\0K\2K\3\x86q\bK\3K\1\x86q\t\x89"
      "ccollections\nOrderedDict\nq\n)Rq\vtq\fRq\rs."s;
  const auto entries = load_pickle(pickle);
  ASSERT_EQ(names(entries), std::vector<std::string>{"w"});
  EXPECT_EQ(entries["w"].scalar_type(), torch::kFloat);
  EXPECT_FALSE(entries["w"].requires_grad());
  EXPECT_TRUE(torch::equal(entries["w"], torch::tensor({{0.f, 1.f, 2.f}, {3.f, 4.f, 5.f}})));
}

TEST(LoadStateDictFile, KeepsStridesAndOffset) {
  const auto w = load_pickle(dict_of(tensor(6, 1, {2, 2}, {1, 3})))["w"];
  EXPECT_TRUE(torch::equal(w, torch::tensor({{1.f, 4.f}, {2.f, 5.f}})));
  EXPECT_EQ(w.strides(), (std::vector<std::int64_t>{1, 3}));
}

TEST(LoadStateDictFile, FlattensNestedDictsWithDots) {
  const auto inner = '}' + text("b") + tensor(6, 0, {1}, {1}) + "s}"s.substr(0, 1);
  EXPECT_EQ(names(load_pickle(dict_of(inner))), std::vector<std::string>{"w.b"});
  EXPECT_EQ(names(load_pickle("\x80\2}K\7" + inner + "s.")), std::vector<std::string>{"7.b"});
}

TEST(LoadStateDictFile, NamesAnEntryThatIsNotATensor) {
  EXPECT_TRUE(
      contains(error_of_pickle(dict_of("K\3")), "entry \"w\" is the integer 3, not a tensor"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of("N")), "entry \"w\" is None, not a tensor"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of("\x88")), "entry \"w\" is True, not a tensor"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(text("adam"))),
                       "entry \"w\" is the text \"adam\", not a tensor"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of("]")), "entry \"w\" is a list, not a tensor"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(call(global("torch", "Size"), ")"))),
                       "is a call of torch.Size"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2]."), "the file holds a list"));
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2}N" + tensor(6, 0, {1}, {1}) + "s."), "a key is None"));
}

TEST(LoadStateDictFile, EscapesWhatItQuotes) {
  const auto value = tensor(6, 0, {1}, {1});
  const auto twice = text(kHostile) + value + 's';
  auto unknown_storage = value;
  unknown_storage.replace(value.find(text("0")), text("0").size(), text(kHostile));
  for (const auto& pickle :
       {dict_of("N", kHostile), dict_of(tensor(6, 0, {7}, {1}), kHostile),
        "\x80\2}" + twice + twice + '.', "\x80\2}" + text(kHostile) + "}q\0K\0h\0ss."s,
        dict_of(text(kHostile)), dict_of(unknown_storage)}) {
    const auto error = error_of_pickle(pickle);
    EXPECT_TRUE(contains(error, kEscaped));
    EXPECT_TRUE(std::ranges::none_of(error, is_control)) << error;
  }
}

TEST(LoadStateDictFile, CutsWhatItQuotes) {
  const std::string endless(70'000, 'x');
  for (const auto& pickle :
       {dict_of("N", endless), dict_of(text(endless)), dict_of(tensor(6, 0, {7}, {1}), endless),
        "\x80\2" + global(endless, endless) + '.', dict_of("N", std::string(70'000, '\n'))}) {
    const auto error = error_of_pickle(pickle);
    EXPECT_TRUE(contains(error, "..."));
    EXPECT_LT(error.size(), 500U);
  }
}

TEST(LoadStateDictFile, RefusesTheSameNameTwice) {
  const auto value = tensor(6, 0, {1}, {1});
  EXPECT_TRUE(contains(error_of_pickle("\x80\2}" + text("7") + value + "sK\7" + value + "s."),
                       "\"7\" occurs twice"));
}

TEST(LoadStateDictFile, NamesTheFile) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  EXPECT_TRUE(contains(error_of([&] { load_state_dict_file(path); }),
                       path.string() + ": can't be opened: No such"));
  EXPECT_TRUE(
      contains(error_of([&] { load_state_dict_file(folder.path()); }), "not a regular file"));
  write_bytes(path, file_of("\x80\2]."));
  EXPECT_TRUE(contains(error_of([&] { load_state_dict_file(path); }),
                       path.string() + ": the file holds a list"));
}

TEST(LoadStateDictFile, RefusesForeignGlobalsByName) {
  const auto refuses = [](const std::string& pickle, const std::string& name) {
    EXPECT_TRUE(contains(error_of_pickle(pickle), "refuses " + name)) << name;
  };
  refuses("cos\nsystem\n(S'id'\ntR.", "os.system");
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"nt", "system"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "exec"},
                                                        {"__builtin__", "eval"},
                                                        {"builtins", "getattr"},
                                                        {"builtins", "__import__"},
                                                        {"subprocess", "Popen"},
                                                        {"runpy", "_run_code"},
                                                        {"torch", "load"},
                                                        {"torch", "serialization.os.system"},
                                                        {"torch._utils", "_import_dotted_name"},
                                                        {"torch.hub", "load"},
                                                        {"copyreg", "_reconstructor"},
                                                        {"torch._utils", "_rebuild_sparse_tensor"},
                                                        {"numpy.core.multiarray", "scalar"},
                                                        {"", ""},
                                                        {"torch._utils._rebuild_tensor", "v2"}}) {
    refuses("\x80\2" + call(global(module, name), text("id")) + '.', module + '.' + name);
    refuses("\x80\4" + text(module) + text(name) + "\x93(tR.", module + '.' + name);
    refuses(dict_of(global("collections", "OrderedDict") + ")R}" + text("x") +
                    global(module, name) + "sb"),
            module + '.' + name);
  }
  refuses("\x80\2" + global("os\x1b[31m", "x") + '.', "os\\x1b[31m.x");
}

TEST(LoadStateDictFile, RefusesCallsAndOpcodesThatTensorsDoNotNeed) {
  EXPECT_TRUE(contains(error_of_pickle("\x80\2" + text("os.system") + ")R."),
                       "calls the text \"os.system\""));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2" + global("torch", "Size") + "]R."), "with a list"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2" + text("a") + global("torch", "Size") + "\x93."),
                       "is not a text"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2" + kNoHooks + "]b."), "refuses BUILD with a list"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2}" + text("__setstate__") + "Ns}b."),
                       "refuses BUILD on a dict"));
  EXPECT_TRUE(
      contains(error_of_pickle(dict_of(tensor(6, 0, {1}, {1}) + "}b")), "refuses BUILD on a call"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(call(global("torch", "FloatStorage"), ""))),
                       "is not a tensor"));
  for (const auto& opcode :
       {"\x81"s, "o"s, "i"s, "\x92"s, "\x82\1"s, "B\0\0\0\0"s, "P0\n"s, "I1\n"s, "\x8f"s, "\xff"s})
    EXPECT_TRUE(contains(error_of_pickle("\x80\2(" + opcode), "byte 3: refuses the opcode"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\1."), "pickle protocol 1"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\6."), "pickle protocol 6"));
}

TEST(LoadStateDictFile, RefusesOpcodesThatReachBelowTheStackOrAMark) {
  for (const auto& opcodes : {""s, "s"s, "K\1s"s, "\x85"s, "(\x85"s, "N(\x85"s, "}K\1(K\2s"s,
                              "](a"s, "(e"s, "(u"s, "q\0"s, "(R"s, "N(R"s, "(Q"s, "(b"s})
    EXPECT_TRUE(contains(error_of_pickle("\x80\2" + opcodes + '.'), "the stack is too short"))
        << opcodes;
  for (const auto& opcodes : {"Nt"s, "}u"s, "]e"s})
    EXPECT_TRUE(contains(error_of_pickle("\x80\2" + opcodes + '.'), "no mark is set")) << opcodes;
  EXPECT_TRUE(contains(error_of_pickle("\x80\2NN."), "STOP leaves values on the stack"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2(N."), "STOP leaves values on the stack"));
}

TEST(LoadStateDictFile, RefusesHugeDeclaredSizes) {
  const auto huge = std::int64_t{1} << 62;
  EXPECT_TRUE(contains(error_of_pickle("\x80\2X\xff\xff\xff\xff."),
                       "declares 4294967295 bytes where 1 are left"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\4\x8d\xff\xff\xff\xff\xff\xff\xff\xff."),
                       "declares 18446744073709551615 bytes"));
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xff."), "a frame of"));
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2\x8b\xff\xff\xff\x7f."), "an integer of 2147483647 bytes"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2Nr\xff\xff\xff\xff."),
                       "the memo's index 4294967295 follows 0"));
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2Nj\xff\xff\xff\xff."), "the memo has no index 4294967295"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(huge, 0, {1}, {1}))),
                       "declares 4611686018427387904 elements"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(-1, 0, {1}, {1}))), "declares -1 elements"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(7, 0, {7}, {1}))), "has 24 bytes, not 28"));
  EXPECT_TRUE(
      contains(error_of_pickle(dict_of(tensor(huge / 8, 0, {1}, {1}))), "has 24 bytes, not"));
}

TEST(LoadStateDictFile, RefusesViewsOutsideTheirStorage) {
  const auto huge = std::int64_t{1} << 62;
  const auto refuses = [](std::int64_t offset, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
    EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(6, offset, sizes, strides))),
                         "reach outside a storage"));
  };
  refuses(0, {7}, {1});
  refuses(1, {6}, {1});
  refuses(6, {}, {});
  refuses(-1, {2}, {1});
  refuses(0, {-1}, {1});
  refuses(5, {2}, {-1});
  refuses(0, {2}, {huge});
  refuses(0, {5}, {huge});
  refuses(INT64_MAX, {2}, {1});
  refuses(0, {huge, 4}, {0, 0});
  refuses(0, {huge}, {0});
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(6, 0, {2, 2}, {1}))), "differ in length"));
  EXPECT_EQ(load_pickle(dict_of(tensor(6, 9, {0}, {1})))["w"].numel(), 0);
}

TEST(LoadStateDictFile, SurvivesDeepCyclicAndExplodingPickles) {
  const auto many = std::size_t{1} << 20;
  std::string nested = "\x80\2";
  for (std::size_t i = 0; i < many; ++i) nested += '}' + "K\0"s;
  nested += 'N' + std::string(many, 's') + '.';
  EXPECT_TRUE(contains(error_of_pickle(nested), "dicts are nested over 100 deep"));
  EXPECT_TRUE(contains(
      error_of_pickle("\x80\2" + std::string(many, ']') + std::string(many - 1, 'a') + '.'),
      "a list"));
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2" + std::string(many, '(') + '.'), "the stack is too short"));
  std::string tuples = "\x80\2)";
  tuples += std::string(many, '\x85') + '.';
  EXPECT_TRUE(contains(error_of_pickle(tuples), "the file holds a tuple"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2" + std::string(std::size_t{1} << 24, 'N') + '.'),
                       "more than 8388608"));
  EXPECT_TRUE(contains(error_of_pickle("\x80\2}q\0K\0h\0s."s),
                       "entry \"0\" is a dict that occurs elsewhere"));
  std::string laughs = "}" + text("w") + tensor(6, 0, {1}, {1}) + "s";
  for (char i = 0; i < 60; ++i) laughs = "}K\0"s + laughs + 'q' + i + "sK\1h" + i + 's';
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2" + laughs + '.'), "is a dict that occurs elsewhere"));
}

TEST(LoadStateDictFile, RefusesNamesMuchLongerThanTheFile) {
  std::string pickle = "\x80\2}" + text(std::string(1 << 16, 'a')) + '}' + text("w") +
                       tensor(6, 0, {1}, {1}) + "\x94s";
  for (int i = 0; i < 1000; ++i)
    pickle += 'M' + little_endian(static_cast<std::uint64_t>(i), 2) + "h\0s"s;
  EXPECT_TRUE(contains(error_of_pickle(pickle + "s."), "out of proportion"));
}

TEST(LoadStateDictFile, ReadsDictsNested100DeepAndRefusesDeeperOnes) {
  const auto nested = [](std::size_t depth) {
    std::string pickle = "\x80\2";
    for (std::size_t i = 0; i < depth; ++i) pickle += '}' + text("n");
    return pickle + tensor(6, 0, {1}, {1}) + std::string(depth, 's') + '.';
  };
  EXPECT_EQ(names(load_pickle(nested(100))).at(0).size(), 199U);
  EXPECT_TRUE(contains(error_of_pickle(nested(101)), "dicts are nested over 100 deep"));
}

TEST(LoadStateDictFile, RefusesContradictoryStorages) {
  const auto pair = [](const std::string& first, const std::string& second) {
    return error_of_pickle("\x80\2}" + text("a") + tensor(first, 0, {1}, {1}) + 's' + text("b") +
                           tensor(second, 0, {1}, {1}) + "s.");
  };
  EXPECT_TRUE(contains(pair(storage(6), storage(6, "IntStorage")),
                       "\"0\" is 24 bytes of torch.FloatStorage and again 24 of torch.IntStorage"));
  EXPECT_TRUE(contains(pair(storage(6), storage(5)), "and again 20 of torch.FloatStorage"));
  EXPECT_TRUE(
      contains(error_of_pickle(dict_of(tensor(storage(24, "storage.UntypedStorage"), 0, {1}, {1}))),
               "a tensor is made from a torch.storage.UntypedStorage"));
  EXPECT_TRUE(contains(
      error_of_pickle(dict_of(call(global("torch._utils", "_rebuild_tensor_v3"),
                                   storage(6) + integer(0) + integers({1}) + integers({1}) +
                                       '\x89' + kNoHooks + global("torch", "uint16")))),
      TORCH_VERSION_MAJOR == 1 ? "this LibTorch has no torch.uint16"
                               : "a tensor is made from a torch.FloatStorage"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(call(global("torch._utils", "_rebuild_tensor_v2"),
                                                    storage(6) + integer(0)))),
                       "_rebuild_tensor_v2 is called with 2 arguments"));
}

TEST(LoadStateDictFile, RefusesWrongQuantizers) {
  const auto quantized = [](const std::string& quantizer,
                            const std::string& type = "QInt8Storage") {
    return error_of_pickle(dict_of(call(global("torch._utils", "_rebuild_qtensor"),
                                        storage(type == "FloatStorage" ? 6 : 24, type) +
                                            integer(0) + integers({2, 3}) + integers({3, 1}) + '(' +
                                            quantizer + "t\x89" + kNoHooks)));
  };
  const auto per_tensor = global("torch", "per_tensor_affine");
  const auto half = "G\x3f\xe0\0\0\0\0\0\0"s;
  const auto per_channel = [](std::int64_t scales, std::int64_t zero_points, std::int64_t axis) {
    return global("torch", "per_channel_affine") +
           tensor(storage(6, "FloatStorage", "1"), 0, {scales}, {1}) +
           tensor(storage(6, "FloatStorage", "1"), 0, {zero_points}, {1}) + integer(axis);
  };
  EXPECT_TRUE(contains(quantized(""), "the quantizer is empty"));
  EXPECT_TRUE(contains(quantized(per_tensor + half), "torch.per_tensor_affine has 1 parameters"));
  EXPECT_TRUE(
      contains(quantized(per_tensor + integer(1) + integer(0)), "the scale is the integer 1"));
  EXPECT_TRUE(contains(quantized(per_tensor + half + half), "the zero point is the float 0.5"));
  EXPECT_TRUE(contains(quantized(per_tensor + half + integer(0), "FloatStorage"),
                       "a tensor of Float has a quantizer"));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(storage(24, "QInt8Storage"), 0, {1}, {1}))),
                       "a tensor of QInt8 has no quantizer"));
  EXPECT_TRUE(contains(quantized(global("torch", "Size")), "the quantizer's scheme is torch.Size"));
  EXPECT_TRUE(contains(quantized(per_channel(2, 2, -1)), "shape [2, 3] has no axis -1"));
  EXPECT_TRUE(contains(quantized(per_channel(2, 2, 2)), "shape [2, 3] has no axis 2"));
  EXPECT_TRUE(contains(quantized(per_channel(3, 2, 0)),
                       "2 channels have scales of shape [3] and zero points of shape [2]"));
  EXPECT_TRUE(contains(quantized(per_channel(3, 2, 1)), "3 channels have scales of shape [3]"));
}

TEST(LoadStateDictFile, RefusesLongPartsThatManyTensorsCouldShare) {
  const std::vector<std::int64_t> ones(65, 1);
  EXPECT_TRUE(contains(error_of_pickle(dict_of(tensor(6, 0, ones, ones))),
                       "the shape has 65 dimensions, over 64"));
  std::string long_key = tensor(6, 0, {1}, {1});
  long_key.replace(long_key.find(text("0")), text("0").size(), text(std::string(1 << 16, '0')));
  EXPECT_TRUE(contains(error_of_pickle(dict_of(long_key)),
                       "the zip's member \"data/" + std::string(64, '0') + "\" is missing"));
  std::string metadata =
      "}" + text("conj") + "\x89s" + text("neg") + "\x89s" + text("neg") + "\x89s";
  std::string with_metadata = tensor(6, 0, {1}, {1});
  with_metadata.insert(with_metadata.size() - 2, metadata);
  EXPECT_TRUE(contains(error_of_pickle(dict_of(with_metadata)), "the metadata has 3 items"));
}

TEST(LoadStateDictFile, KeepsTheBitsOfConjugationAndNegation) {
  std::string with_metadata = tensor(6, 0, {1}, {1});
  with_metadata.insert(with_metadata.size() - 2, "}" + text("neg") + "\x88s");
  EXPECT_TRUE(load_pickle(dict_of(with_metadata))["w"].is_neg());
  with_metadata.replace(with_metadata.find("neg"), 3, "xyz");
  EXPECT_TRUE(contains(error_of_pickle(dict_of(with_metadata)), "the metadata has \"xyz\""));
  std::string conj = tensor(6, 0, {1}, {1});
  conj.insert(conj.size() - 2, "}" + text("conj") + "\x88s");
  EXPECT_TRUE(contains(error_of_pickle(dict_of(conj)), "the conj bit is set on Float"));
}

TEST(LoadStateDictFile, RefusesDishonestZips) {
  const auto pickle = dict_of(tensor(6, 0, {6}, {1}));
  const std::string floats(24, '\1');
  const auto load = [](const std::vector<Member>& members) {
    return error_of([&] { load_bytes(zip(members)); });
  };
  EXPECT_TRUE(contains(
      load({{"n/data.pkl", pickle}, {"n/data/0", floats, 1ULL << 50}, {"n/version", "3\n"}}),
      "member \"n/data/0\" of 1125899906842624 bytes reaches outside the file"));
  EXPECT_TRUE(
      contains(load({{"n/data.pkl", pickle}, {"n/data/0", floats, ~0ULL}, {"n/version", "3\n"}}),
               "outside"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle},
                             {"n/data/0", floats, 24, 0, 0, 1ULL << 50},
                             {"n/version", "3\n"}}),
                       "member \"n/data/0\" of 24 bytes reaches outside the file"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle},
                             {"n/data/0", floats},
                             {"n/version", "3\n"},
                             {"n/byteorder", "mid\x1b"}}),
                       "the byte order is \"mid\\x1b\""));
  EXPECT_TRUE(
      contains(load({{"n/data.pkl", pickle}, {"n/data/0", floats, 24, 8}, {"n/version", "3\n"}}),
               "compressed"));
  EXPECT_TRUE(contains(
      load({{"n/data.pkl", pickle}, {"n/data/0", floats, 24, 0, 0x10}, {"n/version", "3\n"}}),
      "member \"n/data/0\" has 24 bytes, but is a folder"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"n/data/0/", floats}, {"n/version", "3\n"}}),
                       "but is a folder"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"n/data/0", floats}, {"n/data/0", floats}}),
                       "occurs twice"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"n/DATA.pkl", pickle}}), "occurs twice"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"../../etc/passwd", floats}}),
                       "is not in one folder with all others"));
  EXPECT_TRUE(contains(load({{"data.pkl", pickle}}), "is not in one folder"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"n/\x1b[31m", floats, 24, 8}}),
                       "member \"n/\\x1b[31m\" is compressed"));
  EXPECT_TRUE(contains(load({{"n/data.pkl", pickle}, {"n/version", "3\n"}}),
                       "the zip's member \"data/0\" is missing"));
  EXPECT_TRUE(contains(load({{"n/code.py", pickle}, {"n/version", "3\n"}}),
                       "the zip's member \"data.pkl\" is missing"));
  std::vector<Member> overlapping{{"n/data.pkl", pickle}};
  for (int i = 0; i < 100; ++i) overlapping.push_back({"n/data/" + std::to_string(i), "", 5000});
  overlapping.push_back({"n/end", std::string(6000, 'x')});
  EXPECT_TRUE(contains(load(overlapping), "members overlap"));
}

TEST(LoadStateDictFile, SaysWhatAFileIsThatIsNoZip) {
  const auto load = [](std::string bytes) { return error_of([&] { load_bytes(bytes); }); };
  EXPECT_TRUE(contains(load("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."), "before PyTorch 1.6"));
  EXPECT_TRUE(contains(load("\x93NUMPY\1"), "net.pt: a NumPy array"));
  EXPECT_TRUE(contains(load("\x80\4N."), "net.pt: a pickle, but not torch.save's"));
  EXPECT_TRUE(contains(load("1.0, 2.0\n"), "net.pt: a text file"));
  EXPECT_TRUE(contains(load("\x7f\x45LF\2"), "net.pt: not a zip file"));
  EXPECT_TRUE(contains(load(""), "cut short or not a zip"));
}

TEST(LoadStateDictFile, SaysWhatToDoWithWhatPeopleSave) {
  const auto load_global = [](const std::string& global) {
    return error_of_pickle("\x80\2c" + global + "\n.");
  };
  EXPECT_TRUE(
      contains(load_global("torch.nn.modules.linear\nLinear"), "save its state_dict() alone"));
  EXPECT_TRUE(contains(load_global("__main__\nNet"), "save its state_dict() alone"));
  EXPECT_TRUE(contains(load_global("torch.nn.parameter\nUninitializedParameter"), "lazy layer"));
  EXPECT_TRUE(contains(load_global("torch._tensor\n_rebuild_from_type_v2"), "nn.Buffer"));
  EXPECT_TRUE(contains(load_global("numpy.core.multiarray\nscalar"), "NumPy's"));
  const std::string state = '}' + text("w") + tensor(6, 0, {6}, {1}) + 's';
  EXPECT_TRUE(
      contains(error_of_pickle("\x80\2}(" + text("model") + state + text("epoch") + "K\3u."),
               "entry \"epoch\" is the integer 3, not a tensor: save one of the file's dicts "
               "alone, \"model\""));
  const auto load = [](const std::vector<Member>& members) {
    return error_of([&] { load_bytes(zip(members)); });
  };
  EXPECT_TRUE(contains(load({{"n/data.pkl", "\x80\2}."}, {"n/constants.pkl", ""}}), "TorchScript"));
  EXPECT_TRUE(contains(load({{"weight.npy", ""}}), "NumPy's"));
}

TEST(LoadStateDictFile, ReadsAndBoundsTheZipsSmallMembersBeforeAnyOther) {
  const auto load = [](const std::vector<Member>& members) {
    return error_of([&] { load_bytes(zip(members)); });
  };
  const Member pickle{"n/data.pkl", "\x80\2}."};
  EXPECT_TRUE(contains(load({pickle}), "\"version\" is missing"));
  EXPECT_TRUE(contains(load({}), "\"version\" is missing"));
  for (const std::string version : {"x\x1b", "", "0", "11", "-3", "99999999999999999999"}) {
    EXPECT_TRUE(contains(load({pickle, {"n/version", version}}), "the format's version is \""));
  }
  EXPECT_TRUE(
      contains(load({pickle, {"n/version", std::string(1000, '9')}}), "1000 bytes, over 32"));
  EXPECT_TRUE(contains(load({pickle, {"n/version", "3"}, {"n/byteorder", std::string(1000, '\7')}}),
                       "1000 bytes, over 32"));
}

#ifndef __SANITIZE_ADDRESS__
TEST(LoadStateDictFile, SaysThatThereIsNoMemory) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  save_state_dict_file(path, dict({{"w", torch::zeros({1 << 25})}}));
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit little{pages * 4096 + (1 << 25), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &little), 0);
  const auto error = error_of([&] { load_state_dict_file(path); });
  setrlimit(RLIMIT_AS, &before);
  EXPECT_TRUE(contains(error, "net.pt: entry \"w\": there is no memory for 134217728 bytes"));
}
#endif

TEST(LoadStateDictFile, ReadsAZipThatOtherBytesFollow) {
  const std::string pickle = dict_of(tensor(6, 0, {6}, {1}));
  const std::string file =
      zip({{"n/data.pkl", pickle}, {"n/data/0", std::string(24, '\1')}, {"n/version", "3\n"}});
  EXPECT_EQ(load_bytes(file + "tail").size(), 1U);
}

TEST(LoadStateDictFile, RefusesATextThatIsNotUtf8) {
  EXPECT_TRUE(contains(error_of_pickle("\x80\2}" + text("\xff") + "Ns."),
                       "the text \"\\xff\" is not UTF-8"));
}

TEST(LoadStateDictFile, RefusesEveryTruncation) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  save_state_dict_file(path, dict({{"w", torch::ones({2, 3})}, {"b", torch::zeros({2})}}));
  for (auto length = std::filesystem::file_size(path); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    EXPECT_THROW(load_state_dict_file(path), c10::Error) << length;
  }
}

TEST(LoadStateDictFile, ReadsOrRefusesEveryFlippedByte) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  save_state_dict_file(path, dict({{"w", torch::ones({2, 3})}, {"b", torch::zeros({2})}}));
  const auto bytes = read_bytes(path);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at)).put(byte).flush();
  };
  std::size_t refused = 0, read = 0;
  for (std::size_t at = 0; at < bytes.size(); put(at, bytes[at]), ++at) {
    for (const int mask : {0x01, 0xff}) {
      put(at, static_cast<char>(bytes[at] ^ mask));
      try {
        for (const auto& item : load_state_dict_file(path)) {
          EXPECT_LE(item.value().storage().nbytes(), bytes.size());
          // Reads every element, for the sanitizers.
          const auto& tensor = item.value();
          if (tensor.numel() < 1000 && !tensor.is_quantized()) {
            EXPECT_EQ(tensor.clone().numel(), tensor.numel());
          }
        }
        ++read;
      } catch (const c10::Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(read, 0U);
  EXPECT_GT(refused, 0U);
}

TEST(LoadStateDictFile, ReadsOverFourGigabytesWithoutASecondCopy) {
  if (!std::getenv("LINREG_TEST_LARGE")) GTEST_SKIP() << "LINREG_TEST_LARGE is not set";
  const TemporaryDirectory folder;
  const auto path = folder.path() / "big.pt";
  const auto count = (std::int64_t{1} << 32) + 12345;
  {
    auto big = torch::zeros({count}, torch::kByte);
    big[count - 1] = 7;
    save_state_dict_file(
        path, dict({{"before", torch::ones({3})}, {"big", big}, {"after", torch::ones({3})}}));
  }
  EXPECT_GT(std::filesystem::file_size(path), std::uintmax_t{1} << 32);
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} * 1024;
  };
  const auto peak_before = peak();
  const auto entries = load_state_dict_file(path);
  EXPECT_EQ(entries["big"][count - 1].item<int>(), 7);
  EXPECT_EQ(entries["after"].sum().item<float>(), 3);
  // Writing held one copy; reading must not raise the peak by half of another.
  EXPECT_LT(peak() - peak_before, count / 2);
}

// Writing.

TEST(SaveStateDictFile, IsReadBackAsItWas) {
  const TemporaryDirectory folder;
  const auto base = torch::arange(24, torch::kFloat).reshape({4, 6});
  const auto entries = dict({{"base", base},
                             {"row", base[2]},
                             {"transposed", base.t()},
                             {"scalar", torch::tensor(-0.0)},
                             {"empty", torch::empty({0, 3})},
                             {"parameter", torch::ones({2}).set_requires_grad(true)},
                             {"", torch::ones({1}, torch::kBool)},
                             {"wide", torch::ones({300, 1})}});
  save_state_dict_file(folder.path() / "net.pt", entries);
  EXPECT_EQ(describe(load_state_dict_file(folder.path() / "net.pt")), describe(entries));
}

TEST(SaveStateDictFile, WritesASharedStorageOnce) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  const auto base = torch::arange(1 << 16);
  save_state_dict_file(
      path, dict({{"a", base}, {"b", base.slice(0, 7)}, {"c", base.view({256, 256}).t()}}));
  EXPECT_LT(std::filesystem::file_size(path), 8 * (1 << 16) + 4096U);
  const auto entries = load_state_dict_file(path);
  entries["a"][7] = -1;
  EXPECT_EQ(entries["b"][0].item<std::int64_t>(), -1);
  EXPECT_EQ(entries["c"][7][0].item<std::int64_t>(), -1);
}

TEST(SaveStateDictFile, ResolvesLazyConjugationAndNegation) {
  const TemporaryDirectory folder;
  const auto z = torch::complex(torch::ones({2}), torch::full({2}, 3.f));
  save_state_dict_file(folder.path() / "net.pt",
                       dict({{"conj", z.conj()}, {"neg", z._neg_view()}}));
  const auto entries = load_state_dict_file(folder.path() / "net.pt");
  EXPECT_FALSE(entries["conj"].is_conj() || entries["neg"].is_neg());
  EXPECT_TRUE(torch::equal(entries["conj"], z.conj().resolve_conj()));
  EXPECT_TRUE(torch::equal(entries["neg"], -z));
}

TEST(SaveStateDictFile, RefusesWhatPythonCouldNotRead) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  const auto error = [&](const torch::Tensor& tensor) {
    return error_of([&] { save_state_dict_file(path, dict({{"w", tensor}})); });
  };
  EXPECT_TRUE(contains(error({}), path.string() + ": entry \"w\": the tensor is undefined"));
  EXPECT_TRUE(contains(error(torch::ones({2}).to_sparse()), "layout Sparse"));
  EXPECT_TRUE(contains(error(torch::ones({2}, torch::kMeta)), "on meta"));
  EXPECT_TRUE(contains(error(torch::_efficientzerotensor({3})), "must be cloned first"));
  if (TORCH_VERSION_MAJOR < 2) {
    EXPECT_TRUE(
        contains(error(torch::ones({2}, torch::kComplexHalf)), "can't load torch.complex32"));
  }
  const auto ints = torch::ones({2}, torch::kInt);
  EXPECT_TRUE(
      contains(error_of([&] {
                 save_state_dict_file(path, dict({{"i", ints}, {"f", ints.view(torch::kFloat)}}));
               }),
               "entry \"f\": torch.load can't share a storage between Int and Float"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SaveStateDictFile, WritesWholeElementsOfAStorageThatHoldsAPartOfOneMore) {
  const TemporaryDirectory folder;
  const torch::Tensor bytes = torch::arange(10, torch::kByte);
  const torch::Tensor numbers = bytes.slice(0, 0, 8).view(torch::kInt);
  save_state_dict_file(folder.path() / "net.pt", dict({{"w", numbers}}));
  const auto read = load_state_dict_file(folder.path() / "net.pt");
  EXPECT_TRUE(torch::equal(read["w"], numbers));
  EXPECT_EQ(read["w"].storage().nbytes(), 8U);
}

TEST(LoadStateDictFile, ReadsAStorageWithASurplusBelowOneElement) {
  const auto file = [](std::size_t size) {
    return zip({{"n/data.pkl", dict_of(tensor(2, 0, {2}, {1}))},
                {"n/data/0", std::string(size, '\0')},
                {"n/version", "3\n"}});
  };
  EXPECT_TRUE(torch::equal(load_bytes(file(11))["w"], torch::zeros({2})));
  EXPECT_TRUE(contains(error_of([&] { load_bytes(file(12)); }), "has 12 bytes, not 8"));
  EXPECT_TRUE(contains(error_of([&] { load_bytes(file(7)); }), "has 7 bytes, not 8"));
}

TEST(SaveStateDictFile, WritesNamesThatAreUtf8AndRefusesOthers) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  const auto save = [&](const std::string& name) {
    save_state_dict_file(path, dict({{name, torch::ones({1})}}));
    return names(load_state_dict_file(path)).at(0);
  };
  // The least and the greatest character of each length, and those beside the surrogates.
  for (const std::string name :
       {"\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(save(name), name);
  // Alone, cut short, overlong, a surrogate, above U+10FFFF.
  for (const char* name : {"\x80", "\xff", "a\xc3", "\xe2\x82", "\xc0\x80", "\xe0\x9f\xbf",
                           "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    EXPECT_TRUE(contains(error_of([&] { save(name); }), "is not UTF-8")) << name;
}

TEST(SaveStateDictFile, EscapesAndCutsWhatItQuotes) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  const auto error = [&](const std::string& name, const torch::Tensor& tensor) {
    return error_of([&] { save_state_dict_file(path, dict({{name, tensor}})); });
  };
  const auto bad_name = error(kHostile, torch::ones({1}));
  EXPECT_TRUE(contains(bad_name, "is not UTF-8") && contains(bad_name, kEscaped));
  EXPECT_TRUE(std::ranges::none_of(bad_name, is_control)) << bad_name;
  const auto bad_tensor = error("\x1b[31m\x07\n", {});
  EXPECT_TRUE(contains(bad_tensor, "entry \"\\x1b[31m\\x07\\x0a\": the tensor is undefined"));
  EXPECT_LT(error(std::string(70'000, 'x'), {}).size(), 500U);
}

TEST(SaveStateDictFile, KeepsTheOldFileWhenTheDiskIsFull) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt";
  write_bytes(path, "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
  const auto error = error_of([&] {
    save_state_dict_file(path, dict({{"w", torch::ones({1 << 16})}}));
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(contains(error, "can't be written: File too large"));
  EXPECT_EQ(read_bytes(path), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(SaveStateDictFile, TakesTheLongestOfNames) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / std::string(255, 'x');
  save_state_dict_file(path, dict({{"w", torch::ones({2})}}));
  EXPECT_EQ(names(load_state_dict_file(path)), std::vector<std::string>{"w"});
}

TEST(SaveStateDictFile, ReplacesAFileAndKeepsItsPermissionsAndLinks) {
  const TemporaryDirectory folder;
  const auto path = folder.path() / "net.pt", link = folder.path() / "link.pt";
  write_bytes(path, "old");
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink(path, link);
  save_state_dict_file(link, dict({{"w", torch::ones({2})}}));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(names(load_state_dict_file(path)), std::vector<std::string>{"w"});
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(SaveStateDictFile, SaysWhereItCanNotWrite) {
  const auto entries = dict({{"w", torch::ones({2})}});
  EXPECT_TRUE(contains(error_of([&] { save_state_dict_file("/no/such/folder/net.pt", entries); }),
                       "/no/such/folder/net.pt: can't be written: No such file"));
  EXPECT_TRUE(contains(error_of([&] { save_state_dict_file("/dev/null", entries); }),
                       "not a regular file"));
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/null"));
  const TemporaryDirectory folder;
  const auto path = folder.path() / "out";
  const std::string descriptor =
      "/proc/self/fd/" + std::to_string(open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  EXPECT_TRUE(
      contains(error_of([&] { save_state_dict_file(descriptor, entries); }), "not a regular file"));
  std::filesystem::create_symlink(descriptor, folder.path() / "link");
  EXPECT_TRUE(contains(error_of([&] { save_state_dict_file(folder.path() / "link", entries); }),
                       "not a regular file"));
  EXPECT_EQ(read_bytes(path), "");
}

// Modules.

TEST(StateDictOf, HasPythonsNamesInPythonsOrder) {
  nn::Sequential net(nn::Linear(nn::LinearOptions(2, 3).bias(false)), nn::BatchNorm1d(3));
  const auto entries = state_dict(*net);
  EXPECT_EQ(names(entries),
            (std::vector<std::string>{"0.weight", "1.weight", "1.bias", "1.running_mean",
                                      "1.running_var", "1.num_batches_tracked"}));
  EXPECT_FALSE(entries["0.weight"].requires_grad());
}

TEST(LoadInto, CopiesIntoTheParametersAndKeepsThem) {
  nn::Linear net(2, 1);
  const auto weight = net->weight;
  load_into(*net, dict({{"weight", torch::tensor({{1., 2.}})}, {"bias", torch::tensor({3})}}));
  EXPECT_TRUE(weight.is_same(net->weight));
  EXPECT_TRUE(weight.requires_grad() && weight.is_leaf());
  EXPECT_TRUE(torch::equal(weight, torch::tensor({{1.f, 2.f}})));
  EXPECT_TRUE(torch::equal(net->bias, torch::tensor({3.f})));
}

TEST(LoadInto, AcceptsANumberWithOneDimensionAsPythonDoes) {
  nn::BatchNorm1d net(1);
  auto entries = state_dict(*net);
  entries["num_batches_tracked"] = torch::tensor({7});
  load_into(*net, entries);
  EXPECT_EQ(net->num_batches_tracked.item<std::int64_t>(), 7);
  entries["num_batches_tracked"] = torch::tensor({7, 8});
  EXPECT_TRUE(contains(error_of([&] { load_into(*net, entries); }),
                       "\"num_batches_tracked\" has shape [2]"));
}

TEST(LoadInto, NamesThePrefixOfAWrappedModule) {
  nn::Linear net(2, 1);
  const auto entries =
      dict({{"module.weight", torch::ones({1, 2})}, {"module.bias", torch::ones({1})}});
  EXPECT_TRUE(contains(error_of([&] { load_into(*net, entries); }),
                       "the entries' names all begin with \"module.\""));
}

TEST(LoadInto, RenamesEntries) {
  nn::Linear net(2, 1);
  const auto entries =
      dict({{"module.weight", torch::ones({1, 2})}, {"module.bias", torch::ones({1})}});
  load_into(*net, entries, {.rename = [](const auto& name) { return name.substr(7); }});
  EXPECT_TRUE(torch::equal(net->weight, torch::ones({1, 2})));
  EXPECT_TRUE(contains(
      error_of([&] { load_into(*net, entries, {.rename = [](auto&) { return "weight"; }}); }),
      "two entries are renamed to \"weight\""));
}

TEST(LoadInto, ReturnsWhatDoesNotFitWhereNotStrict) {
  nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 1));
  const auto before = net->parameters()[0].clone();
  const auto keys =
      load_into(*net, dict({{"1.bias", torch::ones({1})}, {"2.weight", torch::ones({1})}}),
                {.strict = false});
  EXPECT_EQ(keys.missing_keys, (std::vector<std::string>{"0.weight", "0.bias", "1.weight"}));
  EXPECT_EQ(keys.unexpected_keys, (std::vector<std::string>{"2.weight"}));
  EXPECT_TRUE(torch::equal(net->parameters()[3], torch::ones({1})));
  EXPECT_TRUE(torch::equal(net->parameters()[0], before));
  // As in Python, a shape that differs is refused all the same.
  EXPECT_TRUE(contains(error_of([&] {
                         load_into(*net, dict({{"1.bias", torch::ones({2})}}), {.strict = false});
                       }),
                       "\"1.bias\" has shape [2], the module's has [1]"));
}

TEST(LoadInto, ListsAllDifferencesAndChangesNothing) {
  nn::Sequential net(nn::Linear(2, 3), nn::Linear(3, 1));
  const auto before = net->parameters()[1].clone();
  const auto error = error_of([&] {
    load_into(*net, dict({{"1.weight", torch::zeros({3, 1})},
                          {"0.weight", torch::zeros({3, 1})},
                          {"2.weight", torch::zeros({1})},
                          {"0.bias", torch::zeros({3})}}));
  });
  EXPECT_TRUE(contains(error, "\"0.weight\" has shape [3, 1], the module's has [3, 2]"));
  EXPECT_TRUE(contains(error, "\"1.weight\" has shape [3, 1], the module's has [1, 3]"))
      << "of as many elements";
  EXPECT_TRUE(contains(error, "missing: \"1.bias\""));
  EXPECT_TRUE(contains(error, "unexpected: \"2.weight\""));
  EXPECT_TRUE(torch::equal(net->parameters()[1], before));
}

TEST(LoadInto, EscapesAndCutsTheNamesThatDiffer) {
  struct Hostile : nn::Module {
    Hostile() {
      register_parameter(kHostile, torch::ones({1}));
      register_parameter("shape\x1b", torch::ones({1}));
    }
  } net;
  const auto error = error_of([&] {
    load_into(net, dict({{"shape\x1b", torch::ones({2})},
                         {kHostile + "\r", torch::ones({1})},
                         {std::string(70'000, 'x'), torch::ones({1})}}));
  });
  EXPECT_TRUE(contains(error, "missing: \"" + std::string(kEscaped)));
  EXPECT_TRUE(contains(error, "\"shape\\x1b\" has shape [2]"));
  EXPECT_TRUE(contains(error, "ünï\\x0d\""));
  const auto breaks = std::ranges::count(error, '\n');
  EXPECT_EQ(std::ranges::count_if(error, is_control), breaks) << error;
  EXPECT_EQ(breaks, 4);
  EXPECT_LT(error.size(), 1000U);
}

// Live PyTorch.

TEST(StateDictsLive, WhatPythonSavesIsReadBitForBit) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const TemporaryDirectory folder;
  run_python(script("state_dicts.py"), {"write", folder.path().string()});
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    auto path = file.path();
    if (path.extension() != ".pt") continue;
    ++files;
    const auto read = describe(load_state_dict_file(path));
    EXPECT_EQ(read, read_bytes(path.replace_extension(".txt"))) << path;
  }
  EXPECT_GE(files, 18);
}

TEST(StateDictsLive, WhatCppSavesPythonReadsBitForBit) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const TemporaryDirectory python, ours;
  run_python(script("state_dicts.py"), {"write", python.path().string()});
  std::map<std::filesystem::path, std::string> saved;
  for (const auto& file : std::filesystem::directory_iterator(python.path())) {
    // Ours resolves the conj and neg bits, see SaveStateDictFile.
    if (file.path().extension() != ".pt" || file.path().stem() == "bits") continue;
    const auto entries = load_state_dict_file(file.path());
    const auto path = ours.path() / file.path().filename();
    save_state_dict_file(path, entries);
    saved[path] = describe(entries);
  }
  EXPECT_GE(saved.size(), 18U);
  run_python(script("state_dicts.py"), {"describe", ours.path().string()});
  for (const auto& [path, description] : saved) {
    EXPECT_EQ(read_bytes(std::filesystem::path(path).replace_extension(".txt")), description)
        << path;
  }
}

TEST(StateDictsLive, AModuleOfManyLayersCrossesBothWays) {
  LINREG_REQUIRE_LIVE_PYTORCH();
  const TemporaryDirectory folder;
  run_python(script("state_dicts.py"), {"write", folder.path().string()});
  NetImpl net;
  const auto python = load_state_dict_file(folder.path() / "net_2.pt");
  EXPECT_EQ(names(state_dict(net)), names(python));
  load_into(net, python);
  for (const auto& item : state_dict(net))
    EXPECT_TRUE(torch::equal(item.value(), python[item.key()])) << item.key();

  const torch::NoGradGuard no_grad;
  for (auto& parameter : net.parameters()) parameter.normal_();
  const auto ours = folder.path() / "ours.pt";
  save_state_dict_file(ours, state_dict(net));
  EXPECT_EQ(run_python(script("state_dicts.py"), {"load", ours.string()}),
            describe(state_dict(net)));
}

}  // namespace
