#pragma once

#include <ATen/core/MT19937RNGEngine.h>

#include <algorithm>
#include <array>
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
    // Drawn some ahead, the elements to swap come from memory at the same time.
    std::array<std::uint64_t, 64> drawn;
    for (std::size_t i = x.size(); i > 1;) {
      const std::span js = std::span(drawn).first(std::min(drawn.size(), i - 1));
      draw_below(i, js);
      for (const std::uint64_t j : js) __builtin_prefetch(&x[j], /*rw=*/1);
      for (const std::uint64_t j : js) std::swap(x[--i], x[j]);
    }
  }

 private:
  void seed_with_magnitude(std::uint64_t seed);

  /// Sets numbers[i] to randbelow(n - i), for n of 2 or more and at most n - 1 numbers.
  void draw_below(std::uint64_t n, std::span<std::uint64_t> numbers);

  at::mt19937 engine_;
};

}  // namespace linreg::pytorch
