#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <linreg/report/plot.hpp>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace linreg::report {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using Rows = std::vector<std::pair<double, double>>;

/// The rows of the script's data block of that name; NaN as -1, which compares.
Rows rows(const std::string& script, const std::string& name) {
  Rows found;
  const std::size_t start = script.find("$" + name + " << EOD\n");
  if (start == std::string::npos) {
    ADD_FAILURE() << "no block " << name << " in\n" << script;
    return found;
  }
  std::istringstream lines(script.substr(start));
  std::string x;
  std::getline(lines, x);
  for (std::string y; lines >> x && x != "EOD" && lines >> y;) {
    found.emplace_back(x == "NaN" ? -1 : std::stod(x), y == "NaN" ? -1 : std::stod(y));
  }
  return found;
}

bool has(const std::string& script, const std::string& words) {
  return script.find(words) != std::string::npos;
}

Run run_of(std::vector<float> epoch_loss) {
  return {.implementation = "scratch",
          .framework = "libtorch",
          .version = "2.6.0",
          .epoch_loss = std::move(epoch_loss),
          .w = {2, -3},
          .w_error = {0, 0}};
}

ThinnedLosses losses_of(const std::vector<double>& losses) {
  ThinnedLosses thinned;
  for (const double loss : losses) thinned.add(loss);
  return thinned;
}

TEST(ThinnedLosses, AreAllKeptWhileTheyAreFew) {
  std::vector<double> losses;
  for (std::size_t i = 0; i < ThinnedLosses::most_stretches; ++i)
    losses.push_back(1.0 + 1.0 / (1.0 + static_cast<double>(i)));
  const std::vector<Point> points = losses_of(losses).points();
  ASSERT_EQ(points.size(), losses.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].x, static_cast<double>(i));
    EXPECT_EQ(points[i].y, losses[i]);
  }
}

TEST(ThinnedLosses, OfAMillionKeepTheLeastAndTheGreatestOfEachStretchInTheirOrder) {
  // Over the decline lie waves, and one spike and one dip between them.
  std::vector<double> losses;
  for (int i = 0; i < 1'000'000; ++i) losses.push_back(std::exp(-1e-5 * i) * (2 + std::sin(i)));
  losses[777'777] = 1e6;
  losses[333'333] = 1e-6;
  const std::vector<Point> points = losses_of(losses).points();
  EXPECT_LE(points.size(), 2 * ThinnedLosses::most_stretches);
  EXPECT_GE(points.size(), ThinnedLosses::most_stretches / 2);

  const std::size_t stretch = 2048;  // the least power of 2 that leaves at most 500 stretches
  std::size_t next = 0;
  for (std::size_t first = 0; first < losses.size(); first += stretch) {
    const auto end =
        losses.begin() + static_cast<std::ptrdiff_t>(std::min(first + stretch, losses.size()));
    auto [least, greatest] =
        std::minmax_element(losses.begin() + static_cast<std::ptrdiff_t>(first), end);
    if (greatest < least) std::swap(least, greatest);
    for (const auto& kept : {least, greatest}) {
      ASSERT_LT(next, points.size());
      EXPECT_EQ(points[next].x, static_cast<double>(kept - losses.begin()));
      EXPECT_EQ(points[next++].y, *kept);
    }
  }
  EXPECT_EQ(next, points.size());
}

TEST(ThinnedLosses, PassOverWhatALogarithmicAxisCantShow) {
  const std::vector<Point> points = losses_of({4, 0, -1, infinity, nan, 2}).points();
  ASSERT_EQ(points.size(), 6U);
  EXPECT_EQ(points[0].y, 4);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_TRUE(std::isnan(points[i].y)) << i;
  EXPECT_EQ(points[5].x, 5);
  EXPECT_EQ(points[5].y, 2);

  std::vector<double> rarely_finite(1'000'000, infinity);
  rarely_finite[4321] = 0.5;
  std::size_t finite = 0;
  for (const Point& point : losses_of(rarely_finite).points()) {
    if (!std::isnan(point.y)) ++finite;
  }
  EXPECT_EQ(finite, 1U) << "a stretch keeps the one loss that can be drawn";
}

TEST(PlotTraining, HoldsEveryLossOverTheEpochsAndEveryPrediction) {
  const Settings settings{.examples = 4, .epochs = 2, .batch_size = 3};
  const std::string script =
      plot_training({}, settings, run_of({0.25F, 0.0625F}), losses_of({8, 4, 2, 1}),
                    std::vector<Point>{{1, 1.5}, {-2, -2.5}, {7, 6}, {3, 3}});
  EXPECT_EQ(rows(script, "step_loss"), (Rows{{0, 8}, {0.5, 4}, {1, 2}, {1.5, 1}}))
      << "a minibatch's loss is that before its update";
  EXPECT_EQ(rows(script, "epoch_loss"), (Rows{{1, 0.25}, {2, 0.0625}}));
  EXPECT_EQ(rows(script, "examples"), (Rows{{1, 1.5}, {-2, -2.5}, {7, 6}, {3, 3}}));
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, -2}, {7, 7}}));
  EXPECT_TRUE(has(script, "set xrange [0:2]"));
  EXPECT_TRUE(has(script, "set logscale y"));
}

