#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <linreg/report/gnuplot.hpp>
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
  return {.demo = Demo::scratch,
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

TEST(ThinnedLosses, KeepAFewLossesAll) {
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

TEST(ThinnedLosses, KeepTheLeastAndTheGreatestOfEachStretchOfAMillion) {
  // A decline with waves, a spike and a dip.
  std::vector<double> losses;
  for (int i = 0; i < 1'000'000; ++i) losses.push_back(std::exp(-1e-5 * i) * (2 + std::sin(i)));
  losses[777'777] = 1e6;
  losses[333'333] = 1e-6;
  const std::vector<Point> points = losses_of(losses).points();
  EXPECT_LE(points.size(), 2 * ThinnedLosses::most_stretches);
  EXPECT_GE(points.size(), ThinnedLosses::most_stretches / 2);

  const std::size_t stretch = 2048;  // the least power of 2 that makes at most 500 stretches
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

TEST(ThinnedLosses, SkipWhatALogarithmicAxisCannotShow) {
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
  EXPECT_EQ(finite, 1U) << "a stretch keeps its only drawable loss";
}

TEST(TrainingScript, HoldsEveryLossOverTheEpochsAndEveryPrediction) {
  const Settings settings{.examples = 4, .epochs = 2, .batch_size = 3};
  const std::string script =
      training_script({}, settings, run_of({0.25F, 0.0625F}), losses_of({8, 4, 2, 1}),
                      std::vector<Point>{{1, 1.5}, {-2, -2.5}, {7, 6}, {3, 3}});
  EXPECT_EQ(rows(script, "step_loss"), (Rows{{0, 8}, {0.5, 4}, {1, 2}, {1.5, 1}}))
      << "a minibatch's loss comes before its update";
  EXPECT_EQ(rows(script, "epoch_loss"), (Rows{{1, 0.25}, {2, 0.0625}}));
  EXPECT_EQ(rows(script, "examples"), (Rows{{1, 1.5}, {-2, -2.5}, {7, 6}, {3, 3}}));
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, -2}, {7, 7}}));
  EXPECT_TRUE(has(script, "set xrange [0:2]"));
  EXPECT_TRUE(has(script, "set logscale y"));
}

TEST(TrainingScript, NamesItsSettingsAndAxes) {
  Settings settings{.seed = {7, true}, .examples = 12, .lr = 0.5, .epochs = 1, .init = "zero"};
  const report::Run run = run_of({1});
  std::string script = training_script({}, settings, run, {}, {});
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
  script = training_script({}, settings, run_of({nanf("")}), {}, {});
  EXPECT_TRUE(has(script, "100 features")) << script;
  EXPECT_TRUE(has(script, "init from a file, diverged")) << script;
  EXPECT_FALSE(has(script, "`")) << script;
}

TEST(TrainingScript, FitsItsTitleToTheColumnsOfTextAndPutsLabelsUpright) {
  const std::string script =
      training_script({Canvas::Kind::text, 50}, {}, run_of({1}), losses_of({1}), {});
  EXPECT_TRUE(has(script, "set terminal dumb size 50,")) << script;
  std::istringstream title(script.substr(script.find("title 'linreg scratch") + 7));
  std::string line;
  std::getline(title, line);
  EXPECT_TRUE(has(line, "lr 0.03,'.\"\\n\".'batch size 10, 3 epochs, true w")) << line;
  EXPECT_FALSE(has(script, "set ylabel"));
  EXPECT_TRUE(has(script, "set label 2 'prediction'"));
}

TEST(TrainingScript, ShowsADivergedRunAsLongAsItHasALoss) {
  const Settings settings{.examples = 2, .epochs = 40, .batch_size = 1};
  const std::string script = training_script({}, settings, run_of({HUGE_VALF, std::nanf("")}),
                                             losses_of({1, 1e30, infinity, nan}),
                                             std::vector<Point>{{1, nan}, {2, infinity}});
  EXPECT_EQ(rows(script, "step_loss"), (Rows{{0, 1}, {0.5, 1e30}, {-1, -1}, {-1, -1}}));
  EXPECT_TRUE(has(script, "set xrange [0:1]\n")) << "not over all 40 epochs:\n" << script;
  EXPECT_TRUE(has(script, "plot $step_loss @step_loss title 'each minibatch'\n"))
      << "without the epochs, none of which is drawable:\n"
      << script;
  EXPECT_TRUE(has(script, "'no finite prediction'")) << script;
}

TEST(TrainingScript, SaysThatARunWithoutStepsHasNoLoss) {
  const std::string script = training_script({}, {.epochs = 0}, run_of({}), {}, {});
  EXPECT_TRUE(has(script, "'no finite loss above 0'")) << script;
}

TEST(TrainingScript, DrawsTheFirstThousandExamplesAndSaysSo) {
  const std::vector<Point> points(5000, {1, 2});
  const std::string script = training_script({}, {.examples = 5000}, run_of({1}), {}, points);
  EXPECT_EQ(rows(script, "examples").size(), 1000U);
  EXPECT_TRUE(has(script, "title 'the first 1000 examples'")) << script;
}

TEST(ComparisonScript, HoldsOurLossesAndPytorchsMarksOnThem) {
  std::vector<report::Run> runs;
  for (const char* framework : {"libtorch", "pytorch"}) {
    for (const Demo demo : {Demo::scratch, Demo::concise}) {
      report::Run run = run_of({});
      run.demo = demo;
      run.framework = framework;
      for (int epoch = 1; epoch <= 100; ++epoch)
        run.epoch_loss.push_back(1.0F / static_cast<float>(epoch * (epoch + 1)));
      runs.push_back(run);
    }
  }
  const std::string script = comparison_script({}, {.epochs = 100}, runs, std::nullopt);
  EXPECT_FALSE(has(script, "_exact <<")) << "it is unknown";
  const Rows ours = rows(script, "scratch_libtorch");
  ASSERT_EQ(ours.size(), 100U);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].first, static_cast<double>(i + 1));
    EXPECT_FLOAT_EQ(static_cast<float>(ours[i].second), runs[0].epoch_loss[i]);
  }
  EXPECT_EQ(rows(script, "concise_libtorch").size(), 100U);
  for (const char* name : {"scratch_pytorch", "concise_pytorch"}) {
    const Rows marks = rows(script, name);
    ASSERT_EQ(marks.size(), 20U) << "every fifth, to keep the circles apart";
    for (std::size_t i = 0; i < marks.size(); ++i) EXPECT_EQ(marks[i], ours[5 * i]);
  }
  for (const char* title :
       {"'from scratch, C++'", "'concise, C++'", "'from scratch, PyTorch'", "'concise, PyTorch'"}) {
    EXPECT_TRUE(has(script, title)) << title;
  }
}

