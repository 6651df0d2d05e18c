#include "unpickler.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "escaped.hpp"

namespace linreg::pytorch::pickle {
namespace {

/// The globals that a file of tensors needs. Python's weights-only unpickler allows a few more, for
/// values other than plain tensors.
constexpr auto kAllowed = std::to_array<std::string_view>({
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_parameter",
    // Storage types; with the untyped one, _rebuild_tensor_v3 names the dtype.
    "torch.storage.UntypedStorage",
    "torch.ByteStorage",
    "torch.CharStorage",
    "torch.ShortStorage",
    "torch.IntStorage",
    "torch.LongStorage",
    "torch.HalfStorage",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.ComplexFloatStorage",
    "torch.ComplexDoubleStorage",
    "torch.BoolStorage",
    "torch.BFloat16Storage",
    "torch.QInt8Storage",
    "torch.QUInt8Storage",
    "torch.QInt32Storage",
    "torch.QUInt4x2Storage",
    "torch.QUInt2x4Storage",
    // Dtypes without a storage type of their own.
    "torch.complex32",
    "torch.uint16",
    "torch.uint32",
    "torch.uint64",
    "torch.float8_e5m2",
    "torch.float8_e4m3fn",
    "torch.float8_e5m2fnuz",
    "torch.float8_e4m3fnuz",
    "torch.float8_e8m0fnu",
    "torch.float4_e2m1fn_x2",
    "torch.bits8",
    "torch.bits16",
    "torch.bits1x8",
    "torch.bits2x4",
    "torch.bits4x2",
    "torch.per_tensor_affine",
    "torch.per_channel_affine",
    "torch.per_channel_affine_float_qparams",
});

/// What to do about a global that files hold in place of tensors.
std::string_view advice(std::string_view module, std::string_view name) {
  if (name == "UninitializedParameter" || name == "UninitializedBuffer")
    return ": a lazy layer has no weights until its module has run once; save after that";
  if (name == "_rebuild_from_type_v2")
    return ": a tensor with attributes, such as nn.Buffer; save its detach()";
  if (module.starts_with("torch.nn.") || module == "__main__")
    return ": the file holds a whole module or an object of a class; save its state_dict() alone";
  if (module.starts_with("numpy")) return ": NumPy's; make it a tensor, or leave it out";
  return "";
}

/// A tensor takes about 25 values: this allows some 300,000 tensors in at most half a gigabyte.
constexpr std::size_t kMostValues = std::size_t{1} << 23;

/// The name in Python's pickle.py of an opcode that is refused.
std::string_view refused_name(unsigned char opcode) {
  constexpr auto kNames = std::to_array<std::pair<unsigned char, std::string_view>>({
      {'0', "POP"},
      {'1', "POP_MARK"},
      {'2', "DUP"},
      {'F', "FLOAT"},
      {'I', "INT"},
      {'L', "LONG"},
      {'P', "PERSID"},
      {'S', "STRING"},
      {'T', "BINSTRING"},
      {'U', "SHORT_BINSTRING"},
      {'V', "UNICODE"},
      {'d', "DICT"},
      {'g', "GET"},
      {'i', "INST"},
      {'l', "LIST"},
      {'o', "OBJ"},
      {'p', "PUT"},
      {'B', "BINBYTES"},
      {'C', "SHORT_BINBYTES"},
      {0x81, "NEWOBJ"},
      {0x82, "EXT1"},
      {0x83, "EXT2"},
      {0x84, "EXT4"},
      {0x8e, "BINBYTES8"},
      {0x8f, "EMPTY_SET"},
      {0x90, "ADDITEMS"},
      {0x91, "FROZENSET"},
      {0x92, "NEWOBJ_EX"},
      {0x96, "BYTEARRAY8"},
      {0x97, "NEXT_BUFFER"},
      {0x98, "READONLY_BUFFER"},
  });
  const auto* found =
      std::ranges::find(kNames, opcode, [](const auto& name) { return name.first; });
  return found == kNames.end() ? "unknown" : found->second;
}

class Unpickler {
 public:
  explicit Unpickler(std::string_view bytes) : bytes_(bytes) {}

