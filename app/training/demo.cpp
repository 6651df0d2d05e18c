#include "training/demo.hpp"

#include <fmt/format.h>
#include <torch/version.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <linreg/concise/concise.hpp>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/fused/fused.hpp>
#include <linreg/pytorch/format.hpp>
#include <linreg/pytorch/random.hpp>
#include <linreg/report/run.hpp>
#include <linreg/scratch/scratch.hpp>
#include <linreg/training/training.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "training/initial_weights.hpp"
#include "training/progress.hpp"

namespace linreg::app {
namespace {

/// Python's f'{x:f}', which gives NaN no sign.
std::string fixed(float x) { return fmt::format("{:f}", std::isnan(x) ? std::abs(x) : x); }

/// Forwards to the caller's callbacks; shows progress on a terminal.
training::Observer observe(const OnLine& on_line, const OnStep& on_step, Progress& progress,
                           Engine engine) {
  training::Observer observer{.on_step = on_step};
  // The fused engine computes a step's loss only for those who ask, and is done sooner.
  if (progress.is_visible() && engine == Engine::autograd) {
    observer.on_step = [&](const torch::Tensor& l) {
      progress.step();
      return !on_step || on_step(l);
    };
  }
  if (on_line) {
    observer.on_epoch = [&, epoch = 0](float train_loss) mutable {
      progress.clear();
      on_line(fmt::format("epoch {}, loss {}\n", ++epoch, fixed(train_loss)));
    };
  }
  return observer;
}

training::Hyperparameters hyperparameters(const report::Settings& settings) {
  return {.lr = settings.lr, .num_epochs = settings.epochs, .batch_size = settings.batch_size};
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
TrainedDemo finish(Demo demo, Engine engine, const report::Settings& settings,
                   const data::Examples& examples, const auto& train, const torch::Tensor& w,
                   const torch::Tensor& b) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<float> epoch_loss = train();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  const torch::Tensor true_w = to_tensor(settings.true_w);
  TrainedDemo trained;
  trained.examples = examples;
  trained.w_error = true_w - w.reshape(true_w.sizes());
  trained.b_error = torch::rsub(b, settings.true_b);  // what Python's `true_b - b` calls
  trained.run = {.demo = demo,
                 .engine = engine,
                 .framework = "libtorch",
                 .version = TORCH_VERSION,
                 .epoch_loss = std::move(epoch_loss),
                 .w = to_vector(w),
                 .b = b.item<float>(),
                 .w_error = to_vector(trained.w_error),
                 .b_error = trained.b_error.item<float>(),
                 .steps = settings.epochs * settings.steps_per_epoch(),
                 .train_seconds = seconds.count()};
  return trained;
}

TrainedDemo run_scratch(const report::Settings& settings, const OnLine& on_line,
                        const OnStep& on_step, Engine engine) {
  const auto state = initial_state(settings);  // before any work, to refuse a wrong file
  const data::Examples examples = generate_examples(settings);
  pytorch::Random random(settings.seed.magnitude);

  const scratch::Parameters parameters = scratch::initialize_parameters(examples.features.size(1));
  const auto& [w, b] = parameters;
  if (state) {
    const torch::NoGradGuard no_grad;
    w.copy_((*state)["0.weight"].reshape(w.sizes()));
    b.copy_((*state)["0.bias"]);
  }
  Progress progress(Demo::scratch, settings);
  const auto train = [&] {
    const training::Observer observer = observe(on_line, on_step, progress, engine);
    return engine == Engine::fused
               ? fused::train(parameters, examples, hyperparameters(settings), random, observer)
               : scratch::train(parameters, examples, hyperparameters(settings), random, observer);
  };
  TrainedDemo trained = finish(Demo::scratch, engine, settings, examples, train, w, b);
  trained.state.insert("0.weight", w.detach().reshape({1, -1}));
  trained.state.insert("0.bias", b.detach());
  return trained;
}

TrainedDemo run_concise(const report::Settings& settings, const OnLine& on_line,
                        const OnStep& on_step, Engine engine) {
  const auto state = initial_state(settings);  // before any work, to refuse a wrong file
  const data::Examples examples = generate_examples(settings);
  if (settings.look) {
    const std::string text = first_minibatch_concisely(examples, settings.batch_size);
    if (on_line) on_line(text);
  }

  torch::nn::Sequential net = concise::linreg(examples.features.size(1));
  concise::initialize_parameters(net);
  if (state) pytorch::load_into(*net, *state);
  Progress progress(Demo::concise, settings);
  const auto train = [&] {
    const training::Observer observer = observe(on_line, on_step, progress, engine);
    return engine == Engine::fused
               ? fused::train(net, examples, hyperparameters(settings), observer)
               : concise::train(net, examples, hyperparameters(settings), observer);
  };
  const torch::nn::Linear layer = concise::layer(net);
  TrainedDemo trained = finish(Demo::concise, engine, settings, examples, train,
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
                     const OnStep& on_step, Engine engine) {
  return demo == Demo::scratch ? run_scratch(settings, on_line, on_step, engine)
                               : run_concise(settings, on_line, on_step, engine);
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
