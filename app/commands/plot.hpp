#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <linreg/data/synthetic_data.hpp>
#include <linreg/report/gnuplot.hpp>
#include <linreg/report/run.hpp>
#include <string>
#include <vector>

namespace linreg::app {

/// Has gnuplot draw the script, and writes the picture: whole or not at all, or to stdout for "-".
/// Where there is no gnuplot, one line on stderr says how to get it: a run succeeds without its
/// picture. Throws std::runtime_error where gnuplot fails or takes longer than
/// that.
void draw(const std::string& path, const std::string& script,
          std::chrono::seconds time_limit = std::chrono::seconds(60));

/// The first of the points that two float32 vectors hold, no more than are drawn.
std::vector<report::Point> to_points(const at::Tensor& x, const at::Tensor& y);

/// What the trained model predicts (y) for the examples' labels (x).
std::vector<report::Point> predictions(const data::Examples& examples, const report::Run& run);

}  // namespace linreg::app