TEST(ComparisonScript, ShowsTheLossOfTheExactAnswerAsEachDemoComputesIt) {
  std::vector<report::Run> runs{run_of({1, 0.5F}), run_of({2, 1})};
  runs[1].demo = Demo::concise;
  const std::string script =
      comparison_script({}, {}, runs, BestFit{.w = {2, -3}, .mean_squared_error = 0.25});
  EXPECT_EQ(rows(script, "scratch_exact"), (Rows{{0, 0.125}, {2, 0.125}}));
  EXPECT_EQ(rows(script, "concise_exact"), (Rows{{0, 0.25}, {2, 0.25}}));
  EXPECT_FALSE(has(comparison_script({}, {}, runs, BestFit{.w = {2, -3}}), "_exact <<"))
      << "a logarithmic axis has no 0";
}

SweptRun swept_run(double lr, std::int64_t batch_size, std::vector<float> epoch_loss) {
  return {{.lr = lr, .epochs = std::ssize(epoch_loss), .batch_size = batch_size},
          run_of(std::move(epoch_loss)),
          0.5};
}

TEST(SweepScript, HoldsEachRunInThePanelOfItsBatchSize) {
  const std::vector<SweptRun> swept{swept_run(0.1, 10, {2, 1}), swept_run(0.2, 10, {4, 0.5F}),
                                    swept_run(0.1, 1000, {40, 0.25F}),
                                    swept_run(0.2, 1000, {30, 10})};
  const std::string script = sweep_script({}, swept);
  EXPECT_TRUE(has(script, "'linreg sweep, scratch: seed 0, 1000 examples, 2 epochs, true w"))
      << script;
  EXPECT_FALSE(has(script, "lr 0.03")) << "each run has its own";
  const std::size_t second = script.rfind("set xlabel 'epoch'");
  const std::string panels[] = {script.substr(0, second), script.substr(second)};
  EXPECT_TRUE(has(panels[0], "'batch size 10: stable to lr 0.5'")) << script;
  EXPECT_TRUE(has(panels[1], "'batch size 1000 (all): stable to lr 0.5'")) << script;
  EXPECT_EQ(rows(panels[0], "loss_10_0"), (Rows{{1, 2}, {2, 1}}));
  EXPECT_EQ(rows(panels[0], "loss_10_1"), (Rows{{1, 4}, {2, 0.5}}));
  EXPECT_EQ(rows(panels[1], "loss_1000_0"), (Rows{{1, 40}, {2, 0.25}}));
  EXPECT_EQ(rows(panels[1], "loss_1000_1"), (Rows{{1, 30}, {2, 10}}));
  for (const std::string& panel : panels) {
    EXPECT_TRUE(has(panel, "title 'lr 0.1'") && has(panel, "title 'lr 0.2'")) << panel;
    EXPECT_TRUE(has(panel, "set yrange [0.1:1000]")) << "the same for all:\n" << panel;
    EXPECT_TRUE(has(panel, "set xrange [0:2]")) << panel;
  }
}

