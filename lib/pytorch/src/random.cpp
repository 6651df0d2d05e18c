#include "linreg/pytorch/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sha512.hpp"

namespace linreg::pytorch {

namespace {

/// CPython's hash of a float: its value modulo 2^61 - 1, a prime.
std::int64_t python_hash(double number) {
  constexpr int bits = 61;
  constexpr std::uint64_t modulus = (std::uint64_t{1} << bits) - 1;
  if (std::isinf(number)) return number > 0 ? 314159 : -314159;
  int exponent = 0;
  const double fraction = std::abs(std::frexp(number, &exponent));
  constexpr int digits = std::numeric_limits<double>::digits;
  const auto whole = static_cast<std::uint64_t>(std::ldexp(fraction, digits));
  // Modulo 2^61 - 1, whole * 2^by is whole with its 61 bits rotated.
  const int by = ((exponent - digits) % bits + bits) % bits;
  const auto hash = static_cast<std::int64_t>((whole << by & modulus) | whole >> (bits - by));
  if (number >= 0) return hash;
  return hash == 1 ? -2 : -hash;  // -1 is CPython's sign of an error
}

}  // namespace

void Random::seed(double seed) {
  if (std::isnan(seed)) {
    throw std::invalid_argument(
        "linreg::pytorch::Random::seed: the seed is nan, which has no hash of its own");
  }
  seed_with_magnitude(static_cast<std::uint64_t>(python_hash(seed)));
}

void Random::seed(std::string_view seed) {
  // As in Python, the integer whose bytes are the text and its digest, the highest first.
  std::string bytes(seed);
  for (const std::uint8_t byte : detail::sha512(seed)) bytes += static_cast<char>(byte);
  std::vector<std::uint32_t> key((bytes.size() + 3) / 4);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - 1 - i]);
    key[i / 4] |= std::uint32_t{byte} << (8 * (i % 4));
  }
  while (key.size() > 1 && key.back() == 0) key.pop_back();
  seed_with_key(key);
}

void Random::seed_with_magnitude(std::uint64_t seed) {
  // As in CPython's random_seed, the key is the magnitude's 32-bit words, the lowest first; zero
  // has one word.
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32)};
  seed_with_key(std::span(key).first(key[1] == 0 ? 1 : 2));
}

void Random::seed_with_key(std::span<const std::uint32_t> key) {
  // init_by_array of Matsumoto and Nishimura's reference implementation.
  at::mt19937_data_pod data = at::mt19937(19650218).data();
  auto& state = data.state_;
  const std::size_t n = state.size();
  const auto mixed = [&](std::size_t i, std::uint32_t factor) {
    return state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * factor);
  };
  std::size_t i = 1;
  const auto advance = [&] {
    if (++i == n) {
      state[0] = state[n - 1];
      i = 1;
    }
  };
  for (std::size_t k = 0; k < std::max(n, key.size()); ++k) {
    const std::size_t j = k % key.size();
    state[i] = mixed(i, 1664525) + key[j] + static_cast<std::uint32_t>(j);
    advance();
  }
  for (std::size_t k = 1; k < n; ++k) {
    state[i] = mixed(i, 1566083941) - static_cast<std::uint32_t>(i);
    advance();
  }
  state[0] = 0x80000000;
  engine_.set_data(data);
  gauss_next_.reset();
}

Random::State Random::getstate() const {
  const at::mt19937_data_pod data = engine_.data();
  State state{{}, gauss_next_};
  std::ranges::copy(data.state_, state.numbers.begin());
  // ATen counts down to the making of new words.
  state.numbers.back() =
      static_cast<std::uint32_t>(data.state_.size() + 1) - static_cast<std::uint32_t>(data.left_);
  return state;
}

void Random::setstate(const State& state) {
  at::mt19937_data_pod data = engine_.data();
  const std::uint32_t position = state.numbers.back();
  if (!(position <= data.state_.size())) {
    throw std::invalid_argument("linreg::pytorch::Random::setstate: the position is " +
                                std::to_string(position) + ", but must be from 0 to 624");
  }
  std::copy_n(state.numbers.begin(), data.state_.size(), data.state_.begin());
  data.left_ = static_cast<int>(data.state_.size() + 1 - position);
  data.next_ = position;
  engine_.set_data(data);
  gauss_next_ = state.gauss_next;
}

std::uint64_t Random::getrandbits(int k) {
  if (!(k >= 1 && k <= 64)) {
    throw std::invalid_argument("linreg::pytorch::Random::getrandbits: k is " + std::to_string(k) +
                                ", but must be from 1 to 64");
  }
  if (k <= 32) return engine_() >> (32 - k);
  const std::uint64_t low = engine_();
  const std::uint64_t high = engine_() >> (64 - k);
  return high << 32 | low;
}

