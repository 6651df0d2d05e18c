#include <gtest/gtest.h>
#include <stdlib.h>  // setenv
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <linreg/report/sweep.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "commands/plot.hpp"
#include "python_scripts.hpp"
#include "training/analysis.hpp"
#include "training/demo.hpp"

/// Pictures drawn by a real gnuplot.
namespace linreg::app {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count(const std::string& text, const std::string& words) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) ++found;
  return found;
}

std::uint32_t big_endian(const std::string& bytes, std::size_t first) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = 256 * number + static_cast<unsigned char>(bytes.at(first + i));
  return number;
}

/// Sets an environment variable during its lifetime.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

const report::Settings settings{.examples = 200};

/// One picture of each kind, of real runs.
std::string training(const report::Canvas& canvas) {
  report::ThinnedLosses losses;
  const TrainedDemo trained = run_demo(Demo::scratch, settings, {}, [&](const at::Tensor& l) {
    losses.add(l.mean().item<double>());
    return true;
  });
  return training_script(canvas, settings, trained.run, losses,
                         predictions(trained.examples, trained.run));
}

std::string comparison(const report::Canvas& canvas) {
  const TrainedDemo concise = run_demo(Demo::concise, settings);
  std::vector<report::Run> runs{run_demo(Demo::scratch, settings).run, concise.run};
  for (std::size_t i = 0; i < 2; ++i) {
    runs.push_back(runs[i]);
    runs.back().framework = "pytorch";
  }
  return comparison_script(canvas, settings, runs, best_fit(concise.examples));
}

std::string data(const report::Canvas& canvas) {
  const auto [features, labels] = generate_examples(settings);
  return data_script(canvas, settings, to_points(features.select(1, 1), labels.squeeze(1)));
}

std::string sweep(const report::Canvas& canvas) {
  std::vector<report::SweptRun> swept;
  report::Settings each = settings;
  for (const std::int64_t batch_size : {1, 10, 200}) {
    for (const double lr : {0.01, 0.1, 3.0}) {
      each.lr = lr;
      each.batch_size = batch_size;
      swept.push_back({each, run_demo(Demo::scratch, each).run, std::nullopt});
    }
  }
  return sweep_script(canvas, swept);
}

struct Picture {
  std::string (&script)(const report::Canvas&);
  std::uint32_t width;  ///< of the PNG
  std::uint32_t height;
  std::size_t examples;  ///< drawn, each as a point
};

const std::vector<Picture> pictures{{training, 1320, 600, 200},
                                    {comparison, 960, 600, 0},
                                    {data, 960, 600, 200},
                                    {sweep, 1440, 960, 0}};

