#include "training/demo.hpp"

#include <fmt/format.h>
#include <torch/version.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/fused/fused.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/pytorch/optimizer.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/pytorch/random_state.hpp>
#include <linreg/pytorch/state_dict.hpp>
#include <linreg/report/run.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "training/checkpoint.hpp"
#include "training/initial_weights.hpp"
#include "training/progress.hpp"

namespace linreg::app {
namespace {

/// Python's f'{x:f}', which gives NaN no sign.
std::string fixed(float x) { return fmt::format("{:f}", std::isnan(x) ? std::abs(x) : x); }

/// A demo as the caller wants it run.
struct How {
  const report::Settings& settings;
  const OnLine& on_line;
  const OnStep& on_step;
  Engine engine;
  const CheckpointFiles& files;

  std::optional<Checkpoint> resumed(Demo demo) const {
    if (!files.resume) return std::nullopt;
    return read_checkpoint(*files.resume, demo, settings);
  }
};

/// Forwards to the caller's callbacks, and keeps each epoch's loss in `epoch_loss`; writes
/// checkpoints of what `state` returns; shows progress on a terminal.
training::Observer observe(const How& how, Demo demo, Progress& progress,
                           std::vector<float>& epoch_loss, std::function<Checkpoint()> state) {
  const auto& [settings, on_line, on_step, engine, files] = how;
  training::Observer observer{.on_step = on_step};
  // The fused engine computes a step's loss only for those who ask, and is done sooner.
  if (progress.is_visible() && engine == Engine::autograd) {
    observer.on_step = [&](const torch::Tensor& l) {
      progress.step();
      return !on_step || on_step(l);
    };
  }
  observer.on_epoch = [&, demo, state = std::move(state)](float train_loss) {
    epoch_loss.push_back(train_loss);
    if (files.write) write_checkpoint(*files.write, demo, settings, state());
    progress.clear();
    if (on_line) on_line(fmt::format("epoch {}, loss {}\n", epoch_loss.size(), fixed(train_loss)));
  };
  return observer;
}

/// Those of the epochs that are left.
training::Hyperparameters hyperparameters(const report::Settings& settings,
                                          const std::vector<float>& epoch_loss) {
  const auto done = static_cast<std::int64_t>(epoch_loss.size());
  return {
      .lr = settings.lr, .num_epochs = settings.epochs - done, .batch_size = settings.batch_size};
}

torch::Tensor to_tensor(const std::vector<double>& weights) {
  return torch::tensor(weights, torch::kFloat);
}

std::vector<float> to_vector(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.detach().contiguous();
  const float* first = values.data_ptr<float>();
  return {first, first + values.numel()};
}

/// Trains by `train`, timed, and collects the results.
TrainedDemo finish(const How& how, Demo demo, const data::Examples& examples, const auto& train,
                   std::vector<float>& epoch_loss, const torch::Tensor& w, const torch::Tensor& b) {
  const report::Settings& settings = how.settings;
  const training::Hyperparameters left = hyperparameters(settings, epoch_loss);
  const auto start = std::chrono::steady_clock::now();
  train(left);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  const torch::Tensor true_w = to_tensor(settings.true_w);
  TrainedDemo trained;
  trained.examples = examples;
  trained.w_error = true_w - w.reshape(true_w.sizes());
  trained.b_error = torch::rsub(b, settings.true_b);  // what Python's `true_b - b` calls
  trained.run = {.demo = demo,
                 .engine = how.engine,
                 .framework = "libtorch",
                 .version = TORCH_VERSION,
                 .epoch_loss = std::move(epoch_loss),
                 .w = to_vector(w),
                 .b = b.item<float>(),
                 .w_error = to_vector(trained.w_error),
                 .b_error = trained.b_error.item<float>(),
                 .steps = left.num_epochs * settings.steps_per_epoch(),
                 .train_seconds = seconds.count()};
  return trained;
}

/// Continues after the last step: its gradients were set to zero.
void go_on_after(const Checkpoint& checkpoint, const std::vector<torch::Tensor>& params) {
  pytorch::set_rng_state(checkpoint.torch_rng_state);
  for (const torch::Tensor& param : params) param.mutable_grad() = torch::zeros_like(param);
}

TrainedDemo run_scratch(const How& how) {
  // Before any work, to refuse a wrong file.
  const auto resumed = how.resumed(Demo::scratch);
  const auto state = resumed ? resumed->model : initial_state(how.settings);
  const data::Examples examples = generate_examples(how.settings);
  pytorch::Random random(how.settings.seed.magnitude);

  const scratch::Parameters parameters = scratch::initialize_parameters(examples.features.size(1));
  const auto& [w, b] = parameters;
  if (state) {
    const torch::NoGradGuard no_grad;
    w.copy_((*state)["0.weight"].reshape(w.sizes()));
    b.copy_((*state)["0.bias"]);
  }
  std::vector<float> epoch_loss;
  if (resumed) {
    epoch_loss = resumed->epoch_loss;
    go_on_after(*resumed, {w, b});
    random = *resumed->random;
  }
  const auto trained_state = [&] {
    pytorch::StateDict dict;
    dict.insert("0.weight", w.detach().reshape({1, -1}));
    dict.insert("0.bias", b.detach());
    return dict;
  };
  const auto checkpoint = [&]() -> Checkpoint {
    return {epoch_loss, trained_state(), {}, pytorch::get_rng_state(), random};
  };
  Progress progress(Demo::scratch, how.settings, epoch_loss.size());
  const auto train = [&](const training::Hyperparameters& left) {
    const auto observer = observe(how, Demo::scratch, progress, epoch_loss, checkpoint);
    how.engine == Engine::fused ? fused::train(parameters, examples, left, random, observer)
                                : scratch::train(parameters, examples, left, random, observer);
  };
  TrainedDemo trained = finish(how, Demo::scratch, examples, train, epoch_loss, w, b);
  trained.state = trained_state();
  return trained;
}

TrainedDemo run_concise(const How& how) {
  // Before any work, to refuse a wrong file.
  const auto resumed = how.resumed(Demo::concise);
  const auto state = resumed ? resumed->model : initial_state(how.settings);
  const data::Examples examples = generate_examples(how.settings);
  if (how.settings.look && !resumed) {
    const std::string text = first_minibatch_concisely(examples, how.settings.batch_size);
    if (how.on_line) how.on_line(text);
  }

  torch::nn::Sequential net = concise::linreg(examples.features.size(1));
  concise::initialize_parameters(net);
  if (state) pytorch::load_into(*net, *state);
  std::vector<float> epoch_loss;
  if (resumed) {
    epoch_loss = resumed->epoch_loss;
    go_on_after(*resumed, net->parameters());
  }
  const auto checkpoint = [&]() -> Checkpoint {
    const concise::SGD trainer(net->parameters(), how.settings.lr);
    return {epoch_loss,
            pytorch::state_dict(*net),
            pytorch::state_dict(trainer),
            pytorch::get_rng_state(),
            {}};
  };
  Progress progress(Demo::concise, how.settings, epoch_loss.size());
  const auto train = [&](const training::Hyperparameters& left) {
    const auto observer = observe(how, Demo::concise, progress, epoch_loss, checkpoint);
    how.engine == Engine::fused ? fused::train(net, examples, left, observer)
                                : concise::train(net, examples, left, observer);
  };
  const torch::nn::Linear layer = concise::layer(net);
  TrainedDemo trained = finish(how, Demo::concise, examples, train, epoch_loss,
                               layer->weight.data(), layer->bias.data());
  trained.state = pytorch::state_dict(*net);
  return trained;
}

}  // namespace

data::Examples generate_examples(const report::Settings& settings) {
  torch::manual_seed(settings.seed.bits());
  return data::synthetic_data(to_tensor(settings.true_w), settings.true_b, settings.examples,
                              settings.noise);
}

std::string first_minibatch_concisely(const data::Examples& examples, std::int64_t batch_size) {
  const auto data_iter = concise::load_array(examples, batch_size);
  const auto [X, y] = *data_iter.begin();
  return fmt::format("{}\n", std::vector<torch::Tensor>{X, y});
}

TrainedDemo run_demo(Demo demo, const report::Settings& settings, const OnLine& on_line,
                     const OnStep& on_step, Engine engine, const CheckpointFiles& files) {
  const How how{settings, on_line, on_step, engine, files};
  return demo == Demo::scratch ? run_scratch(how) : run_concise(how);
}

std::string error_lines(const TrainedDemo& trained, Language language) {
  if (language == Language::en) {
    return fmt::format("error in estimating w: {}\nerror in estimating b: {}\n", trained.w_error,
                       trained.b_error);
  }
  const char* space = trained.run.demo == Demo::scratch ? "" : " ";
  return fmt::format("w的估计误差:{0}{1}\nb的估计误差:{0}{2}\n", space, trained.w_error,
                     trained.b_error);
}

}  // namespace linreg::app
