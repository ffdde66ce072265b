// Shares that sum to one: the logistic-normal distribution (Aitchison and Shen 1980).
//
// N - 1 normal coordinates y with a last one fixed at 0, and shares softmax(y). The map is one to one, so
// that an action is stored as the shares the environment receives, and its coordinates y_i = log a_i - log
// a_N are recovered from them.
#pragma once

#include <polis/core/array.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/distribution.hpp>

namespace polis {

/// Log-probability and entropy are those of the normal coordinates. For the log-probability this differs from
/// the shares' own by a term of the action alone, which ratios and gradients do not see; the entropy of the
/// coordinates stands for the shares', which has no closed form. Shares are at least 1e-30.
template <int N>
struct SimplexGaussian {
  static_assert(N > 1);
  static constexpr int coordinates = N - 1;
  static constexpr int inputs = coordinates, weights = coordinates, words = N;
  static constexpr int noise = internal::normal_noise<coordinates>, mask_size = 0;
  using Config = GaussianConfig;

  static void initialize(const Config& config, float* log_stds) {
    DiagGaussian<coordinates>::initialize(config, log_stds);
  }

  template <class T>
  POLIS_HD static void sample(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> uniforms, Out<T> action) {
    set_shares(internal::draw_normal<coordinates, T>(means, log_stds, uniforms), action);
  }

  /// The shares of the coordinates' means.
  template <class T>
  POLIS_HD static void mode(In<T> means, In<T> /*weights*/, In<T> /*mask*/, Out<T> action) {
    Array<T, coordinates> y{};
    for (int i = 0; i < coordinates; ++i) y[i] = means[i];
    set_shares(y, action);
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action) {
    return internal::normal_log_prob<coordinates, T>(means, log_stds, coordinates_of(action));
  }

  template <class T>
  POLIS_HD static T entropy(In<T> /*inputs*/, In<T> log_stds, In<T> /*mask*/) {
    return internal::normal_entropy<coordinates, T>(log_stds);
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> means, In<T> log_stds, In<T> mask, In<T> action) {
    return {log_prob<T>(means, log_stds, mask, action), entropy<T>(means, log_stds, mask)};
  }

  template <class T>
  POLIS_HD static void backward(In<T> means, In<T> log_stds, In<T> /*mask*/, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_inputs, Out<T> d_weights) {
    internal::normal_backward<coordinates, T>(means, log_stds, coordinates_of(action), d_log_prob, d_entropy,
                                              d_inputs, d_weights);
  }

  POLIS_HD static bool valid(In<float> /*mask*/) { return true; }

 private:
  static constexpr double smallest_share = 1e-30;

  template <class T>
  POLIS_HD static void set_shares(const Array<T, coordinates>& y, Out<T> action) {
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
  POLIS_HD static Array<T, coordinates> coordinates_of(In<T> action) {
    const T smallest = math::constant<T>(smallest_share);
    const T last = math::log(math::max(smallest, action[N - 1]));
    Array<T, coordinates> y{};
    for (int i = 0; i < coordinates; ++i) y[i] = math::log(math::max(smallest, action[i])) - last;
    return y;
  }
};

}  // namespace polis
