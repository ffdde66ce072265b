// Shares that sum to one: the logistic-normal distribution (Aitchison and Shen 1980).
//
// N - 1 normal coordinates y with a last one fixed at 0, and shares softmax(y). The map is one to one, so
// that an action is stored as the shares the environment receives, and its coordinates y_i = log a_i - log
// a_N are recovered from them.
#pragma once

#include <polis/core/array.hpp>
#include <polis/distribution/gaussian.hpp>

namespace polis {

namespace internal {

template <int N>
struct LogRatios {
  static constexpr int coordinates = N - 1, words = N;
  static constexpr double smallest_share = 1e-30;

  template <class T>
  POLIS_HD static void to_action(const Array<T, N - 1>& y, Out<T> action) {
    T largest = math::constant<T>(0), sum = largest;
    for (int i = 0; i < coordinates; ++i) largest = math::max(largest, y[i]);
    Array<T, N> weight{};
    for (int i = 0; i < N; ++i) {
      weight[i] = math::exp((i < coordinates ? y[i < coordinates ? i : 0] : math::constant<T>(0)) - largest);
      sum = sum + weight[i];
    }
    for (int i = 0; i < N; ++i) action.set(i, math::max(math::constant<T>(smallest_share), weight[i] / sum));
  }

  template <class T>
  POLIS_HD static Array<T, N - 1> coordinates_of(In<T> action) {
    const T smallest = math::constant<T>(smallest_share);
    const T last = math::log(math::max(smallest, action[N - 1]));
    Array<T, N - 1> y{};
    for (int i = 0; i < coordinates; ++i) y[i] = math::log(math::max(smallest, action[i])) - last;
    return y;
  }
};

}  // namespace internal

/// Log-probability and entropy are those of the normal coordinates. For the log-probability this differs from
/// the shares' own by a term of the action alone, which ratios and gradients do not see; the entropy of the
/// coordinates stands for the shares', which has no closed form. Shares are at least 1e-30. The greedy action
/// is the shares of the coordinates' means.
template <int N>
struct SimplexGaussian : internal::MappedGaussian<internal::LogRatios<N>> {
  static_assert(N > 1);
};

}  // namespace polis
