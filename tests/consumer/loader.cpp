// A shared library that holds code of linreg's.

#include <torch/utils.h>

#include <linreg/pytorch/data_loader.hpp>
#include <linreg/pytorch/format.hpp>
#include <string>

std::string first_minibatch() {
  using namespace linreg::pytorch;
  torch::manual_seed(0);
  const DataLoader loader(TensorDataset(torch::arange(10)), {.batch_size = 4, .shuffle = true});
  return fmt::format("{}", (*loader.begin())[0]);
}
