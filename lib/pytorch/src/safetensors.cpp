#include "safetensors.hpp"

#include <ATen/core/Formatting.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linreg/pytorch/detail/replacement_file.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "escaped.hpp"
#include "state_dict_detail.hpp"

namespace linreg::pytorch {
namespace safetensors {
namespace {

using detail::escaped;
using nlohmann::ordered_json;

constexpr std::size_t kLengthSize = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;

/// Each dtype's name in a file beside its name in Python, in the package's order: it writes those
/// further down first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kDtypes{
    {{"BOOL", "bool"},
     {"U8", "uint8"},
     {"I8", "int8"},
     {"F8_E5M2", "float8_e5m2"},
     {"F8_E4M3", "float8_e4m3fn"},
     {"F8_E8M0", "float8_e8m0fnu"},
     {"F8_E4M3FNUZ", "float8_e4m3fnuz"},
     {"F8_E5M2FNUZ", "float8_e5m2fnuz"},
     {"I16", "int16"},
     {"U16", "uint16"},
     {"F16", "float16"},
     {"BF16", "bfloat16"},
     {"I32", "int32"},
     {"U32", "uint32"},
     {"F32", "float32"},
     {"C64", "complex64"},
     {"F64", "float64"},
     {"I64", "int64"},
     {"U64", "uint64"}}};

void check_byte_order() {
  TORCH_CHECK(std::endian::native == std::endian::little,
              "the elements in safetensors are little-endian, and this machine is not");
}

std::uint64_t header_length(const zip::Source& file) {
  std::array<char, kLengthSize> bytes{};
  if (file.size >= bytes.size()) file.read(0, bytes.data(), bytes.size());
  std::uint64_t length = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

/// Parses the header; refuses a name that occurs twice, and what is nested deeper than a shape.
ordered_json parse_header(const std::string& text) {
  constexpr int kDeepest = 2;
  std::vector<std::unordered_set<std::string>> names;  // of the objects that are open
  const auto check = [&](int depth, ordered_json::parse_event_t event, ordered_json& value) {
    using Event = ordered_json::parse_event_t;
    TORCH_CHECK(depth <= kDeepest || (event != Event::object_start && event != Event::array_start),
                "the header is nested over ", kDeepest + 1, " deep");
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key) {
      const auto& name = value.get_ref<const std::string&>();
      TORCH_CHECK(names.back().insert(name).second, "the header has ", escaped(name), " twice");
    }
    return true;
  };
  try {
    return ordered_json::parse(text, check);
  } catch (const ordered_json::parse_error& error) {
    TORCH_CHECK(false, "the header is not JSON: byte ", kLengthSize + error.byte - 1);
  }
}

/// The value's numbers, none of them negative.
std::vector<std::int64_t> integers(const ordered_json& value, std::string_view what) {
  TORCH_CHECK(value.is_array(), what, " is ", value.dump());
  std::vector<std::int64_t> result;
  for (const auto& item : value) {
    const bool is_integer =
        item.is_number_unsigned() && std::in_range<std::int64_t>(item.get<std::uint64_t>());
    TORCH_CHECK(is_integer, what, " has ", item.dump());
    result.push_back(item.get<std::int64_t>());
  }
  return result;
}

const ordered_json& field(const ordered_json& tensor, const char* name) {
  const auto found = tensor.find(name);
  TORCH_CHECK(found != tensor.end(), "it has no ", name);
  return *found;
}

at::ScalarType dtype_of(const ordered_json& value) {
  const auto* const name = value.get_ptr<const std::string*>();
  const auto* const known = std::ranges::find_if(
      kDtypes, [&](const auto& dtype) { return name != nullptr && dtype.first == *name; });
  TORCH_CHECK(known != kDtypes.end(), "its dtype is ",
              name != nullptr ? escaped(*name) : value.dump());
  return detail::find_dtype("torch." + std::string(known->second), detail::str);
}

Entry entry_of(const std::string& name, const ordered_json& tensor, std::uint64_t data_at,
               std::uint64_t data_size) {
  constexpr std::size_t kMostDimensions = 64;  // as LibTorch's operators
  TORCH_CHECK(tensor.is_object(), "it is ", tensor.type_name());
  Entry entry{name, dtype_of(field(tensor, "dtype")), integers(field(tensor, "shape"), "its shape"),
              0, 0};
  TORCH_CHECK(entry.sizes.size() <= kMostDimensions, "it has ", entry.sizes.size(),
              " dimensions, over ", kMostDimensions);
  const auto offsets = integers(field(tensor, "data_offsets"), "data_offsets");
  TORCH_CHECK(offsets.size() == 2 && offsets[0] <= offsets[1] &&
                  static_cast<std::uint64_t>(offsets[1]) <= data_size,
              "its data_offsets are ", field(tensor, "data_offsets").dump(), " of ", data_size,
              " bytes");
  auto nbytes = static_cast<std::int64_t>(c10::elementSize(entry.dtype));
  for (const std::int64_t size : entry.sizes) {
    TORCH_CHECK(!__builtin_mul_overflow(nbytes, size, &nbytes), "its shape ",
                at::IntArrayRef(entry.sizes), " has too many elements");
  }
  TORCH_CHECK(nbytes == offsets[1] - offsets[0], "its shape ", at::IntArrayRef(entry.sizes),
              " needs ", nbytes, " bytes, and data_offsets are ",
              field(tensor, "data_offsets").dump());
  entry.position = data_at + static_cast<std::uint64_t>(offsets[0]);
  entry.nbytes = static_cast<std::size_t>(nbytes);
  return entry;
}

}  // namespace

bool is_safetensors(const zip::Source& file) {
  const std::uint64_t length = header_length(file);
  char brace = 0;
  if (file.size > kLengthSize) file.read(kLengthSize, &brace, 1);
  return brace == '{' && length >> 40 == 0;  // no text has zero bytes
}

std::vector<Entry> entries(const zip::Source& file) {
  check_byte_order();
  const std::uint64_t length = header_length(file);
  TORCH_CHECK(length <= kLongestHeader, "the header has ", length, " bytes, over ", kLongestHeader);
  TORCH_CHECK(length <= file.size - kLengthSize, "the header of ", length,
              " bytes reaches outside the file of ", file.size);
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(kLengthSize, text.data(), text.size());
  const auto header = parse_header(text);
  const std::uint64_t data_at = kLengthSize + length;

  std::vector<Entry> result;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;  // texts for the reader
    result.push_back(detail::naming_entry(
        name, [&] { return entry_of(name, tensor, data_at, file.size - data_at); }));
  }
  std::ranges::stable_sort(
      result, {}, [](const Entry& entry) { return std::pair(entry.position, entry.nbytes); });
  std::uint64_t end = data_at;
  for (const Entry& entry : result) {
    TORCH_CHECK(entry.position == end, "entry ", escaped(entry.name), " starts at byte ",
                entry.position, ", and the one before it ends at ", end);
    end += entry.nbytes;
  }
  TORCH_CHECK(end == file.size, "the entries end at byte ", end, " of ", file.size);
  return result;
}

