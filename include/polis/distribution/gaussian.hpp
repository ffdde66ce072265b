// What the distributions made of normal numbers have in common: independent normal coordinates, and a
// one-to-one map from coordinates to actions.
//
// Means come from the network; logarithms of the standard deviations are free weights that do not depend on
// the observation, as in PPO and TRPO for continuous control.
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

/// A distribution of normal coordinates mapped to actions. `Map` states how many `coordinates` make how many
/// `words` of an action; `to_action(coordinates, action)` maps, and `coordinates_of(action)` recovers what
/// was mapped from the words that buffers store. Log-probability and entropy are those of the coordinates: a
/// map that stretches them adds what its derivative changes.
template <class Map>
struct MappedGaussian {
  static constexpr int coordinates = Map::coordinates;
  static constexpr int inputs = coordinates, weights = coordinates, words = Map::words, mask_size = 0;
  static constexpr int noise = 2 * ((coordinates + 1) / 2);  // normal numbers are made in pairs
  using Config = GaussianConfig;
  template <class T>
  using Coordinates = Array<T, coordinates>;

  static void initialize(const Config& config, float* log_stds) {
    for (int i = 0; i < coordinates; ++i) log_stds[i] = config.log_std;
  }

  template <class T>
  POLIS_HD static void sample(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> uniforms, Out<T> action) {
    Coordinates<T> drawn{};
    for (int i = 0; i < coordinates; i += 2) {
      const Array<T, 2> pair = Random::normal_pair<T>(uniforms[i], uniforms[i + 1]);
      for (int k = 0; k < 2 && i + k < coordinates; ++k) {
        drawn[i + k] = math::fma(math::exp(log_stds[i + k]), pair[k], means[i + k]);
      }
    }
    Map::template to_action<T>(drawn, action);
  }

  /// The action of the means.
  template <class T>
  POLIS_HD static void mode(In<T> means, In<T> /*weights*/, In<T> /*mask*/, Out<T> action) {
    Coordinates<T> y{};
    for (int i = 0; i < coordinates; ++i) y[i] = means[i];
    Map::template to_action<T>(y, action);
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action) {
    return density<T>(means, log_stds, Map::template coordinates_of<T>(action));
  }

  template <class T>
  POLIS_HD static T entropy(In<T> /*means*/, In<T> log_stds, In<T> /*mask*/) {
    T sum = math::constant<T>(coordinates * (.5 + half_log_two_pi));
    for (int i = 0; i < coordinates; ++i) sum = sum + log_stds[i];
    return sum;
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> means, In<T> log_stds, In<T> mask, In<T> action) {
    return {log_prob<T>(means, log_stds, mask, action), entropy<T>(means, log_stds, mask)};
  }

  /// With z = (y - mean) / std: d log p / d mean = z / std, d log p / d log std = z^2 - 1, and
  /// d H / d log std = 1.
  template <class T>
  POLIS_HD static void backward(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_means, Out<T> d_log_stds) {
    const Coordinates<T> y = Map::template coordinates_of<T>(action);
    for (int i = 0; i < coordinates; ++i) {
      const T inverse = math::exp(-log_stds[i]);
      const T z = (y[i] - means[i]) * inverse;
      d_means.set(i, d_log_prob * z * inverse);
      d_log_stds.add(i, math::fma(d_log_prob, math::fma(z, z, math::constant<T>(-1)), d_entropy));
    }
  }

  /// That of the coordinates, which a one-to-one map leaves as it is: with standard deviations s and t of the
  /// other, sum of log(t / s) + (s^2 + (mean - other mean)^2) / (2 t^2) - 1/2.
  template <class T>
  POLIS_HD static T divergence(In<T> means, In<T> log_stds, In<T> other_means, In<T> other_log_stds,
                               In<T> /*mask*/) {
    const T half = math::constant<T>(.5);
    T sum = math::constant<T>(0);
    for (int i = 0; i < coordinates; ++i) {
      const T inverse = math::exp(-other_log_stds[i]);
      const T z = (means[i] - other_means[i]) * inverse, share = math::exp(log_stds[i]) * inverse;
      sum = sum + other_log_stds[i] - log_stds[i] + half * (share * share + z * z) - half;
    }
    return sum;
  }
  template <class T>
  POLIS_HD static void add_divergence_gradient(In<T> means, In<T> log_stds, In<T> other_means,
                                               In<T> other_log_stds, In<T> /*mask*/, const T& d_divergence,
                                               Out<T> d_means, Out<T> d_log_stds) {
    for (int i = 0; i < coordinates; ++i) {
      const T inverse = math::exp(-other_log_stds[i]), share = math::exp(log_stds[i]) * inverse;
      d_means.add(i, d_divergence * (means[i] - other_means[i]) * inverse * inverse);
      d_log_stds.add(i, d_divergence * (share * share - math::constant<T>(1)));
    }
  }

  POLIS_HD static bool valid(In<float> /*mask*/) { return true; }

 protected:
  /// Log density of the coordinates y.
  template <class T>
  POLIS_HD static T density(In<T> means, In<T> log_stds, const Coordinates<T>& y) {
    T sum = math::constant<T>(-coordinates * half_log_two_pi);
    for (int i = 0; i < coordinates; ++i) {
      const T log_std = log_stds[i];
      const T z = (y[i] - means[i]) * math::exp(-log_std);
      sum = math::fma(math::constant<T>(-.5) * z, z, sum - log_std);
    }
    return sum;
  }
};

}  // namespace internal
}  // namespace polis
