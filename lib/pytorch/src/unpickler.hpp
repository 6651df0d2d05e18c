#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Python's pickle as plain data, without LibTorch: nothing is imported, called or built, so
/// nothing can be run.
namespace linreg::pytorch::pickle {

struct None {};

/// A name of the allow-list, such as "torch._utils._rebuild_tensor_v2"; the text lives as long as
/// the program.
struct Global {
  std::string_view name;
};

/// Index into Pickle::nodes. Containers refer to each other by index, so that neither depth nor
/// cycles cost a stack.
struct Reference {
  std::uint32_t index;
};

/// Text points into the bytes that were unpickled.
using Value = std::variant<None, bool, std::int64_t, double, std::string_view, Global, Reference>;

struct Node {
  enum class Kind { list, tuple, dict, ordered_dict, call, persistent_id };
  Kind kind;
  /// dicts: key, value, key, value, ...; call: the Global and the tuple of its arguments;
  /// persistent_id: its one value.
  std::vector<Value> items;
};

struct Pickle {
  std::vector<Node> nodes;
  Value root;
};

/// Reads a stream of protocols 2 to 5, with the opcodes that Python writes for dicts of tensors.
/// @throws std::runtime_error that names the byte and the value: "byte 17: refuses os.system".
Pickle unpickle(std::string_view bytes);

/// For messages: the text in quotes, unprintable bytes as \x1b, cut where it is long.
std::string quoted(std::string_view text);

/// For messages: "the integer 3", "None", "a list".
std::string described(const Pickle& pickle, const Value& value);

}  // namespace linreg::pytorch::pickle
