// Normal numbers squashed by tanh to the bounds of a Box (Haarnoja, Zhou, Abbeel and Levine 2018, appendix
// C).
//
// With coordinates y and actions a = middle + half-length tanh(y),
//
//     log p(a) = log N(y) - sum log half-length - sum log(1 - tanh(y)^2)
//     log(1 - tanh(y)^2) = 2 (log 2 - y - softplus(-2 y))
//
// where the second form loses no digits as tanh saturates. The entropy has no closed form: that of y plus the
// expectation of the logarithms of the slopes, which are smooth enough for Gauss-Hermite quadrature.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/gaussian.hpp>
#include <polis/distribution/interval.hpp>

namespace polis {

namespace internal {

template <class S>
struct Squash {
  static constexpr int coordinates = S::words, words = S::words;
  /// tanh(y) is held this far inside (-1, 1), where floats still tell actions apart: |y| is at most 7.97.
  static constexpr double limit = 1 - 0x1p-22;

  template <class T>
  POLIS_HD static void to_action(const Array<T, words>& y, Out<T> action) {
    for (int i = 0; i < words; ++i) {
      const Interval<S, T> interval(i);
      const T half = math::constant<T>(.5) * interval.length();
      action.set(i, math::fma(half, inside(math::tanh(y[i])), interval.middle()));
    }
  }
  template <class T>
  POLIS_HD static Array<T, words> coordinates_of(In<T> action) {
    Array<T, words> y{};
    for (int i = 0; i < words; ++i) {
      const Interval<S, T> interval(i);
      const T from_middle = action[i] - interval.middle();
      y[i] = math::atanh(inside((from_middle + from_middle) / interval.length()));
    }
    return y;
  }

 private:
  template <class T>
  POLIS_HD static T inside(const T& x) {
    return math::clamp(x, math::constant<T>(-limit), math::constant<T>(limit));
  }
};

/// Expectations over a standard normal number z of functions of which only the even or odd part is asked for:
/// `body(z, weight)` is called for the positive nodes of the Gauss-Hermite rule of 12 (Golub and Welsch
/// 1969).
template <class Body>
POLIS_HD void for_normal_nodes(const Body& body) {
  constexpr int count = 6;
  constexpr double nodes[count] = {.44440300194413895, 1.3403751971516167, 2.2594644510007991,
                                   3.2237098287700975, 4.2718258479322817, 5.5009017044677476};
  constexpr double weights[count] = {0.32166436151282999,   0.14696704804532999,   0.029116687912364151,
                                     0.0022033806875331989, 4.8371849225906278e-5, 1.4999271676371678e-7};
  for (int k = 0; k < count; ++k) body(nodes[k], weights[k]);
}

}  // namespace internal

/// Log-probability and entropy are those of the actions themselves, in (-1, 1) where the Box has no finite
/// bounds. The entropy is that of the quadrature, and the derivatives are exactly its own: within 1e-4 for
/// standard deviations (of y) up to 1, .01 up to 2, .05 up to 3. It has a maximum, near a deviation of .87 at
/// the middle, beyond which actions pile up at the bounds: an entropy bonus does not drive them there. The
/// greedy action is that of the means, the median.
template <AnyBox S>
struct SquashedGaussianOn : internal::MappedGaussian<internal::Squash<S>> {
  using Base = internal::MappedGaussian<internal::Squash<S>>;
  static constexpr int words = S::words;

  template <class T>
  POLIS_HD static T log_prob(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action) {
    const Array<T, words> y = internal::Squash<S>::template coordinates_of<T>(action);
    T sum = Base::template density<T>(means, log_stds, y) - log_half_volume<T>();
    for (int i = 0; i < words; ++i) sum = sum - log_slope(y[i]);
    return sum;
  }

  template <class T>
  POLIS_HD static T entropy(In<T> means, In<T> log_stds, In<T> mask) {
    T sum = Base::template entropy<T>(means, log_stds, mask) + log_half_volume<T>();
    for (int i = 0; i < words; ++i) {
      const T mean = means[i], std = math::exp(log_stds[i]);
      internal::for_normal_nodes([&](double node, double weight) {
        const T step = std * math::constant<T>(node);
        sum = math::fma(math::constant<T>(weight), log_slope(mean + step) + log_slope(mean - step), sum);
      });
    }
    return sum;
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> means, In<T> log_stds, In<T> mask, In<T> action) {
    return {log_prob<T>(means, log_stds, mask, action), entropy<T>(means, log_stds, mask)};
  }

  /// As of the coordinates; and with d log_slope(y) / dy = -2 tanh(y), the entropy's by mean and log std.
  template <class T>
  POLIS_HD static void backward(In<T> means, In<T> log_stds, In<T> mask, In<T> action, const T& d_log_prob,
                                const T& d_entropy, Out<T> d_means, Out<T> d_log_stds) {
    Base::template backward<T>(means, log_stds, mask, action, d_log_prob, d_entropy, d_means, d_log_stds);
    for (int i = 0; i < words; ++i) {
      const T mean = means[i], std = math::exp(log_stds[i]);
      T by_mean = math::constant<T>(0), by_log_std = by_mean;
      internal::for_normal_nodes([&](double node, double weight) {
        const T step = std * math::constant<T>(node), slope = math::constant<T>(-2 * weight);
        const T above = slope * math::tanh(mean + step), below = slope * math::tanh(mean - step);
        by_mean = by_mean + (above + below);
        by_log_std = math::fma(step, above - below, by_log_std);
      });
      d_means.add(i, d_entropy * by_mean);
      d_log_stds.add(i, d_entropy * by_log_std);
    }
  }

 private:
  /// log(1 - tanh(y)^2)
  template <class T>
  POLIS_HD static T log_slope(const T& y) {
    const T two = math::constant<T>(2);
    return two * (math::constant<T>(.69314718055994530942) - y - math::softplus(-two * y));
  }
  template <class T>
  POLIS_HD static T log_half_volume() {
    return internal::log_volume<S, T>() - math::constant<T>(words * .69314718055994530942);
  }
};

/// Chooses SquashedGaussianOn for the Boxes among an algorithm's actions: `PPO::With<SquashedGaussian>`.
struct SquashedGaussian {
  using word = word::Distribution;
  template <AnyBox S>
  using distribution = SquashedGaussianOn<S>;
};

}  // namespace polis
