#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Reads Python's pickle as plain data, without LibTorch. It imports, calls and builds nothing, so
/// that no file can run code.
namespace linreg::pytorch::pickle {

struct None {};

/// A name on the allow-list, such as "torch._utils._rebuild_tensor_v2"; the text lives as long as
/// the program.
struct Global {
  std::string_view name;
};

/// An index into Pickle::nodes. Containers refer to each other by index, so that depth costs no
/// stack and a cycle no leak.
struct Reference {
  std::uint32_t index;
};

/// A text points into the bytes that were unpickled.
using Value = std::variant<None, bool, std::int64_t, double, std::string_view, Global, Reference>;

struct Node {
  enum class Kind { list, tuple, dict, ordered_dict, call, persistent_id };
  Kind kind;
  /// dict: key, value, key, value, ...; call: the Global and the tuple of its arguments;
  /// persistent_id: its one value.
  std::vector<Value> items;
};

struct Pickle {
  std::vector<Node> nodes;
  Value root;
};

/// Reads pickle protocols 2 to 5, with the opcodes that Python writes for dicts of tensors.
/// @throws std::runtime_error that names the byte and the value: "byte 17: refuses os.system".
Pickle unpickle(std::string_view bytes);

/// Names a value in a message: "the integer 3", "None", "a list".
std::string described(const Pickle& pickle, const Value& value);

}  // namespace linreg::pytorch::pickle
