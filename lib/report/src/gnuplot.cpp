#include "linreg/report/gnuplot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <linreg/report/best_fit.hpp>
#include <linreg/report/run.hpp>
#include <linreg/report/sweep.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linreg::report {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_marks = 25;  ///< on a line, to keep them apart

bool finite(const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

bool drawable(double loss) { return std::isfinite(loss) && loss > 0; }

/// The styles of pictures and of text, as gnuplot macros that the panels name. The colours are
/// Okabe and Ito's, which the colour-blind can tell apart; dashes and marks tell them apart in
/// grey.
constexpr std::string_view picture_styles = R"gnuplot(set border 3 lc rgb '#404040'
set tics nomirror out
set grid lt 1 lc rgb '#e4e4e4'
set key samplen 3
step_loss = "with lines lc rgb '#9fcbe6'"
epoch_loss = "with linespoints lc rgb '#0072B2' lw 2.5 pt 7 ps 0.5"
examples = "with points lc rgb '#0072B2' pt 7 ps 0.25"
line = "with lines lc rgb '#D55E00' lw 2 dt (9,6)"
scratch_libtorch = "with linespoints lc rgb '#0072B2' lw 2.5 pt 7 ps 0.4"
concise_libtorch = "with linespoints lc rgb '#D55E00' lw 2.5 dt (9,6) pt 7 ps 0.4"
scratch_exact = "with lines lc rgb '#0072B2' lw 1.5 dt (2,4)"
concise_exact = "with lines lc rgb '#D55E00' lw 1.5 dt (2,4)"
scratch_pytorch = "with points lc rgb '#000000' lw 1.5 pt 6 ps 1"
concise_pytorch = "with points lc rgb '#000000' lw 1.5 pt 4 ps 0.9"
)gnuplot";

constexpr std::string_view text_styles = R"gnuplot(set border 3
set tics nomirror out
step_loss = "with points pt '.'"
epoch_loss = "with points pt 'O'"
examples = "with points pt 'o'"
line = "with lines"
scratch_libtorch = "with lines lt 1"
concise_libtorch = "with lines lt 2"
scratch_exact = "with lines lt 3"
concise_exact = "with lines lt 4"
scratch_pytorch = "with points pt 'o'"
concise_pytorch = "with points pt '+'"
)gnuplot";

/// A string literal of gnuplot.
std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? "''" : c == '\n' ? "'.\"\\n\".'" : std::string(1, c);
  }
  return quoted + "'";
}

/// A picture's size as an SVG, in pixels, and its panels.
struct Layout {
  int width;
  int height;
  int rows;
  int columns;
};

/// The start of every script: the terminal, the styles and the title over all panels.
std::string head(const Canvas& canvas, const Layout& layout, const std::string& title) {
  const auto& [width, height, rows, columns] = layout;
  const bool text = canvas.kind == Canvas::Kind::text;
  std::string terminal;
  switch (canvas.kind) {
    case Canvas::Kind::svg:
      terminal = fmt::format("svg size {},{} font 'sans-serif,13'", width, height);
      break;
    case Canvas::Kind::png:
      terminal = fmt::format(
          "pngcairo size {},{} font 'sans,10' fontscale 1.5 linewidth 1.5 pointscale 1.7",
          width * 3 / 2, height * 3 / 2);
      break;
    case Canvas::Kind::pdf:
      terminal = fmt::format("pdfcairo size {}in,{}in font 'sans,11' linewidth 1.3 pointscale 0.8",
                             width / 100.0, height / 100.0);
      break;
    case Canvas::Kind::text:
      terminal = fmt::format("dumb size {},{}", canvas.columns, 24 * rows * columns);
      break;
  }
  return fmt::format("set terminal {} noenhanced{}\n{}set multiplot layout {},{} title {}\n",
                     terminal, text ? "" : " background rgb 'white'",
                     text ? text_styles : picture_styles, text ? rows * columns : rows,
                     text ? 1 : columns, quote(title));
}

/// The title, and the settings in lines that fit the canvas.
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

