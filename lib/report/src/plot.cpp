#include "linreg/report/plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace linreg::report {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_marks = 25;  ///< on a line, so that each is seen

bool finite(const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

bool drawable(double loss) { return std::isfinite(loss) && loss > 0; }

/// How everything is drawn, for the pictures and for text: gnuplot's macros, by which the panels
/// name it. The colours are Okabe and Ito's, which the colour-blind tell apart; in grey, dashes and
/// marks do.
constexpr std::string_view picture_styles = R"gnuplot(set border 3 lc rgb '#404040'
set tics nomirror out
set grid lt 1 lc rgb '#e4e4e4'
set key samplen 3
step_loss = "with lines lc rgb '#9fcbe6'"
epoch_loss = "with linespoints lc rgb '#0072B2' lw 2.5 pt 7 ps 0.7"
examples = "with points lc rgb '#0072B2' pt 7 ps 0.3"
line = "with lines lc rgb '#D55E00' lw 2 dt (9,6)"
scratch_libtorch = "with linespoints lc rgb '#0072B2' lw 2.5 pt 7 ps 0.5"
concise_libtorch = "with linespoints lc rgb '#D55E00' lw 2.5 dt (9,6) pt 7 ps 0.5"
scratch_pytorch = "with points lc rgb '#000000' lw 1.5 pt 6 ps 1.7"
concise_pytorch = "with points lc rgb '#000000' lw 1.5 pt 4 ps 1.5"
)gnuplot";

constexpr std::string_view text_styles = R"gnuplot(set border 3
set tics nomirror out
step_loss = "with points pt '.'"
epoch_loss = "with points pt 'O'"
examples = "with points pt 'o'"
line = "with lines"
scratch_libtorch = "with lines lt 1"
concise_libtorch = "with lines lt 2"
scratch_pytorch = "with points pt 'o'"
concise_pytorch = "with points pt '+'"
)gnuplot";

/// A string as gnuplot reads it back.
std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? "''" : c == '\n' ? "'.\"\\n\".'" : std::string(1, c);
  return quoted + "'";
}

/// What every script starts with: the terminal, the styles, and the title over so many panels.
std::string head(const Canvas& canvas, int panels, const std::string& title) {
  const int pixels = panels == 1 ? 640 : 880;  // of an SVG's width; the others are as wide
  std::string terminal;
  switch (canvas.kind) {
    case Canvas::Kind::svg:
      terminal = fmt::format("svg size {},400 font 'sans-serif,13'", pixels);
      break;
    case Canvas::Kind::png:
      terminal = fmt::format("pngcairo size {},600 font 'sans,10' fontscale 1.5 linewidth 1.5",
                             pixels * 3 / 2);
      break;
    case Canvas::Kind::pdf:
      terminal = fmt::format("pdfcairo size {}in,4in font 'sans,10'", pixels / 100.0);
      break;
    case Canvas::Kind::text:
      return fmt::format(
          "set terminal dumb size {},{} noenhanced\n{}set multiplot layout {},1 title {}\n",
          canvas.columns, 24 * panels, text_styles, panels, quote(title));
  }
  return fmt::format(
      "set terminal {} noenhanced background rgb 'white'\n{}set multiplot layout 1,{} title {}\n",
      terminal, picture_styles, panels, quote(title));
}

/// The settings in lines that fit the canvas.
std::string title(const Canvas& canvas, std::string text, const std::vector<std::string>& parts) {
  const std::size_t width =
      canvas.kind == Canvas::Kind::text ? static_cast<std::size_t>(canvas.columns) - 4 : 76;
  std::size_t column = text.size();
  const char* separator = ": ";
  for (const std::string& part : parts) {
    text += separator;
    column += part.size() + 2;
    if (column > width) {
      text.back() = '\n';
      column = part.size();
    }
    text += part;
    separator = ", ";
  }
  return text;
}

std::vector<std::string> data_settings(const Settings& settings) {
  const auto features = settings.true_w.size();
  return {to_json(settings)["seed"].dump().insert(0, "seed "),
          fmt::format("{} examples", settings.examples),
          features > 4 ? fmt::format("{} features", features)
                       : fmt::format("true w {}", fmt::join(settings.true_w, ", ")),
          fmt::format("true b {}", settings.true_b), fmt::format("noise {}", settings.noise)};
}

