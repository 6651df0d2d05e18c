#include "state_dict_reader.hpp"

#include <ATen/core/Formatting.h>
#include <ATen/ops/_empty_affine_quantized.h>
#include <ATen/ops/_empty_per_channel_affine_quantized.h>
#include <ATen/ops/empty.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/ScalarType.h>
#include <c10/core/Storage.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/versions.h>
#include <fmt/ranges.h>  // fmt::join, from fmt 11 on

#include <algorithm>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "escaped.hpp"
#include "state_dict_detail.hpp"
#include "unpickler.hpp"
#include "zip_directory.hpp"

namespace linreg::pytorch {
namespace {

using detail::escaped;
using pickle::described;
using Kind = pickle::Node::Kind;

/// Returns the value as a T, the only kind that torch.save writes in this place.
template <typename T>
const T& expect(const pickle::Pickle& pickle, const pickle::Value& value, std::string_view what) {
  const auto* expected = std::get_if<T>(&value);
  TORCH_CHECK(expected, what, " is ", described(pickle, value));
  return *expected;
}

const pickle::Node* find_node(const pickle::Pickle& pickle, const pickle::Value& value) {
  const auto* reference = std::get_if<pickle::Reference>(&value);
  return reference ? &pickle.nodes[reference->index] : nullptr;
}

const std::vector<pickle::Value>& expect_node(const pickle::Pickle& pickle,
                                              const pickle::Value& value, Kind kind,
                                              std::string_view what) {
  const auto* node = find_node(pickle, value);
  TORCH_CHECK(node && node->kind == kind, what, " is ", described(pickle, value));
  return node->items;
}

std::vector<std::int64_t> integers(const pickle::Pickle& pickle, const pickle::Value& value,
                                   std::string_view what) {
  // LibTorch's operators take no more, and many tensors could share one long tuple.
  constexpr std::size_t kMostDimensions = 64;
  const auto& items = expect_node(pickle, value, Kind::tuple, what);
  TORCH_CHECK(items.size() <= kMostDimensions, what, " has ", items.size(), " dimensions, over ",
              kMostDimensions);
  std::vector<std::int64_t> result;
  for (const auto& item : items) result.push_back(expect<std::int64_t>(pickle, item, what));
  return result;
}

/// Reverses the bytes of each word of `width` bytes.
void swap_bytes(char* bytes, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i + width <= count; i += width)
    std::reverse(bytes + i, bytes + i + width);
}

bool is_dict(const pickle::Node* node) {
  return node && (node->kind == Kind::dict || node->kind == Kind::ordered_dict);
}

/// Makes the tensors that a pickle describes, each only once however often it is referred to.
class TensorReader {
 public:
  TensorReader(const pickle::Pickle& pickle, MemberReader read_member, bool swap)
      : pickle_(pickle), read_member_(std::move(read_member)), swap_(swap) {}

  bool describes_tensor(const pickle::Value& value) const {
    const auto* node = find_node(pickle_, value);
    return node && node->kind == Kind::call && global_of(*node) != "torch.Size";
  }

  at::Tensor tensor(const pickle::Value& value) {
    const auto index = std::get<pickle::Reference>(value).index;
    if (const auto known = tensors_.find(index); known != tensors_.end()) return known->second;
    const auto& node = pickle_.nodes[index];
    at::Tensor made;
    if (global_of(node) == "torch._utils._rebuild_parameter") {
      const auto& arguments = arguments_of(node, 3, 3);
      made = plain_tensor(arguments[0])
                 .detach()
                 .set_requires_grad(flag(arguments[1], "requires_grad"));
    } else {
      made = plain_tensor(value);
    }
    return tensors_.emplace(index, made).first->second;
  }

 private:
  /// Python's keys are "0", "1", ...; a longer one is cut, so that its member is missing.
  static constexpr std::size_t kLongestKey = 64;

  struct LoadedStorage {
    c10::Storage storage;
    std::string_view type;
    std::size_t swapped_width;
  };

  static std::string_view global_of(const pickle::Node& call) {
    return std::get<pickle::Global>(call.items[0]).name;
  }

