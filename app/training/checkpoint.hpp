#pragma once

#include <ATen/core/Tensor.h>

#include <linreg/pytorch/checkpoint.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.hpp"

namespace linreg::app {

/// A training between two epochs: everything that the rest of it depends on.
struct Checkpoint {
  std::vector<float> epoch_loss;  ///< of the epochs so far
  pytorch::StateDict model;       ///< "0.weight", shape (1, d), and "0.bias", shape (1)
  pytorch::Value optimizer;       ///< SGD's state_dict; None from scratch
  at::Tensor torch_rng_state;     ///< torch.get_rng_state()
  /// Python's `random`; nothing concisely, which draws none of it.
  std::optional<pytorch::Random> random;
};

/// Writes the file that --checkpoint names, whole or not at all. Python's torch.load(path) opens
/// it, and our Python programs go on with it.
void write_checkpoint(const std::string& path, Demo demo, const report::Settings& settings,
                      const Checkpoint& checkpoint);

/// Reads the file that --resume names, of this program or of our Python programs. Throws a
/// UsageError for another file, for one of the other demo or of other settings, of which it names
/// the first, and for one that has more epochs than settings.epochs.
Checkpoint read_checkpoint(const std::string& path, Demo demo, const report::Settings& settings);

}  // namespace linreg::app
