#pragma once

#include <ATen/core/Tensor.h>
#include <torch/ordered_dict.h>

#include <filesystem>
#include <string>

namespace torch::nn {
class Module;
}

/// Weights across: the files of Python's torch.save and torch.load, which LibTorch's own
/// pickle_load and pickle_save neither read (an OrderedDict) nor write (what weights_only=True
/// accepts).
namespace linreg::pytorch {

/// Name to tensor in the file's order; the type that Module::named_parameters() returns.
using StateDict = torch::OrderedDict<std::string, at::Tensor>;

/// Reads what Python's torch.save(module.state_dict(), path), torch.save(dict_of_tensors, path) or
/// torch.save(tensor, path) wrote (zip format, pickle protocols 2 to 5).
///
///     auto entries = load_state_dict_file("net.pt");
///     entries["0.weight"];  // as torch.load("net.pt")["0.weight"]
///
/// Nested dicts are flattened, {"net": {"0.bias": b}} to "net.0.bias"; an integer key becomes its
/// digits; a lone tensor is the entry "". Kept are dtype, shape, strides, storage offset,
/// requires_grad, the conj and neg bits and quantizers, and views that share one storage share it
/// here too. All tensors arrive on the CPU, as with map_location="cpu".
///
/// A value that is no tensor (an epoch's number, None, a list) is refused by name, not dropped:
/// save the tensors alone. Nothing that the file names is ever run: any global that tensors don't
/// need is refused by name. Each declared size is checked against the file before memory is taken,
/// and each record is read once, straight into its storage. As in Python, the zip's checksums are
/// not compared (torch.save can be told to write none).
///
/// Departure: big-endian records of the dtypes newer than 2.0 (uint16, float8, ...) are swapped
/// too; Python leaves them.
/// @throws c10::Error that names the file, the entry or byte, and the value.
StateDict load_state_dict_file(const std::filesystem::path& path);

/// Writes `entries` as an OrderedDict that torch.load(path), weights_only=True included, reads from
/// PyTorch 1.13 on (a newer dtype from the version that brought it) and Module.load_state_dict
/// accepts. 1.13's weights_only=True alone refuses quantized tensors, PyTorch's own too.
///
///     save_state_dict_file("net.pt", state_dict(*net));
///     // Python: net.load_state_dict(torch.load("net.pt"))
///
/// As in torch.save, a view writes its whole storage, and storages that are shared are written
/// once. A tensor with its conj or neg bit set is written resolved, since 1.13 can't read the bits.
/// The file appears under its name when it is complete and on the disk: what was there before stays
/// whole until then.
/// @throws c10::Error that names the file, the entry and what Python could not read (a device, a
/// layout, a dtype), or the disk's error.
void save_state_dict_file(const std::filesystem::path& path, const StateDict& entries);

/// Python's module.state_dict(): parameters and buffers under Python's names in Python's order,
/// detached, sharing memory with the module.
StateDict state_dict(const torch::nn::Module& module);

/// Python's module.load_state_dict(entries, strict=True): copies each entry into the parameter or
/// buffer of its name, with copy_'s dtype conversion.
///
/// Departure: Python copies what fits and then raises; here nothing is copied unless all names and
/// shapes agree.
/// @throws c10::Error that lists every missing name, every unexpected name and every shape that
/// differs.
void load_into(torch::nn::Module& module, const StateDict& entries);

}  // namespace linreg::pytorch
