#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "escaped.hpp"

/// What the reader and the writer of state_dict files share.
namespace linreg::pytorch::detail {

/// Whether torch.save writes this dtype with a storage type of its own, as Float with
/// torch.FloatStorage. It writes complex32 and the dtypes added since 2.1 as an untyped storage and
/// a dtype.
bool has_storage_type(at::ScalarType dtype);

/// "torch.FloatStorage" for Float.
std::string storage_type(at::ScalarType dtype);

/// Python's name of a dtype without a storage type: "torch.float8_e5m2" for Float8_e5m2.
std::string dtype_name(at::ScalarType dtype);

/// The dtype whose `name_of` is `name`.
at::ScalarType find_dtype(std::string_view name, std::string (*name_of)(at::ScalarType));

/// Refuses a view that reaches outside its storage of `nbytes`, or whose size does not fit 64 bits.
void check_view(at::ScalarType dtype, std::size_t nbytes, std::int64_t offset,
                at::IntArrayRef sizes, at::IntArrayRef strides);

/// Refuses a tensor whose elements are not all in this machine's memory.
void check_dense(const at::Tensor& tensor);

/// Refuses a path that is there and is not a regular file.
void check_replaceable(const std::filesystem::path& path);

/// Whether a byte holds several elements of the dtype.
bool is_packed(at::ScalarType dtype);

/// How many elements of its storage a view spans, from its first to its last.
std::int64_t reach(at::IntArrayRef sizes, at::IntArrayRef strides);

/// Runs `action`; puts `path` in front of its errors and throws all of them as c10::Error.
template <typename Action>
auto naming(const std::filesystem::path& path, Action action) {
  try {
    return action();
  } catch (const c10::Error& error) {
    TORCH_CHECK(false, path.string(), ": ", error.what_without_backtrace());
  } catch (const std::exception& error) {
    TORCH_CHECK(false, path.string(), ": ", error.what());
  }
}

/// Runs `action` for the entry `name`, and puts the name in front of its errors.
template <typename Action>
auto naming_entry(const std::string& name, Action action) {
  if (name.empty()) return action();  // a tensor alone
  try {
    return action();
  } catch (const c10::Error& error) {
    TORCH_CHECK(false, "entry ", escaped(name), ": ", error.what_without_backtrace());
  }
}

}  // namespace linreg::pytorch::detail
