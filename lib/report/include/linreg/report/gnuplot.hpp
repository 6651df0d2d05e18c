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

/// Pictures of finished values, each as the text of a gnuplot script that holds its data: `gnuplot
/// -d` draws it from stdin to stdout. Needs no gnuplot itself.
namespace linreg::report {

/// What a picture is drawn on.
struct Canvas {
  enum class Kind { svg, png, pdf, text };
  Kind kind = Kind::svg;
  int columns = 80;  ///< of text
};

/// A point of a picture. Left out of it where y is not finite or, on the logarithmic axis of a
/// loss, not above 0.
struct Point {
  double x = 0;
  double y = 0;
};

/// More examples than this would only hide each other: a picture shows the first of them.
inline constexpr std::size_t most_drawn_examples = 1000;

/// Losses as they come, thinned out so that any number of them is drawn from little memory: of each
/// stretch of them, the least and the greatest that can be drawn are kept. There are never more
/// than `most_stretches`; a stretch is one loss until then, and twice as many each time that there
/// would be more.
class ThinnedLosses {
 public:
  static constexpr std::size_t most_stretches = 500;

  void add(double loss);

  /// The kept losses over how many came before each, in their order. A stretch without a loss that
  /// can be drawn has one NaN, where a line breaks.
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
std::string plot_training(const Canvas& canvas, const Settings& settings, const Run& run,
                          const ThinnedLosses& step_losses, std::span<const Point> predictions);

/// `linreg compare`: each run's loss over the epochs, PyTorch's as open marks on the lines of ours,
/// and the loss of the exact answer, where it is known.
std::string plot_comparison(const Canvas& canvas, const Settings& settings,
                            std::span<const Run> runs, const std::optional<BestFit>& best_fit);

/// The feature that `linreg data` draws: the second as in the article, or the only one.
std::size_t drawn_feature(const Settings& settings);

/// `linreg data`: labels (y) over the drawn feature (x), and the truth where the others are 0.
std::string plot_data(const Canvas& canvas, const Settings& settings,
                      std::span<const Point> examples);

/// `linreg sweep`: a panel for each batch size, with a line for each learning rate, and a cross at
/// the epoch in which a run diverged. Needs one run at least.
std::string plot_sweep(const Canvas& canvas, std::span<const SweptRun> swept);

}  // namespace linreg::report
