#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include <linreg/pytorch/state_dict.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "escaped.hpp"

namespace linreg::pytorch {
namespace {

using detail::escaped;

void collect(const torch::nn::Module& module, const std::string& prefix, StateDict& entries) {
  for (const auto& item : module.named_parameters(/*recurse=*/false))
    entries.insert(prefix + item.key(), item.value().detach());
  for (const auto& item : module.named_buffers(/*recurse=*/false))
    entries.insert(prefix + item.key(), item.value().detach());
  for (const auto& child : module.named_children())
    collect(*child.value(), prefix + child.key() + '.', entries);
}

}  // namespace

StateDict state_dict(const torch::nn::Module& module) {
  StateDict entries("Entry");
  collect(module, "", entries);
  return entries;
}

void load_into(torch::nn::Module& module, const StateDict& entries) {
  const auto own = state_dict(module);
  std::ostringstream problems;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (const auto& item : own) {
    const auto* found = entries.find(item.key());
    if (!found) {
      problems << "\n  missing: " << escaped(item.key());
      continue;
    }
    const auto& tensor = item.value();
    // As in Python, a number may have one dimension: before PyTorch 0.4 every scalar did.
    const auto entry =
        tensor.dim() == 0 && found->dim() == 1 && found->size(0) == 1 ? (*found)[0] : *found;
    if (entry.sizes() == tensor.sizes())
      copies.emplace_back(tensor, entry);
    else
      problems << "\n  " << escaped(item.key()) << " has shape " << entry.sizes()
               << ", the module's has " << tensor.sizes();
  }
  for (const auto& item : entries)
    if (!own.contains(item.key())) problems << "\n  unexpected: " << escaped(item.key());
  TORCH_CHECK(problems.str().empty(), "the entries don't fit ", module.name(), ":", problems.str());
  const torch::NoGradGuard no_grad;
  for (const auto& [to, from] : copies) to.copy_(from);
}

}  // namespace linreg::pytorch
