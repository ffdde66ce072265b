// The finite bounds of a Box, as distributions on an interval use them.
#pragma once

#include <limits>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

template <class S>
constexpr bool bounds_are_finite() {
  if constexpr (BoundedSpace<S> && S::kind == SpaceKind::box) {
    for (int i = 0; i < S::words; ++i) {
      const float low = bound_at(S::low, i), high = bound_at(S::high, i);
      if (!(std::numeric_limits<float>::lowest() <= low && low < high &&
            high <= std::numeric_limits<float>::max())) {
        return false;
      }
    }
    return true;
  } else {
    return false;
  }
}

}  // namespace internal

/// A Box of whose numbers each lies between two finite bounds. A density on an interval needs its length.
template <class S>
concept FiniteBox = Space<S> && internal::bounds_are_finite<S>();

/// Any Box, with bounds or without.
template <class S>
concept AnyBox = Space<S> && (S::kind == SpaceKind::box);

namespace internal {

/// The bounds of number i of S as values of T; those of (-1, 1) where S has none that are finite.
template <class S, class T>
struct Interval {
  T low, high;

  POLIS_HD explicit Interval(int i) : low(math::constant<T>(-1)), high(math::constant<T>(1)) {
    if constexpr (FiniteBox<S>) {
      constexpr auto lows = S::low;  // in device code a static member has a value but no address
      constexpr auto highs = S::high;
      low = math::constant<T>(static_cast<double>(bound_at(lows, i)));
      high = math::constant<T>(static_cast<double>(bound_at(highs, i)));
    }
  }
  POLIS_HD T length() const { return high - low; }
  POLIS_HD T middle() const { return math::constant<T>(.5) * (low + high); }
};

/// The sum of the logarithms of the intervals' lengths: what scaling to them takes from a log density.
template <class S, class T>
POLIS_HD T log_volume() {
  T sum = math::constant<T>(0);
  for (int i = 0; i < S::words; ++i) sum = sum + math::log(Interval<S, T>(i).length());
  return sum;
}

}  // namespace internal
}  // namespace polis