/// Leaves out the learning rate and the batch size of a sweep, whose runs differ in them.
std::vector<std::string> training_settings(const Settings& settings, bool swept = false) {
  std::vector<std::string> parts = data_settings(settings);
  parts.insert(parts.begin() + 2,
               fmt::format("{} epoch{}", settings.epochs, settings.epochs == 1 ? "" : "s"));
  if (!swept) {
    parts.insert(parts.begin() + 2, {fmt::format("lr {}", settings.lr),
                                     fmt::format("batch size {}", settings.batch_size)});
  }
  if (settings.init != "normal") {
    parts.emplace_back(settings.init == "zero" ? "init zero" : "init from a file");
  }
  return parts;
}

/// The loss after each epoch, over the epochs.
std::vector<Point> epoch_points(const Run& run) {
  ThinnedLosses losses;
  for (const float loss : run.epoch_loss) losses.add(loss);
  std::vector<Point> points = losses.points();
  for (Point& point : points) point.x += 1;
  return points;
}

/// Points that are drawn alike.
struct Curve {
  std::string name;
  std::vector<Point> points;
  std::string title;  ///< in the key; empty: not there
  std::string style;  ///< gnuplot's

  bool empty() const { return std::ranges::none_of(points, finite); }
};

/// The curves' data blocks and the command that draws them, the first one lowest. Leaves out a
/// curve without a drawable point: gnuplot refuses axes without a range, and its text terminal
/// fails on an empty curve. A panel without curves says `why`.
std::string panel(std::span<const Curve> curves, std::string_view why) {
  std::string text;
  std::string drawn;
  for (const Curve& curve : curves) {
    text += fmt::format("${} << EOD\n", curve.name);
    for (const auto& [x, y] : curve.points) {
      text += finite({x, y}) ? fmt::format("{:.9g} {:.9g}\n", x, y) : "NaN NaN\n";
    }
    text += "EOD\n";
    if (curve.empty()) continue;
    drawn += fmt::format("{}${} {} title {}", drawn.empty() ? "" : ", ", curve.name, curve.style,
                         quote(curve.title));
  }
  if (!drawn.empty()) return text + "unset label 1\nplot " + drawn + "\n";
  return text + fmt::format(
                    "set xrange [0:1]\nset yrange [0.1:1]\n"
                    "set label 1 {} at graph 0.5,0.5 center\nplot NaN notitle\n",
                    quote(why));
}

/// The distance between marked points, for at most `most_marks` of them.
std::size_t mark_distance(const std::vector<Point>& points) {
  return points.size() / most_marks + 1;
}

std::string marked(const std::vector<Point>& points) {
  return fmt::format(" pointinterval {}", mark_distance(points));
}

std::vector<Point> only_marked(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (std::size_t i = 0; i < points.size(); i += mark_distance(points)) kept.push_back(points[i]);
  return kept;
}

/// The axes' names. Text has no room beside the y axis: its name stands above.
std::string axis_names(const Canvas& canvas, std::string_view x, std::string_view y) {
  const bool text = canvas.kind == Canvas::Kind::text;
  return fmt::format("set xlabel {}\nset {} {}{}\n", quote(x), text ? "label 2" : "ylabel",
                     quote(y), text ? " at graph 0, graph 1 offset -4, 1" : "");
}

std::string loss_axes(const Canvas& canvas, std::string_view name, double last_epoch) {
  return fmt::format(
      "{}set logscale y\nunset mytics\nset format y '%g'\nset xrange [0:{}]\nset xtics {}\n",
      axis_names(canvas, "epoch", name), last_epoch, last_epoch <= 10 ? "1" : "autofreq");
}

/// A panel of losses over the epochs, up to the last drawable one.
std::string loss_panel(const Canvas& canvas, std::string_view name, std::span<const Curve> curves) {
  double last_epoch = 1;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      if (finite(point)) last_epoch = std::max(last_epoch, std::ceil(point.x));
    }
  }
  return loss_axes(canvas, name, last_epoch) + panel(curves, "no finite loss above 0");
}

/// The first examples, and the line y = slope x + intercept over their range.
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
           .title = all ? "examples" : fmt::format("the first {} examples", examples.size()),
           .style = "@examples"},
          {.name = "line",
           .points = {{least, slope * least + intercept}, {greatest, slope * greatest + intercept}},
           .title = line_title,
           .style = "@line"}};
}

