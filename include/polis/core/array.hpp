// A fixed-size array that is an aggregate on the host and on the device (std::array's members are host-only
// under nvcc without a flag).
#pragma once

#include <cstddef>

#include <polis/core/platform.hpp>

namespace polis {

/// N values of T in a row: an aggregate, comparable, iterable, usable in CUDA kernels.
template <class T, int N>
struct Array {
  static_assert(N >= 0);
  T values[N > 0 ? N : 1];

  POLIS_HD constexpr T& operator[](std::ptrdiff_t i) { return values[i]; }
  POLIS_HD constexpr const T& operator[](std::ptrdiff_t i) const { return values[i]; }
  POLIS_HD static constexpr int size() { return N; }
  POLIS_HD constexpr T* data() { return values; }
  POLIS_HD constexpr const T* data() const { return values; }
  POLIS_HD constexpr T* begin() { return values; }
  POLIS_HD constexpr T* end() { return values + N; }
  POLIS_HD constexpr const T* begin() const { return values; }
  POLIS_HD constexpr const T* end() const { return values + N; }

  friend bool operator==(const Array&, const Array&) = default;
};

}  // namespace polis