TEST(SweepScript, MarksADivergenceAtTheTopAndScalesToTheOtherRuns) {
  const float nan32 = std::nanf("");
  const std::vector<SweptRun> swept{
      swept_run(0.1, 10, {2, 1, 0.5F}), swept_run(1, 10, {1e20F, HUGE_VALF, nan32}),
      swept_run(2, 10, {HUGE_VALF, nan32, nan32}), swept_run(3, 10, {3, 300, 30000})};
  const std::string script = sweep_script({}, swept);
  EXPECT_TRUE(has(script, "set yrange [0.1:100]")) << script;
  EXPECT_EQ(rows(script, "loss_10_1"), (Rows{{1, 1.00000002e20}, {-1, -1}, {-1, -1}}));
  EXPECT_EQ(rows(script, "loss_10_1_diverged"), (Rows{{2, 100}}));
  EXPECT_EQ(rows(script, "loss_10_2_diverged"), (Rows{{1, 100}}));
  EXPECT_EQ(rows(script, "loss_10_0_diverged"), Rows());
  EXPECT_EQ(rows(script, "loss_10_3_diverged"), Rows()) << "it grows, and is finite";
  EXPECT_TRUE(has(script, "X: diverged")) << script;
}

TEST(DataScript, HoldsTheExamplesAndTheTrueLine) {
  const std::vector<Point> examples{{1, 0.8}, {-2, 11}, {0.5, 2.5}};
  std::string script = data_script({}, {.examples = 3}, examples);
  EXPECT_EQ(rows(script, "examples"), (Rows{{1, 0.8}, {-2, 11}, {0.5, 2.5}}));
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, 11}, {1, 0.8}}));
  EXPECT_TRUE(has(script, "set xlabel 'features[:, 1]'")) << script;
  EXPECT_FALSE(has(script, "lr 0.03")) << "nothing is trained";

  script = data_script({}, {.examples = 3, .true_w = {2}, .true_b = 1}, examples);
  EXPECT_EQ(rows(script, "line"), (Rows{{-2, -3}, {1, 3}}));
  EXPECT_TRUE(has(script, "set xlabel 'features[:, 0]'")) << script;
}

}  // namespace
}  // namespace linreg::report