/// The range of the loss axis that all panels of a sweep share: the decades of the runs that end no
/// higher than they began, and one more, in which runs that grow leave it.
std::pair<double, double> loss_range(std::span<const SweptRun> swept) {
  double least = std::numeric_limits<double>::infinity();
  double greatest = 0;
  for (const SweptRun& one : swept) {
    const std::vector<float>& losses = one.run.epoch_loss;
    if (losses.empty() || !(losses.back() <= losses.front())) continue;
    for (const double loss : losses) {
      if (!drawable(loss)) continue;
      least = std::min(least, loss);
      greatest = std::max(greatest, loss);
    }
  }
  if (greatest == 0) return {0.1, 1e3};
  const auto decade = [](double exponent) { return std::pow(10, exponent); };
  return {decade(std::floor(std::log10(least))), decade(std::floor(std::log10(greatest)) + 2)};
}

/// The style of the line, or of the mark of divergence, of a sweep's i-th learning rate.
std::string series_style(const Canvas& canvas, std::size_t i, bool mark) {
  if (canvas.kind == Canvas::Kind::text) {
    return mark ? "with points pt 'X'" : fmt::format("with lines lt {}", i + 1);
  }
  constexpr std::array<std::array<std::string_view, 3>, 7> styles{{{"#0072B2", "1", "7"},
                                                                   {"#D55E00", "(9,6)", "5"},
                                                                   {"#009E73", "(3,4)", "9"},
                                                                   {"#E69F00", "(15,4)", "13"},
                                                                   {"#CC79A7", "(9,4,2,4)", "11"},
                                                                   {"#56B4E9", "(5,3)", "6"},
                                                                   {"#000000", "(2,2)", "4"}}};
  const auto& [colour, dash, point] = styles[i % styles.size()];
  return mark ? fmt::format("with points lc rgb '{}' lw 2.5 pt 2 ps 1.1", colour)
              : fmt::format("with linespoints lc rgb '{}' lw 2 dt {} pt {} ps 0.5", colour, dash,
                            point);
}