std::vector<std::string> training_settings(const Settings& settings) {
  std::vector<std::string> parts = data_settings(settings);
  parts.insert(
      parts.begin() + 2,
      {fmt::format("lr {}", settings.lr), fmt::format("batch size {}", settings.batch_size),
       fmt::format("{} epoch{}", settings.epochs, settings.epochs == 1 ? "" : "s")});
  if (settings.init != "normal") {
    parts.push_back(settings.init == "zero" ? "init zero" : "init from a file");
  }
  return parts;
}

/// The losses after each epoch, over the epochs.
std::vector<Point> epoch_points(const Run& run) {
  ThinnedLosses losses;
  for (const float loss : run.epoch_loss) losses.add(loss);
  std::vector<Point> points = losses.points();
  for (Point& point : points) point.x += 1;
  return points;
}

bool diverged(const Run& run) {
  return !std::ranges::all_of(run.epoch_loss, [](float loss) { return std::isfinite(loss); });
}

/// Points of one kind, drawn in the style of the same name.
struct Curve {
  std::string name;
  std::vector<Point> points;
  std::string title;
  std::string options{};  ///< more of the style, in gnuplot's words

  bool empty() const { return std::ranges::none_of(points, finite); }
};

/// The curves' data blocks, and the command that draws them, the first one lowest. A curve without
/// a point that can be drawn is left out: gnuplot refuses axes that no point gives a range, and of
/// text falls over an empty curve. Where all are left out the panel says `why`.
std::string plot(std::span<const Curve> curves, std::string_view why) {
  std::string text;
  std::string drawn;
  for (const Curve& curve : curves) {
    text += fmt::format("${} << EOD\n", curve.name);
    for (const auto& [x, y] : curve.points) {
      text += finite({x, y}) ? fmt::format("{:.9g} {:.9g}\n", x, y) : "NaN NaN\n";
    }
    text += "EOD\n";
    if (curve.empty()) continue;
    drawn += fmt::format("{}${} @{} {} title {}", drawn.empty() ? "" : ", ", curve.name, curve.name,
                         curve.options, quote(curve.title));
  }
  if (!drawn.empty()) return text + "unset label 1\nplot " + drawn + "\n";
  return text + fmt::format(
                    "set xrange [0:1]\nset yrange [0.1:1]\n"
                    "set label 1 {} at graph 0.5,0.5 center\nplot NaN notitle\n",
                    quote(why));
}

/// Of so many points, one is marked: at most `most_marks`.
std::size_t mark_distance(const std::vector<Point>& points) {
  return points.size() / most_marks + 1;
}

std::string marked(const std::vector<Point>& points) {
  return fmt::format("pointinterval {}", mark_distance(points));
}

std::vector<Point> only_marked(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < points.size(); i += mark_distance(points)) kept.push_back(points[i]);
  return kept;
}

/// The axes' names. On text there is no room beside an axis: y's name stands above it.
std::string names(const Canvas& canvas, std::string_view x, std::string_view y) {
  const bool text = canvas.kind == Canvas::Kind::text;
  return fmt::format("set xlabel {}\nset {} {}{}\n", quote(x), text ? "label 2" : "ylabel",
                     quote(y), text ? " at graph 0, graph 1 offset -4, 1" : "");
}

/// Losses over epochs, as far as there is one to draw.
std::string plot_losses(const Canvas& canvas, std::string_view name,
                        std::span<const Curve> curves) {
  double last_epoch = 1;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      if (finite(point)) last_epoch = std::max(last_epoch, std::ceil(point.x));
    }
  }
  return fmt::format("{}set logscale y\nset format y '%g'\nset xrange [0:{:g}]\nset xtics {}\n",
                     names(canvas, "epoch", name), last_epoch,
                     last_epoch <= 10 ? "1" : "autofreq") +
         plot(curves, "no finite loss above 0");
}

/// The first of the examples, and the line y = slope x + intercept as far as they go.
std::vector<Curve> examples_and_line(const Settings& settings, std::span<const Point> examples,
                                     const std::string& line_title, double slope,
                                     double intercept) {
  examples = examples.first(std::min(examples.size(), most_drawn_examples));
  const bool all = std::cmp_equal(examples.size(), settings.examples);
  double least = missing;
  double greatest = missing;
  for (const Point& point : examples) {
    if (!finite(point)) continue;
    least = std::fmin(least, point.x);
    greatest = std::fmax(greatest, point.x);
  }
  return {{.name = "examples",
           .points = {examples.begin(), examples.end()},
           .title = all ? "examples" : fmt::format("the first {} examples", examples.size())},
          {.name = "line",
           .points = {{least, slope * least + intercept}, {greatest, slope * greatest + intercept}},
           .title = line_title}};
}