  const std::vector<pickle::Value>& arguments_of(const pickle::Node& call, std::size_t fewest,
                                                 std::size_t most) {
    const auto& arguments = expect_node(pickle_, call.items[1], Kind::tuple, "the argument list");
    TORCH_CHECK(fewest <= arguments.size() && arguments.size() <= most, global_of(call),
                " is called with ", arguments.size(), " arguments");
    return arguments;
  }

  bool flag(const pickle::Value& value, std::string_view what) {
    return expect<bool>(pickle_, value, what);
  }

  /// What torch._utils._rebuild_tensor, _v2, _v3 and _rebuild_qtensor return.
  at::Tensor plain_tensor(const pickle::Value& value) {
    const auto* node = find_node(pickle_, value);
    TORCH_CHECK(node && node->kind == Kind::call, described(pickle_, value), " is not a tensor");
    const auto function = global_of(*node);
    if (function == "torch._utils._rebuild_tensor") return view(arguments_of(*node, 4, 4));
    if (function == "torch._utils._rebuild_tensor_v2") {
      const auto& arguments = arguments_of(*node, 6, 7);
      auto result = view(arguments).set_requires_grad(flag(arguments[4], "requires_grad"));
      if (arguments.size() == 7) set_bits(result, arguments[6]);
      return result;
    }
    if (function == "torch._utils._rebuild_tensor_v3") {
      const auto& arguments = arguments_of(*node, 7, 8);
      const auto name = expect<pickle::Global>(pickle_, arguments[6], "the dtype").name;
      auto result = view(arguments, detail::find_dtype(name, detail::dtype_name));
      result.set_requires_grad(flag(arguments[4], "requires_grad"));
      if (arguments.size() == 8) set_bits(result, arguments[7]);
      return result;
    }
    TORCH_CHECK(function == "torch._utils._rebuild_qtensor", described(pickle_, value),
                " is not a tensor");
    const auto& arguments = arguments_of(*node, 7, 7);
    return view(arguments, std::nullopt, &arguments[4])
        .set_requires_grad(flag(arguments[5], "requires_grad"));
  }

  /// The tensor of (storage, storage_offset, size, stride, ...). An untyped storage needs `dtype`.
  at::Tensor view(const std::vector<pickle::Value>& arguments,
                  std::optional<at::ScalarType> dtype = std::nullopt,
                  const pickle::Value* quantizer = nullptr) {
    const auto& id = expect_node(pickle_, arguments[0], Kind::persistent_id, "the storage")[0];
    const auto& fields = expect_node(pickle_, id, Kind::tuple, "the storage's identity");
    TORCH_CHECK(fields.size() == 5 && std::holds_alternative<std::string_view>(fields[0]) &&
                    std::get<std::string_view>(fields[0]) == "storage",
                "the storage's identity is not ('storage', type, key, location, elements)");
    auto type = expect<pickle::Global>(pickle_, fields[1], "the storage's type").name;
    const std::string key(
        expect<std::string_view>(pickle_, fields[2], "the storage's key").substr(0, kLongestKey));
    const auto items = expect<std::int64_t>(pickle_, fields[4], "the storage's size");
    // Python treats an untyped storage as one of bytes.
    TORCH_CHECK((type == "torch.storage.UntypedStorage") == dtype.has_value(),
                "a tensor is made from a ", type);
    const auto storage_dtype = dtype ? at::kByte : detail::find_dtype(type, detail::storage_type);
    if (dtype) type = "torch.ByteStorage";
    if (!dtype) dtype = storage_dtype;

    const auto offset = expect<std::int64_t>(pickle_, arguments[1], "the storage offset");
    const auto sizes = integers(pickle_, arguments[2], "the shape");
    const auto strides = integers(pickle_, arguments[3], "the strides");
    std::int64_t nbytes = 0;
    TORCH_CHECK(items >= 0 &&
                    !__builtin_mul_overflow(
                        items, static_cast<std::int64_t>(c10::elementSize(storage_dtype)), &nbytes),
                "storage ", escaped(key), " declares ", items, " elements");
    detail::check_view(*dtype, static_cast<std::size_t>(nbytes), offset, sizes, strides);
    const auto storage = load(key, type, static_cast<std::size_t>(nbytes), *dtype);
    auto result = quantizer ? empty_quantized(*quantizer, *dtype, sizes) : empty(*dtype);
    return result.set_(storage, offset, sizes, strides);
  }

