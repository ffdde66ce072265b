// The Dirichlet distribution of shares that sum to one: portfolio weights, shares of a resource.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/gamma.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// Concentrations are 1 + softplus(inputs), the Beta's of Chou et al. (2017) for more than two shares. The
/// density is by all shares but one. The greedy action is the mean: the peak of an almost flat density would
/// be an arbitrary corner. Shares are at least 1e-30.
template <int N>
struct DirichletOn {
  static_assert(N > 1);
  static constexpr int inputs = N, weights = 0, words = N, mask_size = 0;
  static constexpr int noise = N * internal::gamma_noise;
  using Config = NoDistributionConfig;

  static void initialize(const Config& /*config*/, float* /*weights*/) {}

  /// Gamma variates, divided by their sum.
  template <class T>
  POLIS_HD static void sample(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> uniforms, Out<T> action) {
    Array<T, N> drawn{};
    T sum = math::constant<T>(0);
    for (int i = 0; i < N; ++i) {
      drawn[i] = internal::gamma_variate<T>(internal::concentration(in[i]),
                                            uniforms.from(i * internal::gamma_noise));
      sum = sum + drawn[i];
    }
    for (int i = 0; i < N; ++i) action.set(i, at_least_smallest(drawn[i] / sum));
  }

  /// The means.
  template <class T>
  POLIS_HD static void mode(In<T> in, In<T> /*weights*/, In<T> /*mask*/, Out<T> action) {
    const auto p = density(in);
    for (int i = 0; i < N; ++i) action.set(i, at_least_smallest(p.mean(i)));
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> action) {
    Array<T, N> shares{};
    for (int i = 0; i < N; ++i) shares[i] = at_least_smallest(action[i]);
    return density(in).log_prob(shares);
  }

  template <class T>
  POLIS_HD static T entropy(In<T> in, In<T> /*weights*/, In<T> /*mask*/) {
    return density(in).entropy();
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> in, In<T> free, In<T> mask, In<T> action) {
    return {log_prob<T>(in, free, mask, action), entropy<T>(in, free, mask)};
  }

  template <class T>
  POLIS_HD static void backward(In<T> in, In<T> /*weights*/, In<T> /*mask*/, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_inputs,
                                Out<T> /*d_weights*/) {
    const auto p = density(in);
    for (int i = 0; i < N; ++i) {
      const T by_log_prob = p.d_log_prob(i, at_least_smallest(action[i]));
      const T d_concentration = d_log_prob * by_log_prob + d_entropy * p.d_entropy(i);
      d_inputs.set(i, d_concentration * math::sigmoid(in[i]));
    }
  }

  POLIS_HD static bool valid(In<float> /*mask*/) { return true; }

 private:
  template <class T>
  POLIS_HD static internal::DirichletDensity<N, T> density(In<T> in) {
    Array<T, N> c{};
    for (int i = 0; i < N; ++i) c[i] = internal::concentration(in[i]);
    return internal::DirichletDensity<N, T>(c);
  }
  template <class T>
  POLIS_HD static T at_least_smallest(const T& share) {
    return math::max(math::constant<T>(1e-30), share);
  }
};

/// Chooses DirichletOn for the Simplices among an algorithm's actions: `PPO::With<Dirichlet>`.
struct Dirichlet {
  using word = word::Distribution;
  template <Space S>
    requires(S::kind == SpaceKind::simplex)
  using distribution = DirichletOn<S::words>;
};

}  // namespace polis
