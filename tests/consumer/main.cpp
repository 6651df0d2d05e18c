// A user of the installed libraries: one epoch of each demo, from the same seed.

#include <torch/types.h>

#include <cstdio>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/scratch/scratch.hpp>
#include <string>

std::string first_minibatch();

namespace {

linreg::data::Examples article_data() {
  torch::manual_seed(0);
  return linreg::data::synthetic_data(torch::tensor({2.0F, -3.4F}), 4.2, 1000);
}

}  // namespace

int main() {
  auto examples = article_data();
  linreg::pytorch::Random random(0);
  const auto parameters = linreg::scratch::initialize_parameters(2);
  const auto scratch_loss = linreg::scratch::train(parameters, examples, {.num_epochs = 1}, random);

  examples = article_data();
  auto net = linreg::concise::linreg(2);
  linreg::concise::initialize_parameters(net);
  const auto concise_loss = linreg::concise::train(net, examples, {.num_epochs = 1});

  std::printf("scratch %.4f, concise %.4f\n", static_cast<double>(scratch_loss.at(0)),
              static_cast<double>(concise_loss.at(0)));
  std::printf("%s\n", first_minibatch().c_str());
}
