// Independent Beta variates on the bounds of a Box (Chou, Maturana and Scherer 2017): unlike a clipped
// Gaussian it puts no weight outside, so that gradients at the bounds have no bias.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/gamma.hpp>
#include <polis/distribution/interval.hpp>

namespace polis {

/// Inputs: N numbers for alpha, then N for beta, both 1 + softplus of them. Log-probability and entropy are
/// those of the actions, on their own scale. The greedy action is the mean: the peak of an almost flat
/// density would be an arbitrary one. Actions closer to a bound than 2^-24 of the Box's length count as that
/// close.
template <FiniteBox S>
struct BetaOn {
  static constexpr int words = S::words, inputs = 2 * words, weights = 0, mask_size = 0;
  static constexpr int noise = inputs * internal::gamma_noise;
  using Config = NoDistributionConfig;

  static void initialize(const Config& /*config*/, float* /*weights*/) {}

  /// g / (g + h) of two gamma variates.
  template <class T>
  POLIS_HD static void sample(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> uniforms, Out<T> action) {
    for (int i = 0; i < words; ++i) {
      const Array<T, 2> c = concentrations(in, i);
      const In<T> own = uniforms.from(2 * i * internal::gamma_noise);
      const T g = internal::gamma_variate<T>(c[0], own);
      const T h = internal::gamma_variate<T>(c[1], own.from(internal::gamma_noise));
      set(i, g / (g + h), action);
    }
  }

  /// The means.
  template <class T>
  POLIS_HD static void mode(In<T> in, In<T> /*weights*/, In<T> /*mask*/, Out<T> action) {
    for (int i = 0; i < words; ++i) set(i, density(in, i).mean(0), action);
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> action) {
    T sum = -internal::log_volume<S, T>();
    for (int i = 0; i < words; ++i) sum = sum + density(in, i).log_prob(shares(action, i));
    return sum;
  }

  template <class T>
  POLIS_HD static T entropy(In<T> in, In<T> /*weights*/, In<T> /*mask*/) {
    T sum = internal::log_volume<S, T>();
    for (int i = 0; i < words; ++i) sum = sum + density(in, i).entropy();
    return sum;
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> in, In<T> free, In<T> mask, In<T> action) {
    return {log_prob<T>(in, free, mask, action), entropy<T>(in, free, mask)};
  }

  template <class T>
  POLIS_HD static void backward(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_inputs,
                                Out<T> /*d_weights*/) {
    for (int i = 0; i < words; ++i) {
      const auto p = density(in, i);
      const Array<T, 2> share = shares(action, i);
      for (int k = 0; k < 2; ++k) {
        const T d_concentration = d_log_prob * p.d_log_prob(k, share[k]) + d_entropy * p.d_entropy(k);
        d_inputs.set(i + k * words, d_concentration * math::sigmoid(in[i + k * words]));
      }
    }
  }

  POLIS_HD static bool valid(In<float> /*mask*/) { return true; }

 private:
  template <class T>
  POLIS_HD static Array<T, 2> concentrations(In<T> in, int i) {
    return {{internal::concentration(in[i]), internal::concentration(in[i + words])}};
  }
  template <class T>
  POLIS_HD static internal::DirichletDensity<2, T> density(In<T> in, int i) {
    return internal::DirichletDensity<2, T>(concentrations(in, i));
  }
  /// How far an action lies from the lower bound and from the upper one, in parts of the Box's length.
  template <class T>
  POLIS_HD static Array<T, 2> shares(In<T> action, int i) {
    const internal::Interval<S, T> interval(i);
    const T smallest = math::constant<T>(0x1p-24), a = action[i];
    return {{math::max(smallest, (a - interval.low) / interval.length()),
             math::max(smallest, (interval.high - a) / interval.length())}};
  }
  template <class T>
  POLIS_HD static void set(int i, const T& share, Out<T> action) {
    const internal::Interval<S, T> interval(i);
    action.set(i,
               math::clamp(math::fma(share, interval.length(), interval.low), interval.low, interval.high));
  }
};

/// Chooses BetaOn for the bounded Boxes among an algorithm's actions: `PPO::With<Beta>`.
struct Beta {
  using word = word::Distribution;
  template <FiniteBox S>
  using distribution = BetaOn<S>;
};

}  // namespace polis
