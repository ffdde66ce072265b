// N independent normal numbers: means from the network, logarithms of the standard deviations free weights
// that do not depend on the observation (as in PPO and TRPO for continuous control).
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/random.hpp>
#include <polis/distribution/distribution.hpp>

namespace polis {

/// Settings of the distributions that are made of normal numbers.
struct GaussianConfig {
  float log_std = 0.f;  ///< first value of every log standard deviation
  static constexpr void fields(auto& self, auto&& visit) { visit("log_std", self.log_std); }
};

namespace internal {

// log(2 pi) / 2: the log density of a standard normal number at 0 is its negative.
inline constexpr double half_log_two_pi = .91893853320467274178;

/// Uniform numbers that N normal ones take: they are made in pairs.
template <int N>
inline constexpr int normal_noise = 2 * ((N + 1) / 2);

/// N numbers with the given means and log standard deviations.
template <int N, class T>
POLIS_HD Array<T, N> draw_normal(In<T> means, In<T> log_stds, In<T> uniforms) {
  Array<T, N> drawn{};
  for (int i = 0; i < N; i += 2) {
    const Array<T, 2> pair = Random::normal_pair<T>(uniforms[i], uniforms[i + 1]);
    for (int k = 0; k < 2 && i + k < N; ++k) {
      drawn[i + k] = math::fma(math::exp(log_stds[i + k]), pair[k], means[i + k]);
    }
  }
  return drawn;
}

/// Log density of `value`, N independent normal numbers.
template <int N, class T>
POLIS_HD T normal_log_prob(In<T> means, In<T> log_stds, const Array<T, N>& value) {
  T sum = math::constant<T>(-N * half_log_two_pi);
  for (int i = 0; i < N; ++i) {
    const T log_std = log_stds[i];
    const T standard = (value[i] - means[i]) * math::exp(-log_std);
    sum = math::fma(math::constant<T>(-.5) * standard, standard, sum - log_std);
  }
  return sum;
}

template <int N, class T>
POLIS_HD T normal_entropy(In<T> log_stds) {
  T sum = math::constant<T>(N * (.5 + half_log_two_pi));
  for (int i = 0; i < N; ++i) sum = sum + log_stds[i];
  return sum;
}

/// With z = (x - mean) / std: d log p / d mean = z / std, d log p / d log std = z^2 - 1, d H / d log std = 1.
template <int N, class T>
POLIS_HD void normal_backward(In<T> means, In<T> log_stds, const Array<T, N>& value, const T& d_log_prob,
                              const T& d_entropy, Out<T> d_means, Out<T> d_log_stds) {
  for (int i = 0; i < N; ++i) {
    const T inverse = math::exp(-log_stds[i]);
    const T standard = (value[i] - means[i]) * inverse;
    d_means.set(i, d_log_prob * standard * inverse);
    d_log_stds.add(i, math::fma(d_log_prob, math::fma(standard, standard, math::constant<T>(-1)), d_entropy));
  }
}

}  // namespace internal

/// Actions are unbounded; where the space has bounds, they are clipped on the way to the environment, and the
/// density remains that of the number before.
template <int N>
struct DiagGaussian {
  static_assert(N > 0);
  static constexpr int inputs = N, weights = N, words = N, noise = internal::normal_noise<N>, mask_size = 0;
  using Config = GaussianConfig;

  static void initialize(const Config& config, float* log_stds) {
    for (int i = 0; i < N; ++i) log_stds[i] = config.log_std;
  }

  template <class T>
  POLIS_HD static void sample(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> uniforms, Out<T> action) {
    const Array<T, N> drawn = internal::draw_normal<N, T>(means, log_stds, uniforms);
    for (int i = 0; i < N; ++i) action.set(i, drawn[i]);
  }

  /// The means.
  template <class T>
  POLIS_HD static void mode(In<T> means, In<T> /*weights*/, In<T> /*mask*/, Out<T> action) {
    for (int i = 0; i < N; ++i) action.set(i, means[i]);
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action) {
    return internal::normal_log_prob<N, T>(means, log_stds, values(action));
  }

  template <class T>
  POLIS_HD static T entropy(In<T> /*inputs*/, In<T> log_stds, In<T> /*mask*/) {
    return internal::normal_entropy<N, T>(log_stds);
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> means, In<T> log_stds, In<T> mask, In<T> action) {
    return {log_prob<T>(means, log_stds, mask, action), entropy<T>(means, log_stds, mask)};
  }

  template <class T>
  POLIS_HD static void backward(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_inputs, Out<T> d_weights) {
    internal::normal_backward<N, T>(means, log_stds, values(action), d_log_prob, d_entropy, d_inputs,
                                    d_weights);
  }

  POLIS_HD static bool valid(In<float> /*mask*/) { return true; }

 private:
  template <class T>
  POLIS_HD static Array<T, N> values(In<T> action) {
    Array<T, N> result{};
    for (int i = 0; i < N; ++i) result[i] = action[i];
    return result;
  }
};

}  // namespace polis
