#include "linreg/pytorch/checkpoint.hpp"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, from fmt 11 on

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "escaped.hpp"

namespace linreg::pytorch {
namespace {

std::string shown(const Value::Key& key) {
  const auto* const number = std::get_if<std::int64_t>(&key);
  return number != nullptr ? std::to_string(*number) : detail::escaped(std::get<std::string>(key));
}

}  // namespace

std::string Value::type_name() const {
  constexpr std::array names{"NoneType", "bool", "int",   "float", "str",
                             "Tensor",   "list", "tuple", "dict"};
  return names.at(value_.index());
}

const Value* Value::find(const Key& key) const {
  const Dict& items = as<Dict>();
  const auto found = std::ranges::find(items, key, &Dict::value_type::first);
  return found == items.end() ? nullptr : &found->second;
}

const Value& Value::operator[](const Key& key) const {
  constexpr std::size_t most_names = 8;
  const Value* const found = find(key);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const auto& item : as<Dict>()) {
      if (names.size() < most_names) names.push_back(shown(item.first));
    }
    TORCH_CHECK(false, "there is no ", shown(key), "; there is ",
                fmt::format("{}", fmt::join(names, ", ")));
  }
  return *found;
}

void Value::refuse_integer(const std::string& value) {
  TORCH_CHECK(false, "the integer ", value, " is over 64 bits");
}

void Value::refuse(const Value& wanted) const {
  TORCH_CHECK(false, "it is of type ", type_name(), ", not ", wanted.type_name());
}

}  // namespace linreg::pytorch
