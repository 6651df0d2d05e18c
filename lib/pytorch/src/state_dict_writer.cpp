#include <ATen/core/Formatting.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <utf8.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/detail/replacement_file.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "escaped.hpp"
#include "state_dict_detail.hpp"
#include "version.hpp"

namespace linreg::pytorch {
namespace {

using detail::escaped;

/// Python's torch.load knows _rebuild_tensor_v3 from 2.1 on.
constexpr bool reads_untyped_storages = detail::since(2, 1);

/// Writes the pickle, of protocol 2, that Python's torch.save(OrderedDict of tensors) writes, but
/// without its memo.
class PickleWriter {
 public:
  std::string run(const StateDict& entries) {
    out_ = "\x80\x02";
    ordered_dict_begin();
    out_ += '(';
    for (const auto& entry : entries) {
      checked_text(entry.key());
      detail::naming_entry(entry.key(), [&] { tensor(entry.value()); });
    }
    out_ += "u.";
    return std::move(out_);
  }

  /// The same for a checkpoint's value.
  std::string run(const Value& root) {
    out_ = "\x80\x02";
    value(root, "");
    out_ += '.';
    return std::move(out_);
  }

  /// The storages and how many of their bytes to write, in the order of their keys, "0", "1", ...
  const std::vector<std::pair<c10::Storage, std::size_t>>& storages() const { return storages_; }

 private:
  void ordered_dict_begin() { out_ += "ccollections\nOrderedDict\n)R"; }

  void value(const Value& value, const std::string& name) {
    const auto entry = [&](const auto& key) {
      return fmt::format("{}{}{}", name, name.empty() ? "" : ".", key);
    };
    const auto items = [&](const std::vector<Value>& values) {
      for (std::size_t i = 0; i < values.size(); ++i) this->value(values[i], entry(i));
    };
    if (value.is<Value::None>()) out_ += 'N';
    if (value.is<bool>()) out_ += value.as<bool>() ? '\x88' : '\x89';
    if (value.is<std::int64_t>()) integer(value.as<std::int64_t>());
    if (value.is<double>()) real(value.as<double>());
    if (value.is<std::string>()) checked_text(value.as<std::string>());
    if (value.is<at::Tensor>()) {
      detail::naming_entry(name, [&] { tensor(value.as<at::Tensor>()); });
    }
    if (value.is<Value::List>()) {
      out_ += "](";
      items(value.as<Value::List>());
      out_ += 'e';
    }
    if (value.is<Value::Tuple>()) {
      out_ += '(';
      items(value.as<Value::Tuple>().items);
      out_ += 't';
    }
    if (value.is<Value::Dict>()) {
      out_ += "}(";
      for (const auto& [key, item] : value.as<Value::Dict>()) {
        const auto* const number = std::get_if<std::int64_t>(&key);
        number != nullptr ? integer(*number) : checked_text(std::get<std::string>(key));
        this->value(item, number != nullptr ? entry(*number) : entry(std::get<std::string>(key)));
      }
      out_ += 'u';
    }
  }

  void tensor(const at::Tensor& given) {
    detail::check_dense(given);
    const auto requires_grad = given.requires_grad();
    const auto tensor =
        given.is_conj() || given.is_neg() ? given.detach().resolve_conj().resolve_neg() : given;
    const auto dtype = tensor.scalar_type();
    const auto untyped = !detail::has_storage_type(dtype);
    TORCH_CHECK(!untyped || reads_untyped_storages, "PyTorch before 2.1 can't load ",
                detail::dtype_name(dtype));
    detail::check_view(dtype, tensor.storage().nbytes(), tensor.storage_offset(), tensor.sizes(),
                       tensor.strides());

    out_ += "ctorch._utils\n";
    out_ += tensor.is_quantized() ? "_rebuild_qtensor"
            : untyped             ? "_rebuild_tensor_v3"
                                  : "_rebuild_tensor_v2";
    out_ += "\n(";
    storage(tensor.storage(), untyped ? at::kByte : dtype, untyped);
    integer(tensor.storage_offset());
    integers(tensor.sizes());
    integers(tensor.strides());
    if (tensor.is_quantized()) quantizer(tensor);
    out_ += requires_grad ? '\x88' : '\x89';
    ordered_dict_begin();  // no hooks
    if (untyped) global(detail::dtype_name(dtype));
    out_ += "tR";
  }