TEST(Draw, WritesTheFormatOfTheFilesEnding) {
  const test::TemporaryDirectory folder;
  const auto drawn = [&](const Picture& picture, const char* name) {
    const std::string path = folder.path() / name;
    draw(path, picture.script(plot_canvas(path)));
    return read(path);
  };
  for (const Picture& picture : pictures) {
    const std::string svg = drawn(picture, "picture.svg");
    EXPECT_EQ(count(svg, "<svg"), 1U);
    EXPECT_EQ(count(svg, "</svg>"), 1U);
    EXPECT_GE(count(svg, "seed 0, 200 examples"), 1U);
    EXPECT_GE(count(svg, "<use xlink:href="), picture.examples) << "every example is a point";
    EXPECT_GE(count(svg, "rgb(  0, 114, 178)"), 1U) << "blue";
    EXPECT_GE(count(svg, "rgb(213,  94,   0)"), 1U) << "vermilion";

    const std::string png = drawn(picture, "picture.png");
    EXPECT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
    EXPECT_EQ(png.substr(12, 4), "IHDR");
    EXPECT_EQ(big_endian(png, 16), picture.width);
    EXPECT_EQ(big_endian(png, 20), picture.height);
    EXPECT_GT(png.size(), 15'000U) << "an empty one of this size has 3000 bytes";
    EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");

    const std::string pdf = drawn(picture, "picture.pdf");
    EXPECT_TRUE(pdf.starts_with("%PDF-"));
    EXPECT_TRUE(pdf.ends_with("%%EOF\n"));
  }
}

TEST(Draw, DrawsTextAsWideAsTheTerminal) {
  for (const int columns : {80, 60}) {
    const Environment environment("COLUMNS", std::to_string(columns));
    for (const Picture& picture : pictures) {
      testing::internal::CaptureStdout();
      draw("-", picture.script(plot_canvas("-")));
      const std::string text = testing::internal::GetCapturedStdout();
      EXPECT_EQ(count(text, "\f"), 0U);
      EXPECT_TRUE(text.ends_with("\n") && !text.ends_with("\n\n")) << text;
      std::istringstream lines(text);
      std::size_t widest = 0;
      for (std::string line; std::getline(lines, line);) {
        widest = std::max(widest, line.size());
        EXPECT_FALSE(line.ends_with(' '));
      }
      EXPECT_LE(widest, static_cast<std::size_t>(columns));
      EXPECT_GT(widest, static_cast<std::size_t>(columns) - 8);
      EXPECT_GE(count(text, "seed 0, 200 examples"), 1U) << text;
    }
  }
}

TEST(Draw, DrawsRunsWithoutAnyValue) {
  const test::TemporaryDirectory folder;
  const report::Run empty{.demo = Demo::scratch,
                          .framework = "libtorch",
                          .version = "",
                          .epoch_loss = {},
                          .w = {},
                          .w_error = {}};
  for (const char* name : {"picture.svg", "picture.png", "picture.pdf", "-"}) {
    const std::string path = name == std::string("-") ? "-" : (folder.path() / name).string();
    const report::Canvas canvas = plot_canvas(path);
    for (const std::string& script :
         {report::training_script(canvas, settings, empty, {}, {}),
          report::comparison_script(canvas, settings, std::vector{empty}, std::nullopt),
          report::comparison_script(canvas, settings, {}, std::nullopt),
          report::sweep_script(canvas,
                               std::vector{report::SweptRun{settings, empty, std::nullopt}}),
          report::data_script(canvas, settings, {})}) {
      testing::internal::CaptureStdout();
      EXPECT_NO_THROW(draw(path, script)) << script;
      const std::string text = testing::internal::GetCapturedStdout();
      EXPECT_GE(count(path == "-" ? text : "no finite", "no finite"), 1U) << text;
    }
  }
}

/// A script that is run in place of gnuplot.
class Impostor {
 public:
  explicit Impostor(const std::string& script)
      : path_("PATH", folder_.path().string() + ":" + std::getenv("PATH")) {
    std::ofstream(folder_.path() / "gnuplot") << "#!/bin/sh\n" << script << '\n';
    std::filesystem::permissions(folder_.path() / "gnuplot", std::filesystem::perms::owner_all);
  }

 private:
  test::TemporaryDirectory folder_;
  Environment path_;
};

TEST(Draw, KeepsTheOldPictureAndSaysWhyGnuplotFailed) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() / "picture.svg";
  std::ofstream(path) << "the old one";
  const std::vector<std::pair<const char*, const char*>> failures{
      {"echo '<svg'; echo; echo '   line 3: no memory' >&2; echo >&2; exit 1",
       "no picture: gnuplot failed (exit status 1): line 3: no memory"},
      {"exit 0", "no picture: gnuplot failed (exit status 0): it drew nothing"},
      {"kill -SEGV $$", "no picture: gnuplot failed (killed by signal 11): it drew nothing"},
      {"exec sleep 100", "no picture: gnuplot was stopped after 5 s"},
      {"exec yes", "no picture: gnuplot was stopped, for its output was longer than any picture"},
      {"exec yes >&2",
       "no picture: gnuplot was stopped, for its output was longer than any picture"}};
  for (const auto& [script, expected] : failures) {
    const Impostor gnuplot(script);
    const int seconds = std::string_view(script) == "exec sleep 100" ? 5 : 60;  // it may be busy
    try {
      draw(path, "plot x", std::chrono::seconds(seconds));
      ADD_FAILURE() << script << " is taken for gnuplot";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), expected);
    }
  }
  EXPECT_THROW(draw(path, "plot no_such_variable"), std::runtime_error) << "gnuplot itself";
  EXPECT_EQ(read(path), "the old one");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Draw, IgnoresTheTerminalInTheEnvironment) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() / "picture.svg";
  const std::string script = data(plot_canvas(path));
  draw(path, script);
  const std::string picture = read(path);
  for (const char* terminal : {"x11", "nonsense"}) {
    const Environment environment("GNUTERM", terminal);
    EXPECT_NO_THROW(draw(path, script)) << terminal;
    EXPECT_EQ(read(path), picture) << terminal;
  }
}

TEST(Draw, NamesThePackageWhereGnuplotIsMissing) {
  const test::TemporaryDirectory folder;
  const Environment path("PATH", folder.path());
  testing::internal::CaptureStderr();
  EXPECT_NO_THROW(draw(folder.path() / "picture.svg", "plot x"));
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count(err, "\n"), 1U);
  EXPECT_GE(count(err, "apt install gnuplot-nox"), 1U) << err;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ToPoints, PairsTheFirstThousand) {
  const auto points = to_points(torch::arange(1500.0F), -torch::arange(1500.0F));
  ASSERT_EQ(points.size(), report::most_drawn_examples);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].x, static_cast<double>(i));
    EXPECT_EQ(points[i].y, -static_cast<double>(i));
  }
}

TEST(Predictions, AreTheModelsOnItsTrainingData) {
  // Trained to convergence on data without noise, the model predicts every label.
  const report::Settings exact{.examples = 2000, .noise = 0, .epochs = 4};
  const TrainedDemo trained = run_demo(Demo::scratch, exact);
  const std::vector<report::Point> points = predictions(trained.examples, trained.run);
  ASSERT_EQ(points.size(), report::most_drawn_examples);
  double widest = 0;
  for (const auto& [label, predicted] : points) {
    EXPECT_NEAR(predicted, label, 1e-4);  // of rounding, in labels of up to 20
    widest = std::max(widest, std::abs(label));
  }
  EXPECT_GT(widest, 5);

  report::Run zero = trained.run;
  zero.w = {0, 0};
  zero.b = 3;
  for (const auto& [label, predicted] : predictions(trained.examples, zero))
    EXPECT_EQ(predicted, 3);
}

}  // namespace
}  // namespace linreg::app
