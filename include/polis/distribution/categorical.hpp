// One of N actions with probabilities softmax(logits), those that are not legal excluded before the softmax.
#pragma once

#include <polis/core/array.hpp>
#include <polis/distribution/distribution.hpp>

namespace polis {

/// The index is stored as a float. The mask holds N flags, 0 where an action is illegal: such an action is
/// never sampled, takes no part in the entropy, and no gradient flows to its logit.
template <int N>
struct Categorical {
  static_assert(N > 0);
  static constexpr int inputs = N, weights = 0, words = 1, noise = 1, mask_size = N;
  using Config = NoDistributionConfig;

  static void initialize(const Config& /*config*/, float* /*weights*/) {}

  /// Inverse of the distribution function, by one uniform number.
  template <class T>
  POLIS_HD static void sample(In<T> logits, In<T> /*weights*/, In<T> mask, In<T> uniforms, Out<T> action) {
    const Softmax<T> p(logits, mask);
    const T zero = math::constant<T>(0), threshold = uniforms[0] * p.sum;
    // The last action of positive probability whose cumulative sum starts at or below the threshold: rounding
    // cannot lead past the end, nor to an action of probability zero.
    T index = zero, below = zero;
    for (int i = 0; i < N; ++i) {
      const T reached = math::select(below <= threshold, math::constant<T>(i), index);
      index = math::select(p.weight[i] > zero, reached, index);
      below = below + p.weight[i];
    }
    action.set(0, index);
  }

  /// The likeliest action, the first of equals.
  template <class T>
  POLIS_HD static void mode(In<T> logits, In<T> /*weights*/, In<T> mask, Out<T> action) {
    T best = logit(logits, mask, 0), index = math::constant<T>(0);
    for (int i = 1; i < N; ++i) {
      const T other = logit(logits, mask, i);
      index = math::select(other > best, math::constant<T>(i), index);
      best = math::max(other, best);
    }
    action.set(0, index);
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> logits, In<T> /*weights*/, In<T> mask, In<T> action) {
    const Softmax<T> p(logits, mask);
    const T chosen = action[0];
    T difference = math::constant<T>(0);
    for (int i = 0; i < N; ++i) {
      difference = math::select(chosen == math::constant<T>(i), p.difference[i], difference);
    }
    return {difference - p.log_sum, p.entropy()};
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> logits, In<T> free, In<T> mask, In<T> action) {
    return evaluate<T>(logits, free, mask, action).log_prob;
  }

  template <class T>
  POLIS_HD static T entropy(In<T> logits, In<T> /*weights*/, In<T> mask) {
    return Softmax<T>(logits, mask).entropy();
  }

  /// The mean of a number for each action, sum p_i x_i.
  template <class T>
  POLIS_HD static T mean(In<T> logits, In<T> mask, In<T> numbers) {
    const Softmax<T> p(logits, mask);
    T sum = math::constant<T>(0);
    for (int i = 0; i < N; ++i) sum = math::fma(p.weight[i], numbers[i], sum);
    return internal::ratio(sum, p.sum);
  }

  /// Adds the derivatives of that mean: d mean / d x_i = p_i (number_i - mean).
  template <class T>
  POLIS_HD static void add_mean_backward(In<T> logits, In<T> mask, In<T> numbers, const T& d_mean,
                                         Out<T> d_inputs) {
    const Softmax<T> p(logits, mask);
    const T scale = internal::ratio(d_mean, p.sum), average = mean<T>(logits, mask, numbers);
    for (int i = 0; i < N; ++i) d_inputs.add(i, p.weight[i] * scale * (numbers[i] - average));
  }

