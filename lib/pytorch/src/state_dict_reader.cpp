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
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/tensor_file.hpp>
#include <memory>
#include <optional>
#include <set>
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
using detail::naming_entry;
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

/// What a TensorReader reads of each tensor's storage.
enum class Bytes {
  all,      ///< all of it; views that share it in the file share it here
  own,      ///< what the tensor reaches, for itself
  nothing,  ///< nothing: the tensor has a dtype and a shape, and no memory
};

/// Makes the tensors that a pickle describes, each only once however often it is referred to.
class TensorReader {
 public:
  TensorReader(const pickle::Pickle& pickle, MemberReader read_member, bool swap, Bytes bytes)
      : pickle_(pickle), read_member_(std::move(read_member)), swap_(swap), bytes_(bytes) {}

  static bool describes_tensor(const pickle::Pickle& pickle, const pickle::Value& value) {
    const auto* node = find_node(pickle, value);
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
    auto result = quantizer ? empty_quantized(*quantizer, *dtype, sizes) : empty(*dtype);
    const auto count = static_cast<std::size_t>(nbytes);
    if (bytes_ == Bytes::nothing)
      return result.set_(make_storage(count, {}), offset, sizes, strides);
    if (bytes_ == Bytes::all || detail::is_packed(*dtype))
      return result.set_(load(key, type, count, *dtype), offset, sizes, strides);
    const auto item = c10::elementSize(*dtype);
    const Part own{static_cast<std::size_t>(offset) * item,
                   item * static_cast<std::size_t>(detail::reach(sizes, strides))};
    return result.set_(make_storage(own.count, read(key, count, own, *dtype)), 0, sizes, strides);
  }

  static c10::Storage make_storage(std::size_t nbytes, at::DataPtr bytes) {
    return {c10::Storage::use_byte_size_t(), nbytes, std::move(bytes), nullptr,
            /*resizable=*/false};
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
    TensorReader parameters(pickle_, read_member_, swap_, Bytes::all);
    const auto scales = parameters.plain_tensor(fields[1]);
    const auto zero_points = parameters.plain_tensor(fields[2]);
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
    const auto width = swapped_width(dtype);
    if (const auto known = storages_.find(key); known != storages_.end()) {
      const auto& [storage, known_type, known_width] = known->second;
      TORCH_CHECK(type == known_type && nbytes == storage.nbytes() && width == known_width,
                  "storage ", escaped(key), " is ", storage.nbytes(), " bytes of ", known_type,
                  " and again ", nbytes, " of ", type);
      return storage;
    }
    const auto storage = make_storage(nbytes, read(key, nbytes, {0, nbytes}, dtype));
    return storages_.emplace(key, LoadedStorage{storage, type, width}).first->second.storage;
  }

  /// A part of a storage of `nbytes`, with its elements' bytes in this machine's order.
  at::DataPtr read(const std::string& key, std::size_t nbytes, Part part, at::ScalarType dtype) {
    auto bytes = read_member_("data/" + key, nbytes, c10::elementSize(dtype), part);
    const auto width = swapped_width(dtype);
    if (width > 1) swap_bytes(static_cast<char*>(bytes.get()), part.count, width);
    return bytes;
  }

  std::size_t swapped_width(at::ScalarType dtype) const {
    const auto item = c10::elementSize(dtype);
    return swap_ ? (c10::isComplexType(dtype) ? item / 2 : item) : 1;
  }

  const pickle::Pickle& pickle_;
  MemberReader read_member_;
  bool swap_;
  Bytes bytes_;
  std::unordered_map<std::string, LoadedStorage> storages_;
  std::unordered_map<std::uint32_t, at::Tensor> tensors_;  ///< by node
};

/// A tensor of the file, not made yet.
struct NamedTensor {
  std::string name;
  pickle::Value value;
};

/// So many names are shown in a message.
constexpr std::size_t kMostNames = 8;

/// What a Flattener does with values that are neither tensors nor dicts.
enum class Others {
  refuse,
  skip,  ///< but looks into lists and tuples
};

/// Flattens what a file holds to dotted names.
class Flattener {
 public:
  Flattener(const pickle::Pickle& pickle, std::size_t pickle_size, Others others)
      : pickle_(pickle),
        others_(others),
        letters_left_((std::size_t{1} << 20) + 16 * pickle_size) {}

  std::vector<NamedTensor> run(const pickle::Value& root) {
    TORCH_CHECK(TensorReader::describes_tensor(pickle_, root) || is_container(root),
                "the file holds ", described(pickle_, root), ", not a dict of tensors or a tensor");
    add("", root, 0);
    return std::move(tensors_);
  }

 private:
  bool is_container(const pickle::Value& value) const {
    const auto* node = find_node(pickle_, value);
    return is_dict(node) || (others_ == Others::skip && node &&
                             (node->kind == Kind::list || node->kind == Kind::tuple));
  }