  static at::Tensor empty(at::ScalarType dtype) {
    TORCH_CHECK(!c10::isQIntType(dtype), "a tensor of ", c10::toString(dtype), " has no quantizer");
    return at::empty({0}, dtype);
  }

  at::Tensor empty_quantized(const pickle::Value& quantizer, at::ScalarType dtype,
                             at::IntArrayRef sizes) {
    TORCH_CHECK(c10::isQIntType(dtype), "a tensor of ", c10::toString(dtype), " has a quantizer");
    const auto& fields = expect_node(pickle_, quantizer, Kind::tuple, "the quantizer");
    TORCH_CHECK(!fields.empty(), "the quantizer is empty");
    const auto scheme = expect<pickle::Global>(pickle_, fields[0], "the quantizer's scheme").name;
    if (scheme == "torch.per_tensor_affine") {
      TORCH_CHECK(fields.size() == 3, scheme, " has ", fields.size() - 1, " parameters");
      return at::_empty_affine_quantized(
          {0}, dtype, expect<double>(pickle_, fields[1], "the scale"),
          expect<std::int64_t>(pickle_, fields[2], "the zero point"));
    }
    TORCH_CHECK(
        scheme == "torch.per_channel_affine" || scheme == "torch.per_channel_affine_float_qparams",
        "the quantizer's scheme is ", scheme);
    TORCH_CHECK(fields.size() == 4, scheme, " has ", fields.size() - 1, " parameters");
    const auto scales = plain_tensor(fields[1]);
    const auto zero_points = plain_tensor(fields[2]);
    const auto axis = expect<std::int64_t>(pickle_, fields[3], "the axis");
    // LibTorch would take any axis, scales and zero points, and read outside them later.
    TORCH_CHECK(0 <= axis && axis < static_cast<std::int64_t>(sizes.size()), "a tensor of shape ",
                sizes, " has no axis ", axis);
    const auto channels = at::IntArrayRef(sizes[static_cast<std::size_t>(axis)]);
    TORCH_CHECK(scales.sizes() == channels && zero_points.sizes() == channels, channels[0],
                " channels have scales of shape ", scales.sizes(), " and zero points of shape ",
                zero_points.sizes());
    return at::_empty_per_channel_affine_quantized({0}, scales, zero_points, axis, dtype);
  }

  /// Sets the bits of lazy conjugation and negation, as torch._utils.set_tensor_metadata does.
  void set_bits(at::Tensor& tensor, const pickle::Value& metadata) {
    const auto& items = expect_node(pickle_, metadata, Kind::dict, "the metadata");
    TORCH_CHECK(items.size() <= 4, "the metadata has ", items.size() / 2, " items");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const auto name = expect<std::string_view>(pickle_, items[i], "the metadata's key");
      const auto value = flag(items[i + 1], "the metadata's value");
      TORCH_CHECK(name == "conj" || name == "neg", "the metadata has ", escaped(name));
      TORCH_CHECK(name != "conj" || !value || tensor.is_complex(), "the conj bit is set on ",
                  tensor.scalar_type());
      name == "conj" ? tensor._set_conj(value) : tensor._set_neg(value);
    }
  }

  /// The storage of that key; reads its member the first time.
  c10::Storage load(const std::string& key, std::string_view type, std::size_t nbytes,
                    at::ScalarType dtype) {
    const auto item = c10::elementSize(dtype);
    const auto width = swap_ ? (c10::isComplexType(dtype) ? item / 2 : item) : 1;
    if (const auto known = storages_.find(key); known != storages_.end()) {
      const auto& [storage, known_type, known_width] = known->second;
      TORCH_CHECK(type == known_type && nbytes == storage.nbytes() && width == known_width,
                  "storage ", escaped(key), " is ", storage.nbytes(), " bytes of ", known_type,
                  " and again ", nbytes, " of ", type);
      return storage;
    }
    auto bytes = read_member_("data/" + key, nbytes, item);
    if (width > 1) swap_bytes(static_cast<char*>(bytes.get()), nbytes, width);
    c10::Storage storage(c10::Storage::use_byte_size_t(), nbytes, std::move(bytes), nullptr,
                         /*resizable=*/false);
    return storages_.emplace(key, LoadedStorage{storage, type, width}).first->second.storage;
  }

