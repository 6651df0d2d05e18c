#pragma once

#include <cstdint>
#include <linreg/report/run.hpp>
#include <string>
#include <vector>

namespace linreg::report {

/// The exact answer, of the least squared error, which training approaches.
struct BestFit {
  std::vector<double> w;
  double b = 0;
  std::int64_t rank = 0;  ///< of (features, 1): w.size() + 1 unless collinear
  double mean_squared_error = 0;

  bool collinear() const { return rank <= static_cast<std::int64_t>(w.size()); }
  /// The least loss as the demo computes it: "scratch" halves it, "concise" does not.
  double loss(Demo demo) const;
};

/// Returns a table, at most 80 columns wide, of the answer and each demo's distance from it in w, b
/// and the loss, which each demo computes its way. A demo without an epoch has no loss there.
std::string to_text(const BestFit& best_fit, const Run& scratch, const Run& concise);

nlohmann::ordered_json to_json(const BestFit& best_fit);

}  // namespace linreg::report
