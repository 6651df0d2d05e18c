#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Finished values to text and JSON. Knows nothing of tensors: plain numbers in, text out.
namespace linreg::report {

/// A seed as torch.manual_seed takes it: an integer of -2^63 to 2^64 - 1.
struct Seed {
  std::uint64_t magnitude = 0;
  bool negative = false;

  /// What torch.manual_seed gives the generator: a negative seed in two's complement.
  std::uint64_t bits() const { return negative ? 0 - magnitude : magnitude; }
  bool operator==(const Seed&) const = default;
};

/// The options of a run. The defaults are the article's.
struct Settings {
  Seed seed{};
  std::int64_t examples = 1000;
  std::vector<double> true_w{2, -3.4};
  double true_b = 4.2;
  double noise = 0.01;  ///< standard deviation, in the labels' unit
  double lr = 0.03;
  std::int64_t epochs = 3;
  std::int64_t batch_size = 10;
  std::string init = "normal";  ///< the first weights: "normal", "zero" or a state_dict file's path
  bool look = false;  ///< a first minibatch is drawn before training, as in the article's 4.2

  /// The minibatches of an epoch, the last one being what is left.
  std::int64_t steps_per_epoch() const {
    return examples / batch_size + (examples % batch_size == 0 ? 0 : 1);
  }
  bool operator==(const Settings&) const = default;
};

/// The article's two programs: section 3, from scratch, and section 4, concise.
enum class Demo { scratch, concise };

/// "scratch" or "concise", the name in options and records.
std::string to_string(Demo demo);

/// The demo of that name; nothing for any other text.
std::optional<Demo> find_demo(std::string_view name);

/// What trained: the demo as the article writes it, or the same without autograd (linreg::fused).
enum class Engine { autograd, fused };

/// "autograd" or "fused", the name in options and records.
std::string to_string(Engine engine);

/// The engine of that name; nothing for any other text.
std::optional<Engine> find_engine(std::string_view name);

/// The result of one training run.
struct Run {
  Demo demo = Demo::scratch;  ///< "implementation" in JSON
  Engine engine = Engine::autograd;
  std::string framework;  ///< "libtorch" or "pytorch"
  std::string version;    ///< the framework's
  std::vector<float> epoch_loss;
  std::vector<float> w;
  float b = 0;
  std::vector<float> w_error;  ///< true_w - w
  float b_error = 0;           ///< true_b - b
  std::int64_t steps = 0;
  double train_seconds = 0;  ///< wall clock of the training loop, the epochs' losses included
};

/// JSON of every value, in the order of the structs; `look` only where it is set. Numbers read back
/// to the same bits; those that JSON has no number for are the strings "nan", "inf" and "-inf".
nlohmann::ordered_json to_json(const Settings& settings);
nlohmann::ordered_json to_json(const Run& run);

/// The run in `json`, as to_json or the PyTorch programs wrote it.
/// Throws std::invalid_argument that names the key when one is missing or of another type, and when
/// a run's steps or seconds can't be such, or a string of it is no short line of printable ASCII.
Run run_from_json(const nlohmann::json& json);
Settings settings_from_json(const nlohmann::json& json);

}  // namespace linreg::report
