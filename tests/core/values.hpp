// Numbers for the tests of kernels, and where they lie.
#pragma once

#include <cstddef>

#include <polis/core/aligned.hpp>

namespace polis_test {

/// Pseudo-random values in [-1, 1], different for each seed.
inline polis::AlignedVector<float> values(int count, unsigned seed) {
  polis::AlignedVector<float> result(static_cast<std::size_t>(count));
  unsigned state = seed * 2654435761u + 1;
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return result;
}

/// Where an element of a row-major matrix lies.
inline std::size_t at(int row, int column, int stride) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(stride) + static_cast<std::size_t>(column);
}

}  // namespace polis_test
