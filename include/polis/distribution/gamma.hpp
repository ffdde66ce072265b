// What the distributions of shares have in common: concentrations, gamma variates, and the Dirichlet's
// density.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/random.hpp>
#include <polis/distribution/distribution.hpp>

namespace polis::internal {

/// Concentrations from a network's outputs: 1 + softplus(x) (Chou, Maturana and Scherer 2017). Above 1 a
/// density has one peak, is bounded, and vanishes at the borders.
template <class T>
POLIS_HD T concentration(const T& x) {
  return math::constant<T>(1) + math::softplus(x);
}

/// Attempts of a gamma variate, and the uniform numbers they take: an even number of attempts, since normal
/// numbers are made in pairs. Each is refused with probability .05 at most, all of them with less than 2^-24,
/// the resolution of the uniform numbers.
inline constexpr int gamma_attempts = 6, gamma_noise = 2 * gamma_attempts;

/// A gamma variate of scale 1 and shape >= 1 (Marsaglia and Tsang 2000), from gamma_noise uniform numbers.
/// Without branches: every attempt is made, and the first that is not refused taken. Refused all, it is the
/// mode of the proposals.
template <class T>
POLIS_HD T gamma_variate(const T& shape, In<T> uniforms) {
  const T one = math::constant<T>(1), half = math::constant<T>(.5);
  const T d = shape - math::constant<T>(1. / 3), c = math::constant<T>(1. / 3) / math::sqrt(d);
  T result = d;
  for (int attempt = gamma_attempts - 1; attempt >= 0; --attempt) {
    const In<T> block = uniforms.from(4 * (attempt / 2));  // two attempts: a pair of normals, two thresholds
    const T x = Random::normal_pair<T>(block[0], block[1])[attempt % 2];
    const T root = math::fma(c, x, one), cube = root * root * root;
    // Where the root is negative its logarithm is not a number, and the comparison refuses.
    const T bound = half * x * x + d * (one - cube + math::constant<T>(3) * math::log(root));
    const auto accepted = math::log(one - block[2 + attempt % 2]) < bound;
    result = math::select(accepted, d * cube, result);
  }
  return result;
}

/// The Dirichlet density of N shares with concentrations c_i >= 1. All is written in Stirling's remainders
/// (core/math.hpp): log gamma functions of large concentrations differ by far less than they measure, and
/// floats would keep no digits of the difference.
template <int N, class T>
class DirichletDensity {
 public:
  POLIS_HD explicit DirichletDensity(const Array<T, N>& concentrations)
      : c_(concentrations), sum_(math::constant<T>(0)) {
    for (int i = 0; i < N; ++i) sum_ = sum_ + c_[i];
  }

  /// The density by N - 1 of the shares.
  POLIS_HD T log_prob(const Array<T, N>& shares) const {
    T result = shift();
    for (int i = 0; i < N; ++i) {
      result = math::fma(c_[i] - one(), math::log(shares[i] * (sum_ / c_[i])), result);
    }
    return result;
  }

  POLIS_HD T entropy() const {
    const T of_sum = digamma_remainder(sum_);
    T result = -shift();
    for (int i = 0; i < N; ++i) {
      result = math::fma(c_[i] - one(), digamma_remainder(c_[i]) - of_sum, result);
    }
    return result;
  }

  /// d log p / d c_i = log share_i + digamma(sum) - digamma(c_i)
  POLIS_HD T d_log_prob(int i, const T& share) const {
    return math::log(share * (sum_ / c_[i])) + (digamma_remainder(c_[i]) - digamma_remainder(sum_));
  }

  /// d H / d c_i = (sum - N) trigamma(sum) - (c_i - 1) trigamma(c_i)
  POLIS_HD T d_entropy(int i) const {
    return (sum_ - math::constant<T>(N)) * math::trigamma(sum_) - (c_[i] - one()) * math::trigamma(c_[i]);
  }

  POLIS_HD T mean(int i) const { return c_[i] / sum_; }

 private:
  POLIS_HD static T one() { return math::constant<T>(1); }

  /// log gamma(sum) - sum log gamma(c_i) + sum (c_i - 1) log(c_i / sum)
  POLIS_HD T shift() const {
    constexpr double log_two_pi = 1.83787706640934548356;
    const T half = math::constant<T>(.5);
    T result = math::constant<T>(.5 * (N - 1)) * (math::log(sum_) - math::constant<T>(log_two_pi)) +
               stirling_remainder(sum_);
    for (int i = 0; i < N; ++i) {
      result = result - math::fma(half, math::log(c_[i] / sum_), stirling_remainder(c_[i]));
    }
    return result;
  }

  Array<T, N> c_;
  T sum_;
};

}  // namespace polis::internal
