#include "state_dict_detail.hpp"

#include <ATen/core/Formatting.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linreg/pytorch/detail/replacement_file.hpp>
#include <string>
#include <string_view>

namespace linreg::pytorch::detail {
namespace {

/// How many elements one item of c10::elementSize bytes holds.
std::int64_t elements_per_item(at::ScalarType dtype) {
  return dtype == at::kQUInt4x2 ? 2 : dtype == at::kQUInt2x4 ? 4 : 1;
}

}  // namespace

bool has_storage_type(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte:
    case at::kChar:
    case at::kShort:
    case at::kInt:
    case at::kLong:
    case at::kHalf:
    case at::kFloat:
    case at::kDouble:
    case at::kComplexFloat:
    case at::kComplexDouble:
    case at::kBool:
    case at::kBFloat16:
    case at::kQInt8:
    case at::kQUInt8:
    case at::kQInt32:
    case at::kQUInt4x2:
    case at::kQUInt2x4:
      return true;
    default:
      return false;
  }
}

std::string storage_type(at::ScalarType dtype) {
  return std::string("torch.") + c10::toString(dtype) + "Storage";
}

std::string dtype_name(at::ScalarType dtype) {
  if (dtype == at::kComplexHalf) return "torch.complex32";
  std::string name = c10::toString(dtype);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "torch." + name;
}

at::ScalarType find_dtype(std::string_view name, std::string (*name_of)(at::ScalarType)) {
  for (int i = 0; i < static_cast<int>(at::ScalarType::NumOptions); ++i) {
    const auto dtype = static_cast<at::ScalarType>(i);
    if (dtype != at::ScalarType::Undefined && name_of(dtype) == name) return dtype;
  }
  TORCH_CHECK(false, "this LibTorch has no ", name);
}

void check_view(at::ScalarType dtype, std::size_t nbytes, std::int64_t offset,
                at::IntArrayRef sizes, at::IntArrayRef strides) {
  TORCH_CHECK(sizes.size() == strides.size(), "shape ", sizes, " and strides ", strides,
              " differ in length");
  const auto item = static_cast<std::int64_t>(c10::elementSize(dtype));
  const auto available = static_cast<std::int64_t>(nbytes) / item * elements_per_item(dtype);
  bool fits = offset >= 0;
  std::int64_t bytes = item;   // of all elements
  std::int64_t last = offset;  // the index of the last element
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::int64_t reach = 0;
    fits = fits && sizes[i] >= 0 && strides[i] >= 0 &&
           !__builtin_mul_overflow(bytes, sizes[i], &bytes) &&
           (sizes[i] == 0 || (!__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                              !__builtin_add_overflow(last, reach, &last)));
  }
  TORCH_CHECK(fits && (bytes == 0 || last < available), "shape ", sizes, ", strides ", strides,
              " and offset ", offset, " reach outside a storage of ", available, " elements");
}

void check_dense(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.defined(), "the tensor is undefined");
  TORCH_CHECK(tensor.layout() == at::kStrided && !tensor.is_nested(), "a tensor of layout ",
              tensor.layout(), tensor.is_nested() ? ", nested," : "", " must be made dense first");
  TORCH_CHECK(!tensor._is_zerotensor(),
              "a tensor without memory, of _efficientzerotensor, must be cloned first");
  TORCH_CHECK(tensor.device().is_cpu(), "a tensor on ", tensor.device(),
              " must be moved to the CPU first");
}

void check_replaceable(const std::filesystem::path& path) {
  TORCH_CHECK(!names_an_open_file(path) &&
                  (!std::filesystem::exists(path) || std::filesystem::is_regular_file(path)),
              "not a regular file");
}

bool is_packed(at::ScalarType dtype) { return elements_per_item(dtype) > 1; }

std::int64_t reach(at::IntArrayRef sizes, at::IntArrayRef strides) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

}  // namespace linreg::pytorch::detail