  void storage(const c10::Storage& storage, at::ScalarType dtype, bool untyped) {
    const auto [known, is_new] =
        keys_.emplace(storage.unsafeGetStorageImpl(), std::pair(storages_.size(), dtype));
    const std::size_t elements = storage.nbytes() / c10::elementSize(dtype);
    // Whole elements: a storage of another dtype's bytes may hold a part of one more.
    if (is_new) storages_.emplace_back(storage, elements * c10::elementSize(dtype));
    const auto [key, known_dtype] = known->second;
    TORCH_CHECK(dtype == known_dtype, "torch.load can't share a storage between ", known_dtype,
                " and ", dtype);
    out_ += '(';
    text("storage");
    global(untyped ? "torch.storage.UntypedStorage" : detail::storage_type(dtype));
    text(std::to_string(key));
    text("cpu");
    integer(static_cast<std::int64_t>(elements));
    out_ += "tQ";
  }

  void quantizer(const at::Tensor& tensor) {
    out_ += '(';
    if (tensor.qscheme() == at::kPerTensorAffine) {
      global("torch.per_tensor_affine");
      real(tensor.q_scale());
      integer(tensor.q_zero_point());
    } else {
      global("torch.per_channel_affine");
      this->tensor(tensor.q_per_channel_scales());
      this->tensor(tensor.q_per_channel_zero_points());
      integer(tensor.q_per_channel_axis());
    }
    out_ += 't';
  }

  void global(const std::string& name) {
    const auto dot = name.rfind('.');
    out_ += 'c' + name.substr(0, dot) + '\n' + name.substr(dot + 1) + '\n';
  }

  void checked_text(const std::string& text) {
    TORCH_CHECK(utf8::is_valid(text), "the text ", escaped(text), " is not UTF-8");
    this->text(text);
  }

  void text(const std::string& text) {
    out_ += 'X';
    little_endian(text.size(), 4);
    out_ += text;
  }

  void integer(std::int64_t number) {
    if (0 <= number && number < 256) {
      out_ += 'K';
      little_endian(static_cast<std::uint64_t>(number), 1);
    } else {
      out_ += "\x8a\x08";
      little_endian(static_cast<std::uint64_t>(number), 8);
    }
  }

  void integers(at::IntArrayRef numbers) {
    out_ += '(';
    for (const auto number : numbers) integer(number);
    out_ += 't';
  }

  void real(double number) {
    out_ += 'G';
    const auto bits = std::bit_cast<std::uint64_t>(number);
    for (int shift = 56; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift & 0xff);
  }

  void little_endian(std::uint64_t number, int width) {
    for (int i = 0; i < width; ++i) out_ += static_cast<char>(number >> (8 * i) & 0xff);
  }

  std::string out_;
  std::vector<std::pair<c10::Storage, std::size_t>> storages_;
  std::unordered_map<const c10::StorageImpl*, std::pair<std::size_t, at::ScalarType>> keys_;
};

/// Writes the StateDict or Value as torch.save does.
template <typename Saved>
void save(const std::filesystem::path& path, const Saved& saved) {
  detail::naming(path, [&] {
    PickleWriter writer;
    const auto pickle = writer.run(saved);
    detail::check_replaceable(path);
    detail::ReplacementFile file(path);
    {
      caffe2::serialize::PyTorchStreamWriter zip([&](const void* data, std::size_t count) {
        file.write(data, count);
        return count;
      });
      zip.writeRecord("data.pkl", pickle.data(), pickle.size());
      const std::string byte_order = std::endian::native == std::endian::little ? "little" : "big";
      zip.writeRecord("byteorder", byte_order.data(), byte_order.size());
      for (std::size_t key = 0; key < writer.storages().size(); ++key) {
        const auto& [storage, nbytes] = writer.storages()[key];
        zip.writeRecord("data/" + std::to_string(key), storage.data(), nbytes);
      }
      zip.writeEndOfFile();
    }
    file.commit();
  });
}

}  // namespace

void save_state_dict_file(const std::filesystem::path& path, const StateDict& entries) {
  save(path, entries);
}

void save_checkpoint(const std::filesystem::path& path, const Value& value) { save(path, value); }

}  // namespace linreg::pytorch
