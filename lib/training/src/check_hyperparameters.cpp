#include "linreg/training/detail/check_hyperparameters.hpp"

#include <linreg/training/training.hpp>

namespace linreg::training::detail {

void check_hyperparameters(const char* caller, const Hyperparameters& hyperparameters) {
  TORCH_CHECK(hyperparameters.lr > 0, caller, ": lr is ", hyperparameters.lr,
              ", but must be positive");
  TORCH_CHECK(hyperparameters.num_epochs >= 0, caller, ": num_epochs is ",
              hyperparameters.num_epochs, ", but must be 0 or more");
  TORCH_CHECK(hyperparameters.batch_size >= 1, caller, ": batch_size is ",
              hyperparameters.batch_size, ", but must be positive");
}

}  // namespace linreg::training::detail
