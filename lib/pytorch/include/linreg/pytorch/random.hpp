#pragma once

#include <ATen/core/MT19937RNGEngine.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace linreg::pytorch {

/// The random numbers of Python's `random` module: `Random random(42)` gives those that every
/// Python 3 gives after `random.seed(42)`. Usable without the rest of linreg.
///
///     std::vector<int> indices{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
///     linreg::pytorch::Random random(42);
///     random.shuffle(std::span(indices));  // 7 3 2 8 5 6 9 4 0 1, as in Python
class Random {
 public:
  explicit Random(std::integral auto seed) { this->seed(seed); }

  /// Python's `random.seed(seed)`, which takes the absolute value: -42 gives the numbers of 42.
  void seed(std::integral auto seed) {
    const auto bits = static_cast<std::uint64_t>(seed);
    seed_with_magnitude(seed < 0 ? 0 - bits : bits);
  }

  /// Python's `random.getrandbits(k)`: an integer of k random bits.
  /// Throws std::invalid_argument unless 1 <= k <= 64.
  std::uint64_t getrandbits(int k);

  /// Python's `random._randbelow(n)`: an integer i, 0 <= i < n. Draws bits until they are below n.
  /// Throws std::invalid_argument for n = 0.
  std::uint64_t randbelow(std::uint64_t n);

  /// Python's `random.shuffle(x)`: a Fisher-Yates shuffle from the end.
  template <typename T>
  void shuffle(std::span<T> x) {
    for (std::size_t i = x.size(); i > 1; --i) std::swap(x[i - 1], x[randbelow(i)]);
  }

 private:
  void seed_with_magnitude(std::uint64_t seed);

  at::mt19937 engine_;
};

}  // namespace linreg::pytorch
