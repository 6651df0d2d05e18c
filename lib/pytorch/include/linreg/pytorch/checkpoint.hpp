#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// Carries a training's checkpoints between the languages: what Python saves with
/// torch.save({"epoch": 3, "model_state_dict": net.state_dict(), ...}, path).
namespace linreg::pytorch {

/// A value of a checkpoint: None, a bool, an int, a float, a str, a tensor, a list, a tuple or a
/// dict. These are what torch.load(path, weights_only=True) takes, but for an int over 64 bits.
///
///     Value checkpoint = Value::Dict{{"epoch", 3}, {"losses", Value::List{0.5, 0.25}}};
///     checkpoint["epoch"].as<std::int64_t>();  // 3
class Value {
 public:
  struct None {
    bool operator==(const None&) const = default;
  };
  using List = std::vector<Value>;
  struct Tuple {
    std::vector<Value> items;
  };
  using Key = std::variant<std::int64_t, std::string>;
  /// In the order of insertion, as Python's.
  using Dict = std::vector<std::pair<Key, Value>>;

  Value() = default;  ///< None
  Value(bool value) : value_(value) {}
  /// @throws c10::Error for an integer over 64 bits with its sign.
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) Value(Integer value)
      : value_(checked(std::in_range<std::int64_t>(value), value)) {}
  Value(double value) : value_(value) {}
  Value(const char* text) : value_(std::string(text)) {}
  Value(std::string text) : value_(std::move(text)) {}
  Value(at::Tensor tensor) : value_(std::move(tensor)) {}
  Value(List items) : value_(std::move(items)) {}
  Value(Tuple items) : value_(std::move(items)) {}
  Value(Dict items) : value_(std::move(items)) {}

  /// Whether it holds a T: None, bool, std::int64_t, double, std::string, at::Tensor, List, Tuple
  /// or Dict.
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(value_);
  }

  /// The T that it holds.
  /// @throws c10::Error that says what it holds in its place.
  template <typename T>
  const T& as() const {
    const T* const value = std::get_if<T>(&value_);
    return value != nullptr ? *value : (refuse(Value(T())), *value);
  }

  /// A dict's value of that key; nullptr where there is none.
  /// @throws c10::Error unless it is a dict.
  const Value* find(const Key& key) const;

  /// A dict's value of that key.
  /// @throws c10::Error that names the key and those that there are.
  const Value& operator[](const Key& key) const;

  /// Its type in Python's words: "int", "NoneType", "Tensor".
  std::string type_name() const;

 private:
  static std::int64_t checked(bool fits, auto value) {
    if (!fits) refuse_integer(std::to_string(value));
    return static_cast<std::int64_t>(value);
  }
  [[noreturn]] static void refuse_integer(const std::string& value);
  [[noreturn]] void refuse(const Value& wanted) const;

  std::variant<None, bool, std::int64_t, double, std::string, at::Tensor, List, Tuple, Dict> value_;
};

/// Reads what Python's torch.save(value, path) wrote, for a value of these types; an OrderedDict is
/// a dict, a torch.Size a tuple. Takes and refuses what load_state_dict_file does otherwise.
/// @throws c10::Error that names the file, the entry or byte, and the value.
Value load_checkpoint(const std::filesystem::path& path);

/// Writes `value` for plain torch.load(path), from 2.0 on with weights_only=True, too (1.13's
/// refuses every float). Replaces the file as save_state_dict_file does.
/// @throws c10::Error that names the file, the entry and what Python could not read, or the disk's
/// error.
void save_checkpoint(const std::filesystem::path& path, const Value& value);

}  // namespace linreg::pytorch
