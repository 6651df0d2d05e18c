#pragma once

#include <cstddef>
#include <cstdint>
#include <linreg/report/best_fit.hpp>
#include <linreg/report/run.hpp>
#include <linreg/report/sweep.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Writes gnuplot scripts that draw finished values. A script holds its data: `gnuplot -d` reads it
/// from stdin and writes the picture to stdout. This library needs no gnuplot.
namespace linreg::report {

/// What a script draws on.
struct Canvas {
  enum class Kind { svg, png, pdf, text };
  Kind kind = Kind::svg;
  int columns = 80;  ///< the width of text
};

/// A point of a picture; left out if y is not finite or, on the logarithmic axis of a loss, not
/// above 0.
struct Point {
  double x = 0;
  double y = 0;
};

/// A picture shows this many examples, the first ones; more would only hide each other.
inline constexpr std::size_t most_drawn_examples = 1000;

/// Collects any number of losses in little memory: keeps the least and the greatest drawable loss
/// of each stretch. A stretch is one loss at first; its length doubles whenever there would be more
/// than `most_stretches`.
class ThinnedLosses {
 public:
  static constexpr std::size_t most_stretches = 500;

  void add(double loss);

  /// Returns the kept losses in order, each over the number of losses before it. A stretch without
  /// a drawable loss gives one NaN, which breaks the line.
  std::vector<Point> points() const;

 private:
  struct Stretch {
    Point least;
    Point greatest;
    void widen(const Point& point);
  };

  std::vector<Stretch> stretches_;
  std::int64_t stretch_length_ = 1;
  std::int64_t count_ = 0;
};

/// `linreg scratch` and `linreg concise`: the loss of each minibatch and of each epoch, and the
/// trained model's predictions (y) over the labels (x).
std::string training_script(const Canvas& canvas, const Settings& settings, const Run& run,
                            const ThinnedLosses& step_losses, std::span<const Point> predictions);

/// `linreg compare`: each run's loss over the epochs, PyTorch's as open marks on our lines, and the
/// loss of the exact answer, if known.
std::string comparison_script(const Canvas& canvas, const Settings& settings,
                              std::span<const Run> runs, const std::optional<BestFit>& best_fit);

/// The feature that `linreg data` draws: the second, as in the article, or the only one.
std::size_t drawn_feature(const Settings& settings);

/// `linreg data`: the labels (y) over the drawn feature (x), and the true line where the other
/// features are 0.
std::string data_script(const Canvas& canvas, const Settings& settings,
                        std::span<const Point> examples);

/// `linreg sweep`: a panel for each batch size, with a line for each learning rate and a cross
/// where a run diverged. Needs at least one run.
std::string sweep_script(const Canvas& canvas, std::span<const SweptRun> swept);

}  // namespace linreg::report