  /// d log p(a) / d x_i = [i = a] - p_i, and d H / d x_i = -p_i (log p_i + H).
  template <class T>
  POLIS_HD static void backward(In<T> logits, In<T> /*weights*/, In<T> mask, In<T> action,
                                const T& d_log_prob, const T& d_entropy, Out<T> d_inputs,
                                Out<T> /*d_weights*/) {
    const Softmax<T> p(logits, mask);
    const T zero = math::constant<T>(0), scale = internal::ratio(math::constant<T>(1), p.sum),
            chosen = action[0];
    const T entropy_less_log_sum = p.entropy() - p.log_sum;
    for (int i = 0; i < N; ++i) {
      const T hit = math::select(chosen == math::constant<T>(i), d_log_prob, zero);
      const T slope = d_log_prob + d_entropy * (p.difference[i] + entropy_less_log_sum);
      d_inputs.set(i, hit - p.weight[i] * scale * slope);
    }
  }

  /// sum p_i (log p_i - log q_i), q being the softmax of the other logits.
  template <class T>
  POLIS_HD static T divergence(In<T> logits, In<T> /*weights*/, In<T> other, In<T> /*other_weights*/,
                               In<T> mask) {
    return divergence_of<T>(Softmax<T>(logits, mask), Softmax<T>(other, mask));
  }
  /// d KL / d x_i = p_i (log p_i - log q_i - KL).
  template <class T>
  POLIS_HD static void add_divergence_gradient(In<T> logits, In<T> /*weights*/, In<T> other,
                                               In<T> /*other_weights*/, In<T> mask, const T& d_divergence,
                                               Out<T> d_inputs, Out<T> /*d_weights*/) {
    const Softmax<T> p(logits, mask), q(other, mask);
    const T scale = internal::ratio(d_divergence, p.sum),
            less = p.log_sum - q.log_sum + divergence_of<T>(p, q);
    for (int i = 0; i < N; ++i) {
      d_inputs.add(i, p.weight[i] * scale * (p.difference[i] - q.difference[i] - less));
    }
  }

  /// Whether any action is legal.
  POLIS_HD static bool valid(In<float> mask) {
    bool any = !mask;
    for (int i = 0; mask && i < N; ++i) any = any || mask[i] != 0.f;
    return any;
  }

 private:
  // The logit of an illegal action is far below any other, yet finite: its weight is exactly zero, and so are
  // the products with it.
  template <class T>
  POLIS_HD static T logit(In<T> logits, In<T> mask, int i) {
    const T x = logits[i];
    return mask ? math::select(mask[i] != math::constant<T>(0), x, math::constant<T>(-1e30)) : x;
  }

  template <class T>
  struct Softmax;
  template <class T>
  POLIS_HD static T divergence_of(const Softmax<T>& p, const Softmax<T>& q) {
    T sum = math::constant<T>(0);
    for (int i = 0; i < N; ++i) sum = math::fma(p.weight[i], p.difference[i] - q.difference[i], sum);
    return internal::ratio(sum, p.sum) - p.log_sum + q.log_sum;
  }

  // Differences to the largest logit, their exponentials, and the sum of these.
  template <class T>
  struct Softmax {
    Array<T, N> difference, weight;
    T sum, log_sum;

    POLIS_HD Softmax(In<T> logits, In<T> mask) : sum(math::constant<T>(0)), log_sum(sum) {
      T largest = math::constant<T>(-1e30);
      for (int i = 0; i < N; ++i) {
        difference[i] = logit(logits, mask, i);
        largest = math::max(largest, difference[i]);
      }
      for (int i = 0; i < N; ++i) {
        difference[i] = difference[i] - largest;
        weight[i] = math::exp(difference[i]);
        sum = sum + weight[i];
      }
      log_sum = math::log(sum);
    }

    // -sum p log p, with log p_i = difference_i - log_sum.
    POLIS_HD T entropy() const {
      T mean = math::constant<T>(0);
      for (int i = 0; i < N; ++i) mean = math::fma(weight[i], difference[i], mean);
      return log_sum - internal::ratio(mean, sum);
    }
  };
};

}  // namespace polis
