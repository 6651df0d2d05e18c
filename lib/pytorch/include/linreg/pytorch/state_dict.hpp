#pragma once

#include <ATen/core/Tensor.h>
#include <torch/ordered_dict.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

/// Carries weights between the languages, in the files of Python's torch.save and torch.load.
/// LibTorch's pickle_load can't read them (an OrderedDict), and Python's weights_only=True refuses
/// those of its pickle_save.
namespace linreg::pytorch {

/// Tensors by name, in the file's order: the type that Module::named_parameters() returns.
using StateDict = torch::OrderedDict<std::string, at::Tensor>;

/// Reads what Python's torch.save(module.state_dict(), path), torch.save(dict_of_tensors, path) or
/// torch.save(tensor, path) wrote (zip format, pickle protocols 2 to 5), or safetensors.
///
///     auto entries = load_state_dict_file("net.pt");
///     entries["0.weight"];  // as torch.load("net.pt")["0.weight"]
///
/// Flattens nested dicts, {"net": {"0.bias": b}} to "net.0.bias"; an integer key becomes its
/// digits; a tensor saved alone is the entry "". Keeps dtype, shape, strides, storage offset,
/// requires_grad, the conj and neg bits and quantizers; views that share a storage in the file
/// share one here. Puts every tensor on the CPU, as map_location="cpu" does.
///
/// Refuses a value that is not a tensor (an epoch's number, None, a list) and names it: save the
/// tensors alone. Never runs what the file names: refuses every global that tensors don't need.
/// Checks each declared size against the file before it takes memory, and reads each storage once,
/// straight into place. Does not compare the zip's checksums, as Python does not: torch.save can
/// leave them out.
///
/// Departure: swaps a big-endian file's bytes for the dtypes newer than 2.0 (uint16, float8, ...),
/// too; Python leaves them.
/// @throws c10::Error that names the file, the entry or byte, and the value.
StateDict load_state_dict_file(const std::filesystem::path& path);

/// Reads the part of a checkpoint: of torch.save({"model_state_dict": net.state_dict(), ...}, path)
/// load_state_dict_file(path, "model_state_dict").
StateDict load_state_dict_file(const std::filesystem::path& path, const std::string& part);

/// Writes `entries` as an OrderedDict that Module.load_state_dict accepts and torch.load(path)
/// reads from PyTorch 1.13 on (a newer dtype from the version that brought it), with
/// weights_only=True, too. Only 1.13's weights_only=True refuses quantized tensors, those of
/// torch.save as well.
///
///     save_state_dict_file("net.pt", state_dict(*net));
///     // Python: net.load_state_dict(torch.load("net.pt"))
///
/// As torch.save, writes the whole storage of a view, and a shared storage once. Resolves a conj or
/// neg bit, which 1.13 can't read. Replaces the file when the new one is complete and on the disk:
/// an error leaves the old one as it was.
/// @throws c10::Error that names the file, the entry and what Python could not read (a device, a
/// layout, a dtype), or the disk's error.
void save_state_dict_file(const std::filesystem::path& path, const StateDict& entries);

/// Writes `entries` in safetensors: the bytes that Python's safetensors.torch.save_file writes, and
/// in its order, by dtype and name. The format keeps names, dtypes, shapes and elements, and needs
/// no pickle.
///
/// Departure: writes each view's own elements, where Python refuses views that share memory or are
/// not contiguous. Replaces the file as save_state_dict_file does.
/// @throws c10::Error that names the file, the entry and what the format can't hold, or the disk's
/// error.
void save_safetensors_file(const std::filesystem::path& path, const StateDict& entries);

/// Python's module.state_dict(): the parameters and buffers, with Python's names and in its order,
/// detached. They share the module's memory.
StateDict state_dict(const torch::nn::Module& module);

struct LoadOptions {
  bool strict = true;  ///< refuses missing and unexpected names
  /// Each entry's name in the module, of its name in the file; the same where empty.
  std::function<std::string(const std::string& name)> rename = {};
};

/// What load_state_dict returns in Python.
struct IncompatibleKeys {
  std::vector<std::string> missing_keys;     ///< of the module, without an entry
  std::vector<std::string> unexpected_keys;  ///< of entries, as renamed
};

/// Python's module.load_state_dict(entries, strict): copies each entry into the parameter or buffer
/// of its name, with copy_'s dtype conversion.
///
///     load_into(*net, entries);
///     load_into(*net, entries, {.rename = [](auto& name) { return name.substr(7); }});  // module.
///
/// Departure: copies nothing unless all names and shapes agree; Python copies what fits and raises.
/// @throws c10::Error that lists every shape that differs and, if strict, every missing and every
/// unexpected name; for two entries that `rename` gives one name.
IncompatibleKeys load_into(torch::nn::Module& module, const StateDict& entries,
                           const LoadOptions& options = {});

}  // namespace linreg::pytorch
