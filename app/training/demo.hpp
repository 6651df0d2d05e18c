#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <optional>
#include <string>

#include "cli/options.hpp"

namespace linreg::app {

/// A demo's results: its values, and the errors as the tensors that the article prints.
struct TrainedDemo {
  report::Run run;
  at::Tensor w_error;        ///< true_w - w, shape (d)
  at::Tensor b_error;        ///< true_b - b, shape (1)
  pytorch::StateDict state;  ///< the trained "0.weight", shape (1, d), and "0.bias", shape (1)
  data::Examples examples;   ///< that it trained on
};

/// Receives each epoch's line, "epoch 1, loss 0.039163", as soon as it is known, and before them
/// the minibatch that settings.look asks for.
using OnLine = std::function<void(const std::string& line)>;

/// Receives each minibatch's loss as the demo computes it. False ends the training.
using OnStep = std::function<bool(const at::Tensor& l)>;

/// The files of a training that can be stopped and gone on with.
struct CheckpointFiles {
  std::optional<std::string> write;   ///< after each epoch
  std::optional<std::string> resume;  ///< read in place of the first weights
};

/// Seeds the global generator and generates the data, as every program of the article does first.
data::Examples generate_examples(const report::Settings& settings);

/// 4.2: what `print(next(iter(data_iter)))` prints. Draws an order from the global generator.
std::string first_minibatch_concisely(const data::Examples& examples, std::int64_t batch_size);

/// Seeds the global generator, generates the data and trains: the article's section 3 or 4.
/// First throws a UsageError when settings.init or files.resume names an unusable file. With that
/// one, prints and trains the epochs that are left, and the run's epoch_loss has all of them.
TrainedDemo run_demo(Demo demo, const report::Settings& settings, const OnLine& on_line = {},
                     const OnStep& on_step = {}, Engine engine = Engine::autograd,
                     const CheckpointFiles& files = {});

/// The two lines that end the demo: with the book's labels (en) or the article's (zh), which has a
/// space before the tensor in its concise program only.
std::string error_lines(const TrainedDemo& trained, Language language = Language::en);

}  // namespace linreg::app
