#pragma once

#include <ATen/core/MT19937RNGEngine.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

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
  explicit Random(double seed) { this->seed(seed); }
  explicit Random(std::string_view seed) { this->seed(seed); }

  /// Python's `random.seed(seed)`, which takes the absolute value: -42 gives the numbers of 42.
  void seed(std::integral auto seed) {
    const auto bits = static_cast<std::uint64_t>(seed);
    seed_with_magnitude(seed < 0 ? 0 - bits : bits);
  }

  /// Python's `random.seed(seed)` for a float, of which it takes the hash.
  /// Throws std::invalid_argument for NaN, which Python hashes by its address.
  void seed(double seed);

  /// Python's `random.seed(seed)` for a str, in UTF-8, or bytes.
  void seed(std::string_view seed);

  /// What Python's `random.getstate()` returns, without the version.
  struct State {
    /// The twister's 624 words, and the position of the next, 624 before new ones are made.
    std::array<std::uint32_t, 625> numbers;
    std::optional<double> gauss_next;  ///< the number that gauss() returns next
  };
  State getstate() const;

  /// Python's `random.setstate(state)`: goes on with the numbers that follow that state.
  /// Throws std::invalid_argument unless the position is 624 or less.
  void setstate(const State& state);

  /// Python's `random.getrandbits(k)`: an integer of k random bits.
  /// Throws std::invalid_argument unless 1 <= k <= 64.
  std::uint64_t getrandbits(int k);

  /// Python's `random._randbelow(n)`: an integer i, 0 <= i < n. Draws bits until they are below n.
  /// Throws std::invalid_argument for n = 0.
  std::uint64_t randbelow(std::uint64_t n);

  /// Python's `random.random()`: 0 <= x < 1, in steps of 2^-53.
  double random();

  /// Python's `random.uniform(a, b)`: a + (b - a) * random().
  double uniform(double a, double b);

  /// Python's `random.randrange(start, stop, step)`, an integer of that range.
  /// Throws std::invalid_argument for an empty range and for step = 0.
  std::int64_t randrange(std::int64_t start, std::int64_t stop, std::int64_t step = 1);
  std::int64_t randrange(std::int64_t stop) { return randrange(0, stop); }

  /// Python's `random.randint(a, b)`: an integer i, a <= i <= b.
  /// Throws std::invalid_argument unless a <= b, and for all 2^64 integers.
  std::int64_t randint(std::int64_t a, std::int64_t b);

  /// Python's `random.choice(seq)`: one of the elements.
  /// Throws std::invalid_argument where there is none.
  template <typename T>
  T& choice(std::span<T> seq) {
    return seq[choice_index(seq.size())];
  }

  /// Python's `random.sample(population, k)`: k different elements, in the order drawn.
  /// Throws std::invalid_argument unless there are k.
  template <typename T>
  std::vector<std::remove_const_t<T>> sample(std::span<T> population, std::size_t k) {
    std::vector<std::remove_const_t<T>> result;
    for (const std::size_t i : sample_indices(population.size(), k)) {
      result.push_back(population[i]);
    }
    return result;
  }

  /// Python's `random.gauss(mu, sigma)`: a normal number. It draws two at a time and keeps one.
  double gauss(double mu = 0, double sigma = 1);

  /// Python's `random.normalvariate(mu, sigma)`: a normal number, drawn otherwise.
  double normalvariate(double mu = 0, double sigma = 1);

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
  void seed_with_key(std::span<const std::uint32_t> key);

  /// What random.choice(range(n)) returns.
  std::size_t choice_index(std::size_t n);

  /// What random.sample(range(n), k) returns.
  std::vector<std::size_t> sample_indices(std::size_t n, std::size_t k);

  /// Sets numbers[i] to randbelow(n - i), for n of 2 or more and at most n - 1 numbers.
  void draw_below(std::uint64_t n, std::span<std::uint64_t> numbers);

  at::mt19937 engine_;
  std::optional<double> gauss_next_;
};

}  // namespace linreg::pytorch
