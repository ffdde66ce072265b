// What tests of collectives have ranks add up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/core/random.hpp>

namespace test_collective {

using polis::Purpose, polis::Random;

/// What rank r has to add: numbers of very different sizes, of which another order has another sum.
template <class T>
std::vector<T> part(int rank, std::size_t count) {
  Random random(5, 0, static_cast<std::uint32_t>(rank), 0, Purpose::test);
  std::vector<T> values(count);
  for (T& value : values)
    value = static_cast<T>(random.normal()) * (random.uniform() < .5f ? T(1e-4) : T(1e4));
  return values;
}

}  // namespace test_collective