  void add(const std::string& name, const pickle::Value& value, int depth) {
    if (is_container(value)) return add_items(name, value, depth);
    TORCH_CHECK(TensorReader::describes_tensor(pickle_, value), "entry ", escaped(name), " is ",
                described(pickle_, value), ", not a tensor: save ", what_to_save());
    TORCH_CHECK(names_.insert(name).second, "entry ", escaped(name), " occurs twice");
    tensors_.push_back({name, value});
  }

  void add_items(const std::string& prefix, const pickle::Value& value, int depth) {
    constexpr int kDeepest = 100;
    const auto* container = find_node(pickle_, value);
    TORCH_CHECK(depth < kDeepest, "dicts are nested over ", kDeepest, " deep");
    // A dict inside itself has no end, and one that occurs often can stand for more entries than
    // fit into memory. A tuple of numbers may occur often.
    TORCH_CHECK(!is_dict(container) || seen_.insert(container).second, "entry ", escaped(prefix),
                " is a dict that occurs elsewhere, too");
    const std::size_t step = is_dict(container) ? 2 : 1;
    for (std::size_t i = 0; i < container->items.size(); i += step) {
      const auto& item = container->items[i + step - 1];
      if (others_ == Others::skip && !is_container(item) &&
          !TensorReader::describes_tensor(pickle_, item))
        continue;
      const auto key = step == 2 ? key_text(container->items[i]) : std::to_string(i);
      const auto name = prefix + (depth == 0 ? "" : ".") + key;
      // Names that share a long prefix could together be much longer than the file.
      TORCH_CHECK(name.size() <= letters_left_, "the names are out of proportion to the file");
      letters_left_ -= name.size();
      add(name, item, depth + 1);
    }
  }

  /// Names the dicts of a training checkpoint.
  std::string what_to_save() const {
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
  Others others_;
  std::size_t letters_left_;
  std::unordered_set<const pickle::Node*> seen_;
  std::unordered_set<std::string> names_;
  std::vector<NamedTensor> tensors_;
};

/// Makes the values of a checkpoint.
class ValueReader {
 public:
  ValueReader(const pickle::Pickle& pickle, std::size_t pickle_size, TensorReader tensors)
      : pickle_(pickle),
        tensors_(std::move(tensors)),
        size_left_((std::size_t{1} << 20) + 16 * pickle_size) {}

  Value value(const pickle::Value& given, const std::string& name = "", int depth = 0) {
    constexpr int kDeepest = 100;
    TORCH_CHECK(depth < kDeepest, "values are nested over ", kDeepest, " deep");
    // One that occurs often, by the pickle's memo, is there often here.
    spend(sizeof(Value));
    if (std::holds_alternative<pickle::None>(given)) return {};
    if (const auto* flag = std::get_if<bool>(&given)) return *flag;
    if (const auto* number = std::get_if<std::int64_t>(&given)) return *number;
    if (const auto* number = std::get_if<double>(&given)) return *number;
    if (const auto* text = std::get_if<std::string_view>(&given)) return checked(*text);
    if (TensorReader::describes_tensor(pickle_, given))
      return naming_entry(name, [&] { return tensors_.tensor(given); });
    const auto* node = find_node(pickle_, given);
    TORCH_CHECK(node && node->kind != Kind::persistent_id, "entry ", escaped(name), " is ",
                described(pickle_, given), ", which a checkpoint can't hold here");
    if (is_dict(node)) return dict(node->items, name, depth);
    Value::List items;
    for (const auto& item : node->kind == Kind::call ? size_of(*node) : node->items)
      items.push_back(value(item, joined(name, std::to_string(items.size())), depth + 1));
    if (node->kind == Kind::list) return items;
    return Value::Tuple{std::move(items)};
  }

 private:
  void spend(std::size_t size) {
    TORCH_CHECK(size <= size_left_, "the values are out of proportion to the file");
    size_left_ -= size;
  }

  std::string checked(std::string_view text) {
    spend(text.size());
    return std::string(text);
  }

  static std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }

  Value dict(const std::vector<pickle::Value>& items, const std::string& name, int depth) {
    Value::Dict result;
    std::set<Value::Key> keys;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      const auto* number = std::get_if<std::int64_t>(&items[i]);
      const auto* text = std::get_if<std::string_view>(&items[i]);
      TORCH_CHECK(number || text, "a key is ", described(pickle_, items[i]),
                  ", not a text or an integer");
      const Value::Key key = number ? Value::Key(*number) : Value::Key(checked(*text));
      const auto entry =
          joined(name, number ? std::to_string(*number) : std::get<std::string>(key));
      TORCH_CHECK(keys.insert(key).second, "entry ", escaped(entry), " occurs twice");
      result.emplace_back(key, value(items[i + 1], entry, depth + 1));
    }
    return result;
  }

  /// The items of torch.Size((1, 2)), the only call here that makes no tensor.
  const std::vector<pickle::Value>& size_of(const pickle::Node& call) {
    const auto& arguments = expect_node(pickle_, call.items[1], Kind::tuple, "the argument list");
    TORCH_CHECK(arguments.size() == 1, "torch.Size is called with ", arguments.size(),
                " arguments");
    return expect_node(pickle_, arguments[0], Kind::tuple, "a torch.Size");
  }

  const pickle::Pickle& pickle_;
  TensorReader tensors_;
  std::size_t size_left_;
};

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