TEST(PlotTraining, NamesItsSettingsAndAxes) {
  Settings settings{.seed = {7, true}, .examples = 12, .lr = 0.5, .epochs = 1, .init = "zero"};
  const report::Run run = run_of({1});
  std::string script = plot_training({}, settings, run, {}, {});
  EXPECT_TRUE(
      has(script,
          "'linreg scratch: seed -7, 12 examples, lr 0.5, batch size 10, 1 epoch,'.\"\\n\".'"
          "true w 2, -3.4, true b 4.2, noise 0.01, init zero'"))
      << script;
  for (const char* axis :
       {"set xlabel 'epoch'", "set ylabel 'loss: (prediction - label)^2 / 2, mean'",
        "set xlabel 'label'", "set ylabel 'prediction'"}) {
    EXPECT_TRUE(has(script, axis)) << axis;
  }
  settings.init = "it's \"mine\"`id`.pt";
  settings.true_w = std::vector<double>(100, 0.5);
  script = plot_training({}, settings, run_of({nanf("")}), {}, {});
  EXPECT_TRUE(has(script, "100 features")) << script;
  EXPECT_TRUE(has(script, "init from a file, diverged")) << script;
  EXPECT_FALSE(has(script, "`")) << script;
}

TEST(PlotTraining, OfAsTextKeepsItsTitleToTheColumnsAndHasNoSidewaysLabel) {
  const std::string script =
      plot_training({Canvas::Kind::text, 50}, {}, run_of({1}), losses_of({1}), {});
  EXPECT_TRUE(has(script, "set terminal dumb size 50,")) << script;
  std::istringstream title(script.substr(script.find("title 'linreg scratch") + 7));
  std::string line;
  std::getline(title, line);
  EXPECT_TRUE(has(line, "lr 0.03,'.\"\\n\".'batch size 10, 3 epochs, true w")) << line;
  EXPECT_FALSE(has(script, "set ylabel"));
  EXPECT_TRUE(has(script, "set label 2 'prediction'"));
}

TEST(PlotTraining, OfADivergedRunShowsTheStepsThatHaveALoss) {
  const Settings settings{.examples = 2, .epochs = 40, .batch_size = 1};
  const std::string script = plot_training({}, settings, run_of({HUGE_VALF, std::nanf("")}),
                                           losses_of({1, 1e30, infinity, nan}),
                                           std::vector<Point>{{1, nan}, {2, infinity}});
  EXPECT_EQ(rows(script, "step_loss"), (Rows{{0, 1}, {0.5, 1e30}, {-1, -1}, {-1, -1}}));
  EXPECT_TRUE(has(script, "set xrange [0:1]\n")) << "not over all 40 epochs:\n" << script;
  EXPECT_TRUE(has(script, "plot $step_loss @step_loss  title 'each minibatch'\n"))
      << "without the epochs, none of which can be drawn:\n"
      << script;
  EXPECT_TRUE(has(script, "'no finite prediction'")) << script;
}

TEST(PlotTraining, OfNoStepSaysThatThereIsNoLoss) {
  const std::string script = plot_training({}, {.epochs = 0}, run_of({}), {}, {});
  EXPECT_TRUE(has(script, "'no finite loss above 0'")) << script;
}

TEST(PlotTraining, DrawsTheFirstThousandExamplesAndSaysSo) {
  const std::vector<Point> points(5000, {1, 2});
  const std::string script = plot_training({}, {.examples = 5000}, run_of({1}), {}, points);
  EXPECT_EQ(rows(script, "examples").size(), 1000U);
  EXPECT_TRUE(has(script, "title 'the first 1000 examples'")) << script;
}

TEST(PlotComparison, HoldsOurLossesAndPytorchsMarksOnThem) {
  std::vector<report::Run> runs;
  for (const char* framework : {"libtorch", "pytorch"}) {
    for (const char* implementation : {"scratch", "concise"}) {
      report::Run run = run_of({});
      run.implementation = implementation;
      run.framework = framework;
      for (int epoch = 1; epoch <= 100; ++epoch)
        run.epoch_loss.push_back(1.0F / static_cast<float>(epoch * (epoch + 1)));
      runs.push_back(run);
    }
  }
  const std::string script = plot_comparison({}, {.epochs = 100}, runs);
  const Rows ours = rows(script, "scratch_libtorch");
  ASSERT_EQ(ours.size(), 100U);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].first, static_cast<double>(i + 1));
    EXPECT_FLOAT_EQ(static_cast<float>(ours[i].second), runs[0].epoch_loss[i]);
  }
  EXPECT_EQ(rows(script, "concise_libtorch").size(), 100U);
  for (const char* name : {"scratch_pytorch", "concise_pytorch"}) {
    const Rows marks = rows(script, name);
    ASSERT_EQ(marks.size(), 20U) << "every fifth, so that each circle is seen";
    for (std::size_t i = 0; i < marks.size(); ++i) EXPECT_EQ(marks[i], ours[5 * i]);
  }
  for (const char* title :
       {"'from scratch, C++'", "'concise, C++'", "'from scratch, PyTorch'", "'concise, PyTorch'"}) {
    EXPECT_TRUE(has(script, title)) << title;
  }
}

TEST(PlotData, HoldsTheExamplesAndTheTruthThroughThem) {
  const std::vector<Point> examples{{1, 0.8}, {-2, 11}, {0.5, 2.5}};
  std::string script = plot_data({}, {.examples = 3}, examples);
  EXPECT_EQ(rows(script, "examples"), (Rows{{1, 0.8}, {-2, 11}, {0.5, 2.5}}));
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, 11}, {1, 0.8}}));
  EXPECT_TRUE(has(script, "set xlabel 'feature 1'")) << script;
  EXPECT_FALSE(has(script, "lr 0.03")) << "nothing is trained";

  script = plot_data({}, {.examples = 3, .true_w = {2}, .true_b = 1}, examples);
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, -3}, {1, 3}}));
  EXPECT_TRUE(has(script, "set xlabel 'feature 0'")) << script;
}

}  // namespace
}  // namespace linreg::report
