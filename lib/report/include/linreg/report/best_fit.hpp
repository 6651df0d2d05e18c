#pragma once

#include <cstdint>
#include <linreg/report/run.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace linreg::report {

/// The exact answer that training heads for: the least squared error.
struct BestFit {
  std::vector<double> w;
  double b = 0;
  std::int64_t rank = 0;  ///< of the features and a column of ones: w.size() + 1, unless collinear
  double mean_squared_error = 0;

  bool collinear() const { return rank <= static_cast<std::int64_t>(w.size()); }
  /// The least loss as the demo "scratch", which halves it, or "concise" computes it.
  double loss(std::string_view implementation) const;
};

/// A table, at most 80 columns wide, of the answer and how far from it both demos have ended: w, b
/// and the loss, in each demo's own convention. Where the demos made no epoch, their losses are
/// left out.
std::string to_text(const BestFit& best_fit, const Run& scratch, const Run& concise);

nlohmann::ordered_json to_json(const BestFit& best_fit);

}  // namespace linreg::report