at::Tensor read(const zip::Source& file, const Entry& entry) {
  at::Tensor tensor;
  try {
    tensor = at::empty(entry.sizes, entry.dtype);
  } catch (const std::exception&) {
    TORCH_CHECK(false, "there is no memory for ", entry.nbytes, " bytes");
  }
  if (entry.nbytes > 0) {
    file.read(entry.position, static_cast<char*>(tensor.data_ptr()), entry.nbytes);
  }
  return tensor;
}

}  // namespace safetensors

void save_safetensors_file(const std::filesystem::path& path, const StateDict& entries) {
  struct Tensor {
    std::size_t dtype;  ///< its place in kDtypes
    std::string name;
    at::Tensor tensor;
  };
  using safetensors::kDtypes;
  detail::naming(path, [&] {
    safetensors::check_byte_order();
    std::vector<Tensor> tensors;
    for (const auto& entry : entries) {
      detail::naming_entry(entry.key(), [&] {
        const at::Tensor& tensor = entry.value();
        detail::check_dense(tensor);
        const std::string dtype = detail::str(tensor.scalar_type()).substr(sizeof("torch.") - 1);
        const auto* const known =
            std::ranges::find(kDtypes, dtype, [](const auto& names) { return names.second; });
        TORCH_CHECK(known != kDtypes.end() && !tensor.is_quantized(), "safetensors has no ", dtype);
        tensors.push_back({static_cast<std::size_t>(known - kDtypes.begin()), entry.key(), tensor});
      });
    }
    std::ranges::sort(tensors, [](const Tensor& left, const Tensor& right) {
      return left.dtype != right.dtype ? left.dtype > right.dtype : left.name < right.name;
    });

    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    std::size_t end = 0;
    for (const auto& [dtype, name, tensor] : tensors) {
      const std::size_t begin = end;
      end += tensor.nbytes();
      header[name] = {{"dtype", kDtypes[dtype].first},
                      {"shape", tensor.sizes().vec()},
                      {"data_offsets", {begin, end}}};
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    detail::check_replaceable(path);
    detail::ReplacementFile file(path);
    std::array<char, safetensors::kLengthSize> length{};
    for (std::size_t i = 0; i < length.size(); ++i)
      length[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    file.write(length.data(), length.size());
    file.write(text.data(), text.size());
    for (const auto& [dtype, name, tensor] : tensors) {
      const at::Tensor plain = tensor.detach().resolve_conj().resolve_neg().contiguous();
      file.write(plain.data_ptr(), plain.nbytes());
    }
    file.commit();
  });
}

}  // namespace linreg::pytorch
