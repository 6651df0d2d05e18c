#include "linreg/pytorch/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace linreg::pytorch {

void Random::seed_with_magnitude(std::uint64_t seed) {
  // As in CPython's random_seed, the key is the magnitude's 32-bit words, the lowest first; zero
  // has one word. The rest is init_by_array of Matsumoto and Nishimura's reference implementation.
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32)};
  const std::size_t key_length = key[1] == 0 ? 1 : 2;

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
  for (std::size_t k = 0; k < std::max(n, key_length); ++k) {
    const std::size_t j = k % key_length;
    state[i] = mixed(i, 1664525) + key[j] + static_cast<std::uint32_t>(j);
    advance();
  }
  for (std::size_t k = 1; k < n; ++k) {
    state[i] = mixed(i, 1566083941) - static_cast<std::uint32_t>(i);
    advance();
  }
  state[0] = 0x80000000;
  engine_.set_data(data);
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

void Random::draw_below(std::uint64_t n, std::span<std::uint64_t> numbers) {
  for (std::size_t i = 0; i < numbers.size();) {
    // What is not below n - i is drawn over, without a branch that can't be foretold.
    const std::uint64_t below = n - i;
    numbers[i] = getrandbits(64 - std::countl_zero(below));
    i += numbers[i] < below ? 1 : 0;
  }
}

}  // namespace linreg::pytorch