  Pickle run() {
    try {
      while (step()) {
      }
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("byte {}: {}", opcode_at_, error.what()));
    }
    return std::move(pickle_);
  }

 private:
  template <typename... Values>
  [[noreturn]] static void fail(fmt::format_string<Values...> message, Values&&... values) {
    throw std::runtime_error(fmt::format(message, std::forward<Values>(values)...));
  }

  /// Executes one opcode; false after STOP.
  bool step() {
    opcode_at_ = at_;
    const auto opcode = static_cast<unsigned char>(take(1)[0]);
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto protocol = unsigned_integer(1); protocol < 2 || protocol > 5)
          fail("pickle protocol {} is not one of 2 to 5", protocol);
        break;
      case 0x95:  // FRAME: only a hint for buffered reading
        if (const auto length = unsigned_integer(8); length > bytes_.size() - at_)
          fail("a frame of {} bytes is longer than the stream", length);
        break;
      case '.':  // STOP
        pickle_.root = pop();
        if (!stack_.empty() || !marks_.empty()) fail("STOP leaves values on the stack");
        return false;

      case 'N':  // NONE
        push(None{});
        break;
      case 0x88:  // NEWTRUE
        push(true);
        break;
      case 0x89:  // NEWFALSE
        push(false);
        break;
      case 'K':  // BININT1
        push(static_cast<std::int64_t>(unsigned_integer(1)));
        break;
      case 'M':  // BININT2
        push(static_cast<std::int64_t>(unsigned_integer(2)));
        break;
      case 'J':  // BININT
        push(signed_integer(4));
        break;
      case 0x8a:  // LONG1
        push(signed_integer(unsigned_integer(1)));
        break;
      case 0x8b:  // LONG4
        push(signed_integer(unsigned_integer(4)));
        break;
      case 'G':  // BINFLOAT, the one big-endian number
        push(std::bit_cast<double>(big_endian(take(8))));
        break;
      case 0x8c:  // SHORT_BINUNICODE
        push(text(1));
        break;
      case 'X':  // BINUNICODE
        push(text(4));
        break;
      case 0x8d:  // BINUNICODE8
        push(text(8));
        break;

      case ')':  // EMPTY_TUPLE
        push_node(Node::Kind::tuple, stack_.size());
        break;
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        push_node(Node::Kind::tuple, below(std::size_t{opcode} - 0x84));
        break;
      case '(':  // MARK
        spend();
        marks_.push_back(stack_.size());
        break;
      case 't':  // TUPLE
        push_node(Node::Kind::tuple, pop_mark());
        break;
      case ']':  // EMPTY_LIST
        push_node(Node::Kind::list, stack_.size());
        break;
      case '}':  // EMPTY_DICT
        push_node(Node::Kind::dict, stack_.size());
        break;
      case 'a':  // APPEND
        extend_list(below(1));
        break;
      case 'e':  // APPENDS
        extend_list(pop_mark());
        break;
      case 's':  // SETITEM
        extend_dict(below(2));
        break;
      case 'u':  // SETITEMS
        extend_dict(pop_mark());
        break;

      case 'q':  // BINPUT
        memoize(unsigned_integer(1));
        break;
      case 'r':  // LONG_BINPUT
        memoize(unsigned_integer(4));
        break;
      case 0x94:  // MEMOIZE
        memoize(memo_.size());
        break;
      case 'h':  // BINGET
        push(remembered(unsigned_integer(1)));
        break;
      case 'j':  // LONG_BINGET
        push(remembered(unsigned_integer(4)));
        break;

