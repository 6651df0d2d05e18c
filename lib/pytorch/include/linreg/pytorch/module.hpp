#pragma once

#include <string>

namespace torch::nn {
class Module;
}

namespace linreg::pytorch {

/// Python's str(module): the module's class and arguments, and those of the modules in it.
///
///     fmt::print("{}\n", str(*net));
///     // Sequential(
///     //   (0): Linear(in_features=2, out_features=1, bias=True)
///     // )
///
/// Made from what LibTorch prints of each module, which differs from Python's in the names of
/// classes and values, and in some classes in the arguments. The same as Python's for the layers
/// that tests/python/modules.py lists; a layer of your own prints as its class without arguments,
/// as in Python without an extra_repr.
///
/// Departure: LibTorch keeps six digits of a number, and of a pooling layer not whether its sizes
/// were given as one number: those that are equal print as one.
std::string str(const torch::nn::Module& module);

}  // namespace linreg::pytorch
