#include "linreg/report/best_fit.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <linreg/report/run.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linreg::report {
namespace {

/// The distance of x from the answer to two digits: "+0.0011".
std::string distance(double x, double answer) {
  const double difference = x - answer;
  return std::isnan(difference) ? "nan" : fmt::format("{:+.2g}", difference);
}

std::string row(std::string_view name, std::string_view answer, std::string_view scratch,
                std::string_view concise) {
  std::string line = fmt::format("  {:<20}{:>17}{:>17}{:>22}", name, answer, scratch, concise);
  return line.erase(line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

double BestFit::loss(Demo demo) const {
  return demo == Demo::scratch ? mean_squared_error / 2 : mean_squared_error;
}

std::string to_text(const BestFit& best_fit, const Run& scratch, const Run& concise) {
  std::string text = row("", "answer", "scratch is off", "concise is off");
  const auto add = [&](const std::string& name, double answer, double left, double right) {
    text +=
        row(name, fmt::format("{:.8g}", answer), distance(left, answer), distance(right, answer));
  };
  for (std::size_t i = 0; i < best_fit.w.size(); ++i) {
    add(fmt::format("w[{}]", i), best_fit.w[i], scratch.w.at(i), concise.w.at(i));
  }
  add("b", best_fit.b, scratch.b, concise.b);

  const auto reached = [&](const Run& run) {
    return run.epoch_loss.empty() ? "" : distance(run.epoch_loss.back(), best_fit.loss(run.demo));
  };
  const auto loss = [&](const Run& run) { return fmt::format("{:.8g}", best_fit.loss(run.demo)); };
  text += row("loss, from scratch", loss(scratch), reached(scratch), "");
  text += row("loss, concise", loss(concise), "", reached(concise));
  return text;
}

nlohmann::ordered_json to_json(const BestFit& best_fit) {
  return {{"w", best_fit.w},
          {"b", best_fit.b},
          {"rank", best_fit.rank},
          {"collinear", best_fit.collinear()},
          {"loss",
           {{"scratch", best_fit.loss(Demo::scratch)}, {"concise", best_fit.loss(Demo::concise)}}}};
}

}  // namespace linreg::report
