#include <ATen/core/Formatting.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>
#include <unistd.h>
#include <utf8.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <linreg/pytorch/state_dict.hpp>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "escaped.hpp"
#include "state_dict_detail.hpp"

namespace linreg::pytorch {
namespace {

using detail::escaped;

/// Writes the pickle, of protocol 2, that Python's torch.save(OrderedDict of tensors) writes, but
/// without its memo.
class PickleWriter {
 public:
  std::string run(const StateDict& entries) {
    out_ = "\x80\x02";
    ordered_dict_begin();
    out_ += '(';
    for (const auto& entry : entries) {
      TORCH_CHECK(utf8::is_valid(entry.key()), "the name ", escaped(entry.key()), " is not UTF-8");
      text(entry.key());
      try {
        tensor(entry.value());
      } catch (const c10::Error& error) {
        TORCH_CHECK(false, "entry ", escaped(entry.key()), ": ", error.what_without_backtrace());
      }
    }
    out_ += "u.";
    return std::move(out_);
  }

  /// In the order of their keys, "0", "1", ...
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  void ordered_dict_begin() { out_ += "ccollections\nOrderedDict\n)R"; }

  void tensor(const at::Tensor& given) {
    TORCH_CHECK(given.defined(), "the tensor is undefined");
    TORCH_CHECK(given.layout() == at::kStrided && !given.is_nested(), "a tensor of layout ",
                given.layout(), given.is_nested() ? ", nested," : "", " must be made dense first");
    TORCH_CHECK(given.device().is_cpu(), "a tensor on ", given.device(),
                " must be moved to the CPU first");
    const auto requires_grad = given.requires_grad();
    const auto tensor =
        given.is_conj() || given.is_neg() ? given.detach().resolve_conj().resolve_neg() : given;
    const auto dtype = tensor.scalar_type();
    const auto untyped = !detail::has_storage_type(dtype);
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
    if (is_new) storages_.push_back(storage);
    const auto [key, known_dtype] = known->second;
    TORCH_CHECK(dtype == known_dtype, "torch.load can't share a storage between ", known_dtype,
                " and ", dtype);
    out_ += '(';
    text("storage");
    global(untyped ? "torch.storage.UntypedStorage" : detail::storage_type(dtype));
    text(std::to_string(key));
    text("cpu");
    integer(static_cast<std::int64_t>(storage.nbytes() / c10::elementSize(dtype)));
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
  std::vector<c10::Storage> storages_;
  std::unordered_map<const c10::StorageImpl*, std::pair<std::size_t, at::ScalarType>> keys_;
};

/// The file that a link, and a link that it names, lead to: a link stays one.
std::filesystem::path follow_links(std::filesystem::path path) {
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  return path;
}

/// A new file beside `path` that takes its name on commit(), and is removed without.
class ReplacementFile {
 public:
  explicit ReplacementFile(const std::filesystem::path& path)
      : path_(follow_links(path)),
        temporary_(path_.parent_path() / (".linreg." + std::to_string(std::random_device{}()))) {
    TORCH_CHECK(!std::filesystem::exists(path_) || std::filesystem::is_regular_file(path_),
                "is no regular file");
    file_ = std::fopen(temporary_.c_str(), "wbx");
    TORCH_CHECK(file_, "can't be written: ", std::strerror(errno));
  }

  ReplacementFile(const ReplacementFile&) = delete;
  ReplacementFile& operator=(const ReplacementFile&) = delete;

  ~ReplacementFile() {
    if (file_) std::fclose(file_);
    std::error_code ignored;
    if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
  }

  /// Keeps the first error for commit(): PyTorchStreamWriter's destructor writes, too, and ends the
  /// program on an error.
  std::size_t write(const void* data, std::size_t count) {
    if (count > 0 && error_ == 0 && std::fwrite(data, 1, count, file_) != count) error_ = errno;
    return count;
  }

  void commit() {
    if (error_ == 0 && (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0)) error_ = errno;
    if (std::fclose(std::exchange(file_, nullptr)) != 0 && error_ == 0) error_ = errno;
    TORCH_CHECK(error_ == 0, "can't be written: ", std::strerror(error_));
    if (std::filesystem::exists(path_))
      std::filesystem::permissions(temporary_, std::filesystem::status(path_).permissions());
    std::filesystem::rename(temporary_, path_);
    temporary_.clear();
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_ = nullptr;
  int error_ = 0;
};

}  // namespace

void save_state_dict_file(const std::filesystem::path& path, const StateDict& entries) {
  detail::naming(path, [&] {
    PickleWriter writer;
    const auto pickle = writer.run(entries);
    ReplacementFile file(path);
    {
      caffe2::serialize::PyTorchStreamWriter zip(
          [&](const void* data, std::size_t count) { return file.write(data, count); });
      zip.writeRecord("data.pkl", pickle.data(), pickle.size());
      const std::string byte_order = std::endian::native == std::endian::little ? "little" : "big";
      zip.writeRecord("byteorder", byte_order.data(), byte_order.size());
      for (std::size_t key = 0; key < writer.storages().size(); ++key) {
        const auto& storage = writer.storages()[key];
        zip.writeRecord("data/" + std::to_string(key), storage.data(), storage.nbytes());
      }
      zip.writeEndOfFile();
    }
    file.commit();
  });
}

}  // namespace linreg::pytorch