/// The name of a demo's loss axis.
std::string_view loss_name(Demo demo) {
  return demo == Demo::scratch ? "loss: (prediction - label)^2 / 2, mean"
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

std::string training_script(const Canvas& canvas, const Settings& settings, const Run& run,
                            const ThinnedLosses& step_losses, std::span<const Point> predictions) {
  std::vector<Point> steps = step_losses.points();
  for (Point& point : steps) point.x /= static_cast<double>(settings.steps_per_epoch());
  const std::vector<Point> epochs = epoch_points(run);
  std::vector<Curve> examples =
      examples_and_line(settings, predictions, "prediction = label", 1, 0);
  if (canvas.kind == Canvas::Kind::text) std::ranges::reverse(examples);  // it would hide them
  std::vector<std::string> parts = training_settings(settings);
  if (diverged_at_epoch(run)) parts.emplace_back("diverged");

  return head(canvas, {880, 400, 1, 2}, title(canvas, "linreg " + to_string(run.demo), parts)) +
         loss_panel(canvas, loss_name(run.demo),
                    std::array{Curve{"step_loss", steps, "each minibatch", "@step_loss"},
                               Curve{"epoch_loss", epochs, "all examples, after each epoch",
                                     "@epoch_loss" + marked(epochs)}}) +
         "unset logscale\nset autoscale\nset format y '% h'\nset xtics autofreq\n"
         "set key top left\n" +
         axis_names(canvas, "label", "prediction") + panel(examples, "no finite prediction");
}

std::string comparison_script(const Canvas& canvas, const Settings& settings,
                              std::span<const Run> runs, const std::optional<BestFit>& best_fit) {
  std::vector<Curve> ours;
  std::vector<Curve> pytorchs;
  std::vector<Curve> exact;
  for (const Run& run : runs) {
    const std::string demo = to_string(run.demo);
    const std::string demo_title = run.demo == Demo::scratch ? "from scratch" : "concise";
    const std::string name = fmt::format("{}_{}", demo, run.framework);
    const char* outcome = diverged_at_epoch(run) ? ", diverged" : "";
    const std::vector<Point> points = epoch_points(run);
    if (run.framework != "libtorch") {
      pytorchs.push_back({name, only_marked(points),
                          fmt::format("{}, PyTorch{}", demo_title, outcome), "@" + name});
      continue;
    }
    ours.push_back({name, points, fmt::format("{}, C++{}", demo_title, outcome),
                    fmt::format("@{}{}", name, marked(points))});
    const double loss = best_fit ? best_fit->loss(run.demo) : missing;
    if (!drawable(loss)) continue;
    const double last = points.empty() ? 1 : points.back().x;
    exact.push_back({demo + "_exact",
                     {{0, loss}, {last, loss}},
                     demo_title + ", exact answer",
                     fmt::format("@{}_exact", demo)});
  }
  std::vector<Curve> curves;
  for (const auto* some : {&exact, &ours, &pytorchs}) {
    curves.insert(curves.end(), some->begin(), some->end());
  }
  return head(canvas, {640, 400, 1, 1},
              title(canvas, "linreg compare", training_settings(settings))) +
         loss_panel(canvas, "loss, mean over all examples", curves);
}

std::size_t drawn_feature(const Settings& settings) { return settings.true_w.size() > 1 ? 1 : 0; }

std::string data_script(const Canvas& canvas, const Settings& settings,
                        std::span<const Point> examples) {
  const std::size_t feature = drawn_feature(settings);
  const char* truth = settings.true_w.size() > 1 ? "truth, other features 0" : "truth";
  return head(canvas, {640, 400, 1, 1}, title(canvas, "linreg data", data_settings(settings))) +
         axis_names(canvas, fmt::format("features[:, {}]", feature), "label") +
         panel(examples_and_line(settings, examples, truth, settings.true_w[feature],
                                 settings.true_b),
               "no finite example");
}

std::string sweep_script(const Canvas& canvas, std::span<const SweptRun> swept) {
  std::vector<std::int64_t> batch_sizes;  // a panel for each
  double last_epoch = 1;
  for (const auto& [settings, run, stable_lr] : swept) {
    if (std::ranges::find(batch_sizes, settings.batch_size) == batch_sizes.end()) {
      batch_sizes.push_back(settings.batch_size);
    }
    last_epoch = std::max(last_epoch, static_cast<double>(run.epoch_loss.size()));
  }
  const int rows = static_cast<int>(batch_sizes.size() + 1) / 2;
  const Demo demo = swept.front().run.demo;
  const auto [bottom, top] = loss_range(swept);

  std::vector<std::string> parts = training_settings(swept.front().settings, /*swept=*/true);
  parts.emplace_back("X: diverged");
  std::string script =
      head(canvas,
           batch_sizes.size() == 1 ? Layout{640, 400, 1, 1} : Layout{960, 300 * rows + 40, rows, 2},
           title(canvas, "linreg sweep, " + to_string(demo), parts));
  script += "set key outside right top\nset lmargin 13\nset rmargin 15\n";
  for (const std::int64_t batch_size : batch_sizes) {
    std::vector<Curve> curves;
    std::string panel_title;
    for (const auto& [settings, run, stable_lr] : swept) {
      if (settings.batch_size != batch_size) continue;
      panel_title = fmt::format("batch size {}{}{}", batch_size,
                                batch_size == settings.examples ? " (all)" : "",
                                stable_lr ? ": stable to lr " + rounded_down(*stable_lr) : "");
      const std::size_t i = curves.size() / 2;
      const std::string name = fmt::format("loss_{}_{}", batch_size, i);
      const std::string lr = fmt::format("lr {}", settings.lr);
      const auto divergence = diverged_at_epoch(run);
      const std::vector<Point> points = epoch_points(run);
      curves.push_back(
          {name, points, divergence ? "" : lr, series_style(canvas, i, false) + marked(points)});
      curves.push_back({name + "_diverged", {}, lr, series_style(canvas, i, true)});
      if (divergence) curves.back().points = {{static_cast<double>(*divergence), top}};
    }
    const std::string_view loss = loss_name(demo);
    script += canvas.kind == Canvas::Kind::text
                  ? loss_axes(canvas, fmt::format("{}; {}", panel_title, loss), last_epoch)
                  : loss_axes(canvas, loss, last_epoch) + "set title " + quote(panel_title) + "\n";
    script += fmt::format("set yrange [{:g}:{:g}]\n", bottom, top) +
              panel(curves, "no finite loss above 0");
  }
  return script;
}

}  // namespace linreg::report
