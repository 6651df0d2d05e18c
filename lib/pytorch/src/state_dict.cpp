#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include <linreg/pytorch/state_dict.hpp>
#include <sstream>
#include <string>
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

/// What all names of entries begin with, if without it they are the module's own; else nothing.
std::string common_prefix(const StateDict& own, const StateDict& entries) {
  if (entries.size() != own.size() || own.is_empty()) return "";
  const std::string& name = entries.front().key();
  const std::string& own_name = own.front().key();
  if (name.size() <= own_name.size() || !name.ends_with(own_name)) return "";
  const std::string prefix = name.substr(0, name.size() - own_name.size());
  for (const auto& item : entries) {
    if (!item.key().starts_with(prefix) || !own.contains(item.key().substr(prefix.size())))
      return "";
  }
  return prefix;
}

}  // namespace

StateDict state_dict(const torch::nn::Module& module) {
  StateDict entries("Entry");
  collect(module, "", entries);
  return entries;
}

IncompatibleKeys load_into(torch::nn::Module& module, const StateDict& given,
                           const LoadOptions& options) {
  StateDict renamed("Entry");
  if (options.rename) {
    for (const auto& item : given) {
      const std::string name = options.rename(item.key());
      TORCH_CHECK(!renamed.contains(name), "two entries are renamed to ", escaped(name));
      renamed.insert(name, item.value());
    }
  }
  const StateDict& entries = options.rename ? renamed : given;
  const auto own = state_dict(module);
  IncompatibleKeys keys;
  std::ostringstream problems;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (const auto& item : own) {
    const auto* found = entries.find(item.key());
    if (!found) {
      keys.missing_keys.push_back(item.key());
      if (options.strict) problems << "\n  missing: " << escaped(item.key());
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
  for (const auto& item : entries) {
    if (own.contains(item.key())) continue;
    keys.unexpected_keys.push_back(item.key());
    if (options.strict) problems << "\n  unexpected: " << escaped(item.key());
  }
  const std::string prefix = options.strict ? common_prefix(own, entries) : "";
  TORCH_CHECK(prefix.empty(), "the entries' names all begin with ", escaped(prefix),
              ", as those of a module that another wraps (nn.DataParallel, torch.compile): rename "
              "them, or save the wrapped module's state_dict()");
  TORCH_CHECK(problems.str().empty(), "the entries don't fit ", module.name(), ":", problems.str());
  const torch::NoGradGuard no_grad;
  for (const auto& [to, from] : copies) to.copy_(from);
  return keys;
}

}  // namespace linreg::pytorch