  const pickle::Pickle& pickle_;
  MemberReader read_member_;
  bool swap_;
  std::unordered_map<std::string, LoadedStorage> storages_;
  std::unordered_map<std::uint32_t, at::Tensor> tensors_;  ///< by node
};

/// Flattens nested dicts to dotted names.
class Flattener {
 public:
  Flattener(const pickle::Pickle& pickle, TensorReader& reader, std::size_t pickle_size)
      : pickle_(pickle),
        reader_(reader),
        letters_left_((std::size_t{1} << 20) + 16 * pickle_size) {}

  StateDict run() {
    if (reader_.describes_tensor(pickle_.root))
      entries_.insert("", reader_.tensor(pickle_.root));
    else
      add_dict("", pickle_.root, 0);
    return std::move(entries_);
  }

 private:
  void add_dict(const std::string& prefix, const pickle::Value& value, int depth) {
    constexpr int kDeepest = 100;
    const auto* dict = find_node(pickle_, value);
    TORCH_CHECK(is_dict(dict), "the file holds ", described(pickle_, value),
                ", not a dict of tensors or a tensor");
    TORCH_CHECK(depth < kDeepest, "dicts are nested over ", kDeepest, " deep");
    // A dict inside itself has no end, and one that occurs often can stand for more entries than
    // fit into memory.
    TORCH_CHECK(seen_.insert(dict).second, "entry ", escaped(prefix),
                " is a dict that occurs elsewhere, too");
    for (std::size_t i = 0; i < dict->items.size(); i += 2) {
      const auto name = prefix + (depth == 0 ? "" : ".") + key_text(dict->items[i]);
      // Names that share a long prefix could together be much longer than the file.
      TORCH_CHECK(name.size() <= letters_left_, "the names are out of proportion to the file");
      letters_left_ -= name.size();
      const auto& item = dict->items[i + 1];
      if (is_dict(find_node(pickle_, item))) {
        add_dict(name, item, depth + 1);
        continue;
      }
      TORCH_CHECK(reader_.describes_tensor(item), "entry ", escaped(name), " is ",
                  described(pickle_, item), ", not a tensor: save ", what_to_save());
      TORCH_CHECK(!entries_.contains(name), "entry ", escaped(name), " occurs twice");
      try {
        entries_.insert(name, reader_.tensor(item));
      } catch (const c10::Error& error) {
        TORCH_CHECK(false, "entry ", escaped(name), ": ", error.what_without_backtrace());
      }
    }
  }

  /// Names the dicts of a training checkpoint.
  std::string what_to_save() const {
    constexpr std::size_t kMostNames = 8;
    std::vector<std::string> names;
    const auto& items = find_node(pickle_, pickle_.root)->items;
    for (std::size_t i = 0; i < items.size() && names.size() < kMostNames; i += 2)
      if (is_dict(find_node(pickle_, items[i + 1]))) names.push_back(escaped(key_text(items[i])));
    if (names.empty()) return "the tensors alone, as torch.save(module.state_dict(), path) does";
    return fmt::format("one of the file's dicts alone, {}", fmt::join(names, ", "));
  }

  std::string key_text(const pickle::Value& key) const {
    if (const auto* text = std::get_if<std::string_view>(&key)) return std::string(*text);
    if (const auto* number = std::get_if<std::int64_t>(&key)) return std::to_string(*number);
    TORCH_CHECK(false, "a key is ", described(pickle_, key), ", not a text or an integer");
  }

  const pickle::Pickle& pickle_;
  TensorReader& reader_;
  std::size_t letters_left_;
  std::unordered_set<const pickle::Node*> seen_;
  StateDict entries_{"Entry"};
};

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