      case 'c': {  // GLOBAL
        const auto module = line();
        push(allowed(module, line()));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const auto name = pop();
        const auto module = pop();
        if (!std::holds_alternative<std::string_view>(module) ||
            !std::holds_alternative<std::string_view>(name))
          fail("a global's name is not a text");
        push(allowed(std::get<std::string_view>(module), std::get<std::string_view>(name)));
        break;
      }
      case 'R':  // REDUCE
        reduce();
        break;
      case 'b':  // BUILD
        build();
        break;
      case 'Q':  // BINPERSID
        push_node(Node::Kind::persistent_id, below(1));
        break;

      default:
        fail("refuses the opcode {} (0x{:02x})", refused_name(opcode), opcode);
    }
    return true;
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      fail("declares {} bytes where {} are left", count, bytes_.size() - at_);
    const auto taken = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += taken.size();
    return taken;
  }

  /// A text after its length, an integer of `width` bytes.
  std::string_view text(std::size_t width) {
    const auto taken = take(unsigned_integer(width));
    if (!utf8::is_valid(taken)) fail("the text {} is not UTF-8", detail::escaped(taken));
    return taken;
  }

  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("a global's name has no end");
    const auto text = take(end - at_);
    at_ = end + 1;
    return text;
  }

  std::uint64_t unsigned_integer(std::size_t width) {
    const auto digits = take(width);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < width; ++i)
      number |= std::uint64_t{static_cast<unsigned char>(digits[i])} << (8 * i);
    return number;
  }

  /// Two's complement, little-endian; zero bytes mean 0.
  std::int64_t signed_integer(std::uint64_t width) {
    if (width == 0) return 0;
    if (width > 8) fail("an integer of {} bytes is over 64 bits", width);
    const auto number = unsigned_integer(static_cast<std::size_t>(width));
    const auto unused = 64 - 8 * width;
    return static_cast<std::int64_t>(number << unused) >> unused;
  }

  static std::uint64_t big_endian(std::string_view digits) {
    std::uint64_t number = 0;
    for (const char digit : digits) number = number << 8 | static_cast<unsigned char>(digit);
    return number;
  }

  void spend() {
    if (++spent_ > kMostValues) fail("more than {} values", kMostValues);
  }

  void push(Value value) {
    spend();
    stack_.push_back(value);
  }

  /// The stack's size without its last `count` values; refuses to reach below the last mark.
  std::size_t below(std::size_t count) const {
    const auto floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < count) fail("the stack is too short");
    return stack_.size() - count;
  }

  Value pop() {
    const auto value = stack_[below(1)];
    stack_.pop_back();
    return value;
  }

  std::size_t pop_mark() {
    if (marks_.empty()) fail("no mark is set");
    const auto mark = marks_.back();
    marks_.pop_back();
    return mark;
  }

  /// Moves the stack's values from `first` on to the end of `items`.
  void move_from(std::size_t first, std::vector<Value>& items) {
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(first);
    items.insert(items.end(), begin, stack_.end());
    stack_.erase(begin, stack_.end());
  }

  void push_node(Node::Kind kind, std::size_t first) {
    Node node{kind, {}};
    move_from(first, node.items);
    pickle_.nodes.push_back(std::move(node));
    push(Reference{static_cast<std::uint32_t>(pickle_.nodes.size() - 1)});
  }

  Node* node(const Value& value) {
    const auto* reference = std::get_if<Reference>(&value);
    return reference ? &pickle_.nodes[reference->index] : nullptr;
  }

  /// The container on the stack just below `first`.
  Node* container(std::size_t first) {
    if (first == (marks_.empty() ? 0 : marks_.back())) fail("the stack is too short");
    return node(stack_[first - 1]);
  }

  void extend_list(std::size_t first) {
    auto* list = container(first);
    if (!list || list->kind != Node::Kind::list)
      fail("appends to {}", described(pickle_, stack_[first - 1]));
    move_from(first, list->items);
  }

  void extend_dict(std::size_t first) {
    auto* dict = container(first);
    if (!dict || (dict->kind != Node::Kind::dict && dict->kind != Node::Kind::ordered_dict))
      fail("sets items of {}", described(pickle_, stack_[first - 1]));
    if ((stack_.size() - first) % 2 != 0) fail("a key has no value");
    move_from(first, dict->items);
  }

  /// Refuses gaps, which Python's memo never has: a huge index can't ask for a huge memo.
  void memoize(std::uint64_t index) {
    const auto value = stack_[below(1)];
    if (index > memo_.size()) fail("the memo's index {} follows {} entries", index, memo_.size());
    spend();
    if (index == memo_.size())
      memo_.push_back(value);
    else
      memo_[static_cast<std::size_t>(index)] = value;
  }

  Value remembered(std::uint64_t index) const {
    if (index >= memo_.size()) fail("the memo has no index {}", index);
    return memo_[static_cast<std::size_t>(index)];
  }

  static Global allowed(std::string_view module, std::string_view name) {
    const auto matches = [&](std::string_view global) {
      return global.size() == module.size() + 1 + name.size() && global.starts_with(module) &&
             global[module.size()] == '.' && global.ends_with(name);
    };
    const auto* found = std::ranges::find_if(kAllowed, matches);
    if (found == kAllowed.end()) {
      const auto global = detail::escaped(std::string(module) + '.' + std::string(name));
      fail("refuses {}{}", global.substr(1, global.size() - 2), advice(module, name));
    }
    return {*found};
  }

  void reduce() {
    const auto first = below(2);
    const auto* global = std::get_if<Global>(&stack_[first]);
    const auto* arguments = node(stack_[first + 1]);
    if (!global) fail("calls {}", described(pickle_, stack_[first]));
    if (!arguments || arguments->kind != Node::Kind::tuple)
      fail("calls {} with {}", global->name, described(pickle_, stack_[first + 1]));
    if (global->name != "collections.OrderedDict") {
      push_node(Node::Kind::call, first);
      return;
    }
    if (!arguments->items.empty()) fail("refuses an OrderedDict with arguments");
    stack_.resize(first);
    push_node(Node::Kind::ordered_dict, first);
  }

  /// Drops the only state that torch.save writes: an OrderedDict's attribute _metadata, the
  /// versions of modules.
  void build() {
    const auto state = pop();
    const auto* object = node(stack_[below(1)]);
    const auto* attributes = node(state);
    if (!object || object->kind != Node::Kind::ordered_dict)
      fail("refuses BUILD on {}", described(pickle_, stack_.back()));
    if (!attributes || attributes->kind != Node::Kind::dict)
      fail("refuses BUILD with {}", described(pickle_, state));
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t opcode_at_ = 0;
  std::size_t spent_ = 0;
  Pickle pickle_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;  ///< sizes of stack_, rising
  std::vector<Value> memo_;
};

}  // namespace

Pickle unpickle(std::string_view bytes) { return Unpickler(bytes).run(); }

std::string described(const Pickle& pickle, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return fmt::format("the integer {}", *number);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("the float {}", *number);
  if (const auto* text = std::get_if<std::string_view>(&value))
    return "the text " + detail::escaped(*text);
  if (const auto* global = std::get_if<Global>(&value)) return std::string(global->name);
  const auto* reference = std::get_if<Reference>(&value);
  if (!reference) return "None";
  switch (const auto& node = pickle.nodes[reference->index]; node.kind) {
    case Node::Kind::list:
      return "a list";
    case Node::Kind::tuple:
      return "a tuple";
    case Node::Kind::dict:
    case Node::Kind::ordered_dict:
      return "a dict";
    case Node::Kind::call:
      return fmt::format("a call of {}", std::get<Global>(node.items[0]).name);
    case Node::Kind::persistent_id:
      return "a storage";
  }
  return "?";
}

}  // namespace linreg::pytorch::pickle