/// torch.save's zip, opened.
struct SavedFile {
  std::string pickled;  ///< the member data.pkl
  MemberReader read_member;
  bool swap = false;  ///< the elements' bytes
};

SavedFile open_saved(const zip::Source& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size, 64)), '\0');
  file.read(0, start.data(), start.size());
  TORCH_CHECK(start.size() < 2 || start.starts_with("PK"), what_else(start));
  const auto members = zip::members(file);
  const auto find = [members](const std::string& name) {
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
    zip::read_member(file, member, 0, text.data(), text.size());
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
  zip::read_member(file, pickled, 0, bytes.data(), bytes.size());
  return {std::move(bytes),
          [file, find](const std::string& name, std::size_t count, std::size_t item, Part part) {
            const auto member = find(name);
            TORCH_CHECK(count <= member.size && member.size - count < item, "the zip's member ",
                        escaped(name), " has ", member.size, " bytes, not ", count);
            auto memory = allocate(part.count);
            zip::read_member(file, member, part.first, static_cast<char*>(memory.get()),
                             part.count);
            return memory;
          },
          swap};
}

/// The value of a key of the file's dict.
const pickle::Value& item(const pickle::Pickle& pickle, const std::string& key) {
  const auto* dict = find_node(pickle, pickle.root);
  TORCH_CHECK(is_dict(dict), "the file holds ", described(pickle, pickle.root),
              ", not a dict with ", escaped(key));
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < dict->items.size(); i += 2) {
    const auto* text = std::get_if<std::string_view>(&dict->items[i]);
    if (text && *text == key) return dict->items[i + 1];
    if (text && keys.size() < kMostNames) keys.push_back(escaped(*text));
  }
  TORCH_CHECK(false, "the file's dict has no ", escaped(key), ", but ",
              fmt::format("{}", fmt::join(keys, ", ")));
}

pickle::Pickle unpickled(std::string_view bytes) {
  try {
    return pickle::unpickle(bytes);
  } catch (const std::runtime_error& error) {
    TORCH_CHECK(false, "data.pkl, ", error.what());
  }
}

}  // namespace

StateDict read_state_dict(const zip::Source& file, const std::optional<std::string>& part) {
  const SavedFile saved = open_saved(file);
  return read_pickled_state_dict(saved.pickled, saved.read_member, saved.swap, part);
}

StateDict read_pickled_state_dict(std::string_view bytes, const MemberReader& read_member,
                                  bool swap, const std::optional<std::string>& part) {
  const auto pickle = unpickled(bytes);
  TensorReader reader(pickle, read_member, swap, Bytes::all);
  const auto& root = part ? item(pickle, *part) : pickle.root;
  StateDict entries("Entry");
  for (const auto& [name, value] : Flattener(pickle, bytes.size(), Others::refuse).run(root))
    entries.insert(name, naming_entry(name, [&] { return reader.tensor(value); }));
  return entries;
}

Value read_checkpoint(const zip::Source& file) {
  const SavedFile saved = open_saved(file);
  return read_pickled_checkpoint(saved.pickled, saved.read_member, saved.swap);
}

Value read_pickled_checkpoint(std::string_view bytes, const MemberReader& read_member, bool swap) {
  const auto pickle = unpickled(bytes);
  return ValueReader(pickle, bytes.size(), TensorReader(pickle, read_member, swap, Bytes::all))
      .value(pickle.root);
}

TensorsOnDisk tensors_on_disk(const zip::Source& file) {
  struct Saved {
    SavedFile file;
    pickle::Pickle pickle;
  };
  const auto saved = std::make_shared<Saved>();
  saved->file = open_saved(file);
  saved->pickle = unpickled(saved->file.pickled);
  const auto reader = [saved](Bytes bytes) {
    return TensorReader(saved->pickle, saved->file.read_member, saved->file.swap, bytes);
  };
  TensorsOnDisk result;
  TensorReader without_elements = reader(Bytes::nothing);
  std::vector<pickle::Value> values;
  for (const auto& [name, value] :
       Flattener(saved->pickle, saved->file.pickled.size(), Others::skip).run(saved->pickle.root)) {
    const auto tensor = naming_entry(name, [&] { return without_elements.tensor(value); });
    result.entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
    values.push_back(value);
  }
  result.read = [reader, values](std::size_t i) { return reader(Bytes::own).tensor(values[i]); };
  return result;
}

}  // namespace linreg::pytorch
