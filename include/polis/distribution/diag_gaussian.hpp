// N independent normal numbers.
#pragma once

#include <polis/core/array.hpp>
#include <polis/distribution/gaussian.hpp>

namespace polis {

namespace internal {

template <int N>
struct Unchanged {
  static constexpr int coordinates = N, words = N;

  template <class T>
  POLIS_HD static void to_action(const Array<T, N>& y, Out<T> action) {
    for (int i = 0; i < N; ++i) action.set(i, y[i]);
  }
  template <class T>
  POLIS_HD static Array<T, N> coordinates_of(In<T> action) {
    Array<T, N> y{};
    for (int i = 0; i < N; ++i) y[i] = action[i];
    return y;
  }
};

}  // namespace internal

/// Actions are unbounded; where the space has bounds, they are clipped on the way to the environment, and the
/// density remains that of the number before.
template <int N>
struct DiagGaussian : internal::MappedGaussian<internal::Unchanged<N>> {
  static_assert(N > 0);
};

}  // namespace polis
