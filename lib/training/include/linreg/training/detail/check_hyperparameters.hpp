#pragma once

#include <linreg/training/training.hpp>

namespace linreg::training::detail {

/// Throws c10::Error, naming `caller`, unless lr > 0, num_epochs >= 0 and batch_size >= 1.
void check_hyperparameters(const char* caller, const Hyperparameters& hyperparameters);

}  // namespace linreg::training::detail