/// What a file is that does not start as a zip, and what to do.
std::string what_else(std::string_view start) {
  if (start.starts_with("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."))
    return "torch.save's format of before PyTorch 1.6: write it anew in Python, with "
           "torch.save(torch.load(path), path)";
  if (start.starts_with("\x93NUMPY"))
    return "a NumPy array: write it anew in Python, with "
           "torch.save(torch.from_numpy(numpy.load(path)), path)";
  if (start.starts_with("\x80") && start.size() > 1 && '\2' <= start[1] && start[1] <= '\5')
    return "a pickle, but not torch.save's: write it anew in Python, with "
           "torch.save(pickle.load(open(path, \"rb\")), path)";
  if (std::ranges::all_of(start, [](unsigned char c) { return c >= ' ' || std::isspace(c); }))
    return "a text file, not one of torch.save";
  return "not a zip file, which torch.save writes since PyTorch 1.6";
}

at::DataPtr allocate(std::size_t count) {
  try {
    return c10::GetCPUAllocator()->allocate(count);
  } catch (const std::exception&) {
    TORCH_CHECK(false, "there is no memory for ", count, " bytes of a tensor");
  }
}

}  // namespace

StateDict read_state_dict(const zip::Source& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size, 64)), '\0');
  file.read(0, start.data(), start.size());
  TORCH_CHECK(start.size() < 2 || start.starts_with("PK"), what_else(start));
  const auto members = zip::members(file);
  const auto find = [&](const std::string& name) {
    const auto member = members.find(name);
    TORCH_CHECK(member != members.end(), "the zip's member ", escaped(name), " is missing");
    return member->second;
  };
  const auto small_text = [&](const std::string& name) {
    constexpr std::uint64_t kLongest = 32;
    const auto member = find(name);
    TORCH_CHECK(member.size <= kLongest, "the zip's member ", escaped(name), " has ", member.size,
                " bytes, over ", kLongest);
    std::string text(static_cast<std::size_t>(member.size), '\0');
    zip::read_member(file, member, text.data(), text.size());
    return text;
  };

  TORCH_CHECK(
      !members.contains("constants.pkl"),
      "TorchScript, which torch::jit::load reads: save the module's state_dict() in Python");
  auto version = small_text(members.contains(".data/version") ? ".data/version" : "version");
  if (version.ends_with('\n')) version.pop_back();
  TORCH_CHECK(version.size() <= 2 && !version.empty() &&
                  version.find_first_not_of("0123456789") == std::string::npos &&
                  std::stoull(version) >= caffe2::serialize::kMinSupportedFileFormatVersion &&
                  std::stoull(version) <= caffe2::serialize::kMaxSupportedFileFormatVersion,
              "the format's version is ", escaped(version), ", but this LibTorch reads ",
              caffe2::serialize::kMinSupportedFileFormatVersion, " to ",
              caffe2::serialize::kMaxSupportedFileFormatVersion);
  // Files from before 2.1 don't say; the newest PyTorch assumes little-endian, too.
  const auto byte_order = members.contains("byteorder") ? small_text("byteorder") : "little";
  TORCH_CHECK(byte_order == "little" || byte_order == "big", "the byte order is ",
              escaped(byte_order));
  const auto swap = (byte_order == "little") != (std::endian::native == std::endian::little);

  const auto pickled = find("data.pkl");
  std::string bytes(static_cast<std::size_t>(pickled.size), '\0');
  zip::read_member(file, pickled, bytes.data(), bytes.size());
  return read_pickled_state_dict(
      bytes,
      [&](const std::string& name, std::size_t count, std::size_t item) {
        const auto member = find(name);
        TORCH_CHECK(count <= member.size && member.size - count < item, "the zip's member ",
                    escaped(name), " has ", member.size, " bytes, not ", count);
        auto memory = allocate(count);
        zip::read_member(file, member, static_cast<char*>(memory.get()), count);
        return memory;
      },
      swap);
}

StateDict read_pickled_state_dict(std::string_view bytes, const MemberReader& read_member,
                                  bool swap) {
  const auto pickle = [&] {
    try {
      return pickle::unpickle(bytes);
    } catch (const std::runtime_error& error) {
      TORCH_CHECK(false, "data.pkl, ", error.what());
    }
  }();
  TensorReader reader(pickle, read_member, swap);
  return Flattener(pickle, reader, bytes.size()).run();
}

StateDict load_state_dict_file(const std::filesystem::path& path) {
  return detail::naming(path, [&] { return read_state_dict(open(path)); });
}

}  // namespace linreg::pytorch
