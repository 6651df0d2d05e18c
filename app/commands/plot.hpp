#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <string>
#include <vector>

namespace linreg::app {

/// Runs gnuplot on the script and writes the picture to `path`, or to stdout for "-". Without
/// gnuplot, warns how to install it: a run succeeds without its picture. Throws std::runtime_error
/// when gnuplot fails or takes longer than `time_limit`.
void draw(const std::string& path, const std::string& script,
          std::chrono::seconds time_limit = std::chrono::seconds(60));

/// The points (x[i], y[i]) of two float32 vectors: the first report::most_drawn_examples.
std::vector<report::Point> to_points(const at::Tensor& x, const at::Tensor& y);

/// What the trained model predicts (y) for the examples' labels (x).
std::vector<report::Point> predictions(const data::Examples& examples, const report::Run& run);

}  // namespace linreg::app