/// What the loss of a demo is, for its axis.
std::string_view loss_name(const std::string& implementation) {
  return implementation == "scratch" ? "loss: (prediction - label)^2 / 2, mean"
                                     : "loss: (prediction - label)^2, mean";
}

}  // namespace

void ThinnedLosses::Stretch::widen(const Point& point) {
  if (!drawable(point.y)) return;
  if (!(least.y <= point.y)) least = point;
  if (!(greatest.y >= point.y)) greatest = point;
}

void ThinnedLosses::add(double loss) {
  const Point point{static_cast<double>(count_), loss};
  if (count_ % stretch_length_ == 0) {
    if (stretches_.size() == most_stretches) {
      for (std::size_t i = 0; i < most_stretches / 2; ++i) {
        stretches_[i] = stretches_[2 * i];
        stretches_[i].widen(stretches_[2 * i + 1].least);
        stretches_[i].widen(stretches_[2 * i + 1].greatest);
      }
      stretches_.resize(most_stretches / 2);
      stretch_length_ *= 2;
    }
    stretches_.push_back({{point.x, missing}, {point.x, missing}});
  }
  stretches_.back().widen(point);
  ++count_;
}

std::vector<Point> ThinnedLosses::points() const {
  std::vector<Point> points;
  for (const auto& [least, greatest] : stretches_) {
    const auto& [first, second] = std::minmax(
        least, greatest, [](const Point& left, const Point& right) { return left.x < right.x; });
    points.push_back(first);
    if (second.x != first.x) points.push_back(second);
  }
  return points;
}

std::string plot_training(const Canvas& canvas, const Settings& settings, const Run& run,
                          const ThinnedLosses& step_losses, std::span<const Point> predictions) {
  std::vector<Point> steps = step_losses.points();
  for (Point& point : steps) point.x /= static_cast<double>(settings.steps_per_epoch());
  const std::vector<Point> epochs = epoch_points(run);
  std::vector<Curve> examples =
      examples_and_line(settings, predictions, "prediction = label", 1, 0);
  if (canvas.kind == Canvas::Kind::text) std::ranges::reverse(examples);  // it would hide them
  std::vector<std::string> parts = training_settings(settings);
  if (diverged(run)) parts.push_back("diverged");

  return head(canvas, 2, title(canvas, "linreg " + run.implementation, parts)) +
         plot_losses(canvas, loss_name(run.implementation),
                     std::array{Curve{"step_loss", steps, "each minibatch"},
                                Curve{"epoch_loss", epochs, "all examples, after each epoch",
                                      marked(epochs)}}) +
         "unset logscale\nset autoscale\nset format y '% h'\nset xtics autofreq\n"
         "set key top left\n" +
         names(canvas, "label", "prediction") + plot(examples, "no finite prediction");
}

std::string plot_comparison(const Canvas& canvas, const Settings& settings,
                            std::span<const Run> runs) {
  std::vector<Curve> curves;
  for (const Run& run : runs) {
    const bool ours = run.framework == "libtorch";
    const std::vector<Point> points = epoch_points(run);
    curves.push_back({.name = fmt::format("{}_{}", run.implementation, run.framework),
                      .points = ours ? points : only_marked(points),
                      .title = fmt::format(
                          "{}, {}{}", run.implementation == "scratch" ? "from scratch" : "concise",
                          ours ? "C++" : "PyTorch", diverged(run) ? ", diverged" : ""),
                      .options = ours ? marked(points) : ""});
  }
  return head(canvas, 1, title(canvas, "linreg compare", training_settings(settings))) +
         plot_losses(canvas, "loss, mean over all examples", curves);
}

std::size_t drawn_feature(const Settings& settings) { return settings.true_w.size() > 1 ? 1 : 0; }

std::string plot_data(const Canvas& canvas, const Settings& settings,
                      std::span<const Point> examples) {
  const std::size_t feature = drawn_feature(settings);
  const char* truth = settings.true_w.size() > 1 ? "truth, other features 0" : "truth";
  return head(canvas, 1, title(canvas, "linreg data", data_settings(settings))) +
         names(canvas, fmt::format("feature {}", feature), "label") +
         plot(examples_and_line(settings, examples, truth, settings.true_w[feature],
                                settings.true_b),
              "no finite example");
}

}  // namespace linreg::report