std::uint64_t Random::randbelow(std::uint64_t n) {
  if (n == 0) {
    throw std::invalid_argument("linreg::pytorch::Random::randbelow: n is 0, but must be positive");
  }
  const int k = 64 - std::countl_zero(n);
  std::uint64_t r = getrandbits(k);
  while (r >= n) r = getrandbits(k);
  return r;
}

double Random::random() {
  const std::uint64_t high = engine_() >> 5;
  const std::uint64_t low = engine_() >> 6;
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

double Random::uniform(double a, double b) { return a + (b - a) * random(); }

std::int64_t Random::randrange(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (!(step > 0 ? start < stop : step < 0 && start > stop)) {
    throw std::invalid_argument("linreg::pytorch::Random::randrange(" + std::to_string(start) +
                                ", " + std::to_string(stop) + ", " + std::to_string(step) + "): " +
                                (step == 0 ? "the step must not be 0" : "the range is empty"));
  }
  // Unsigned, since the width can be larger than any std::int64_t.
  const auto from = static_cast<std::uint64_t>(start);
  const auto to = static_cast<std::uint64_t>(stop);
  const auto by = static_cast<std::uint64_t>(step);
  const std::uint64_t n = step > 0 ? (to - from - 1) / by + 1 : (from - to - 1) / (0 - by) + 1;
  return static_cast<std::int64_t>(from + by * randbelow(n));
}

std::int64_t Random::randint(std::int64_t a, std::int64_t b) {
  const std::uint64_t n = static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a) + 1;
  if (!(a <= b && n != 0)) {
    throw std::invalid_argument("linreg::pytorch::Random::randint(" + std::to_string(a) + ", " +
                                std::to_string(b) +
                                "): there must be from 1 to 2^64 - 1 integers from a to b");
  }
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + randbelow(n));
}

std::size_t Random::choice_index(std::size_t n) {
  if (n == 0) {
    throw std::invalid_argument(
        "linreg::pytorch::Random::choice: there are 0 elements, but must be 1 or more");
  }
  return randbelow(n);
}

std::vector<std::size_t> Random::sample_indices(std::size_t n, std::size_t k) {
  if (k > n) {
    throw std::invalid_argument("linreg::pytorch::Random::sample: k is " + std::to_string(k) +
                                ", but must be at most " + std::to_string(n) +
                                ", the size of the population");
  }
  std::vector<std::size_t> result;
  // As Python, takes the elements out of a copy, or where that would be the larger, draws again
  // what was drawn before.
  double larger = 21;
  if (k > 5) larger += std::pow(4, std::ceil(std::log(static_cast<double>(k) * 3) / std::log(4)));
  if (static_cast<double>(n) <= larger) {
    std::vector<std::size_t> pool(n);
    std::iota(pool.begin(), pool.end(), std::size_t{0});
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t j = randbelow(n - i);
      result.push_back(pool[j]);
      pool[j] = pool[n - i - 1];
    }
    return result;
  }
  std::unordered_set<std::size_t> selected;
  while (result.size() < k) {
    const std::size_t j = randbelow(n);
    if (selected.insert(j).second) result.push_back(j);
  }
  return result;
}

double Random::gauss(double mu, double sigma) {
  double z = 0;
  if (gauss_next_) {
    z = *gauss_next_;
    gauss_next_.reset();
  } else {
    const double angle = random() * (2 * std::numbers::pi);
    const double radius = std::sqrt(-2 * std::log(1 - random()));
    z = std::cos(angle) * radius;
    gauss_next_ = std::sin(angle) * radius;
  }
  return mu + z * sigma;
}

double Random::normalvariate(double mu, double sigma) {
  const double factor = 4 * std::exp(-0.5) / std::sqrt(2.0);
  while (true) {
    const double u1 = random();
    const double u2 = 1 - random();
    const double z = factor * (u1 - 0.5) / u2;
    if (z * z / 4 <= -std::log(u2)) return mu + z * sigma;
  }
}

void Random::draw_below(std::uint64_t n, std::span<std::uint64_t> numbers) {
  for (std::size_t i = 0; i < numbers.size();) {
    // What is not below n - i is drawn over, without a branch that can't be foretold.
    const std::uint64_t below = n - i;
    numbers[i] = getrandbits(64 - std::countl_zero(below));
    i += numbers[i] < below ? 1 : 0;
  }
}

}  // namespace linreg::pytorch
