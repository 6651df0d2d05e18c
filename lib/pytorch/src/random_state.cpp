#include "linreg/pytorch/random_state.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

namespace linreg::pytorch {
namespace {

constexpr std::int64_t kVersion = 3;  // of Python's Random

}  // namespace

Value getstate(const Random& random) {
  const Random::State state = random.getstate();
  Value::Tuple numbers;
  for (const std::uint32_t number : state.numbers) numbers.items.emplace_back(number);
  return Value::Tuple{{kVersion, numbers, state.gauss_next ? Value(*state.gauss_next) : Value()}};
}

void setstate(Random& random, const Value& state) {
  const auto& [parts] = state.as<Value::Tuple>();
  TORCH_CHECK(parts.size() == 3 && parts[0].as<std::int64_t>() == kVersion,
              "the state is not (3, numbers, gauss_next)");
  const auto& [numbers] = parts[1].as<Value::Tuple>();
  Random::State result{};
  auto& words = result.numbers;
  TORCH_CHECK(numbers.size() == words.size(), "the state has ", numbers.size(), " numbers, not ",
              words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto number = numbers[i].as<std::int64_t>();
    const std::int64_t most =
        i + 1 < words.size() ? std::numeric_limits<std::uint32_t>::max() : 624;
    TORCH_CHECK(0 <= number && number <= most, "the state's number ", i, " is ", number,
                ", but must be from 0 to ", most);
    words[i] = static_cast<std::uint32_t>(number);
  }
  if (!parts[2].is<Value::None>()) result.gauss_next = parts[2].as<double>();
  random.setstate(result);
}

at::Tensor get_rng_state() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_rng_state(const at::Tensor& state) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace linreg::pytorch
