// Stochastic actors that are rewarded for their entropy (Haarnoja et al. 2018; discrete: Christodoulou 2019).
#pragma once

#include <cmath>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/interval.hpp>
#include <polis/policy/actor.hpp>

namespace polis {

/// Settings of the actor and of its temperature, which is learnt: log alpha follows the gradient of
/// alpha (entropy - target) (Haarnoja et al. 2018, "Soft actor-critic algorithms and applications", equation
/// 18), by the actor's optimizer.
struct StochasticActorConfig {
  float temperature = 1.f;  ///< at first
  /// What the entropy is held to, as a factor: on the number of dimensions of a Box (times -1, since it is a
  /// density's), on the logarithm of the number of actions where they are Discrete.
  float box_target = 1.f;
  float discrete_target = .98f;
  float log_std_low = -20.f, log_std_high = 2.f;  ///< bounds on a Box' log standard deviations
  static constexpr void fields(auto& self, auto&& visit) {
    visit("temperature", self.temperature);
    visit("box_target", self.box_target);
    visit("discrete_target", self.discrete_target);
    visit("log_std_low", self.log_std_low);
    visit("log_std_high", self.log_std_high);
  }
};

namespace internal {

template <class S>
struct StochasticHead;

/// Normal numbers squashed by tanh: with y = mean + std z, the action is tanh(y), whose density is the normal
/// one divided by the slope (1 - tanh(y)^2). Outputs are the means, then the log standard deviations, which
/// are clipped to their bounds and get no gradient beyond them.
template <AnyBox S>
struct StochasticHead<S> {
  using Config = StochasticActorConfig;
  static constexpr int words = S::words;
  static constexpr int inputs = 2 * words, features = words;
  static constexpr int noise = 2 * ((words + 1) / 2);  // normal numbers are made in pairs
  static constexpr bool entropic = true, expected = false, targeted = false, cautious = true;

  static float target_entropy(const Config& config) { return -config.box_target * static_cast<float>(words); }

  template <class T>
  POLIS_HD static T sample(const Config& config, In<T> outputs, In<T> /*mask*/, In<T> uniforms,
                           Out<T> action) {
    const T two = math::constant<T>(2);
    T log_prob = math::constant<T>(-words * .91893853320467274178);  // -log(2 pi) / 2 each
    for_each(uniforms, [&](int i, const T& z) {
      const T log_std = bounded(config, outputs[words + i]);
      const T y = math::fma(math::exp(log_std), z, outputs[i]);
      action.set(i, math::tanh(y));
      const T log_slope = two * (math::constant<T>(.69314718055994530942) - y - math::softplus(-two * y));
      log_prob = math::fma(math::constant<T>(-.5) * z, z, log_prob - log_std - log_slope);
    });
    return log_prob;
  }
  template <class T>
  POLIS_HD static T next(const Config& config, In<T> outputs, In<T> mask, In<T> uniforms, Out<T> action) {
    return sample<T>(config, outputs, mask, uniforms, action);
  }
  template <class T>
  POLIS_HD static void greedy(const Config&, In<T> outputs, In<T> /*mask*/, Out<T> action) {
    for (int i = 0; i < words; ++i) action.set(i, math::tanh(outputs[i]));
  }

  /// d log p / dy = 2 tanh(y), dy / d mean = 1, dy / d log std = std z; and d log p / d log std has -1
  /// besides.
  template <class T>
  POLIS_HD static void backward(const Config& config, In<T> outputs, In<T> /*mask*/, In<T> uniforms,
                                In<T> action, In<T> d_action, const T& d_log_prob, Out<T> d_outputs) {
    const T zero = math::constant<T>(0), one = math::constant<T>(1), two = math::constant<T>(2);
    for_each(uniforms, [&](int i, const T& z) {
      const T raw = outputs[words + i], log_std = bounded(config, raw), a = action[i];
      const T by_y = math::fma(d_action[i], one - a * a, d_log_prob * (two * a));
      d_outputs.set(i, by_y);
      const T by_log_std = math::fma(by_y, math::exp(log_std) * z, -d_log_prob);
      d_outputs.set(words + i, math::select(raw == log_std, by_log_std, zero));
    });
  }

 private:
  template <class T>
  POLIS_HD static T bounded(const Config& config, const T& log_std) {
    return math::clamp(log_std, T(config.log_std_low), T(config.log_std_high));
  }
  /// body(i, z_i) for the standard normal numbers.
  template <class T, class Body>
  POLIS_HD static void for_each(In<T> uniforms, const Body& body) {
    for (int i = 0; i < words; i += 2) {
      const Array<T, 2> pair = Random::normal_pair<T>(uniforms[i], uniforms[i + 1]);
      body(i, pair[0]);
      if (i + 1 < words) body(i + 1, pair[1]);
    }
  }
};

/// A categorical distribution, of which every expectation is exact: the critic has a value for each action,
/// and nothing is reparametrised.
template <Space S>
  requires(S::kind == SpaceKind::discrete)
struct StochasticHead<S> {
  using Config = StochasticActorConfig;
  static constexpr int inputs = S::size, features = S::size, noise = 1;
  static constexpr bool entropic = true, expected = true, targeted = false, cautious = true;
  using Policy = Categorical<inputs>;

  static float target_entropy(const Config& config) {
    return config.discrete_target * std::log(static_cast<float>(inputs));
  }

  template <class T>
  POLIS_HD static T sample(const Config&, In<T> logits, In<T> mask, In<T> uniforms, Out<T> action) {
    alignas(64) float index[tile_rows];
    const Out<T> drawn{index, 1};
    Policy::template sample<T>(logits, {}, mask, uniforms, drawn);
    set_flag<T>(drawn[0], action);
    return Policy::template log_prob<T>(logits, {}, mask, In<T>{index, 1});
  }
  template <class T>
  POLIS_HD static T next(const Config& config, In<T> logits, In<T> mask, In<T> uniforms, Out<T> action) {
    return sample<T>(config, logits, mask, uniforms, action);
  }
  template <class T>
  POLIS_HD static void greedy(const Config&, In<T> logits, In<T> mask, Out<T> action) {
    alignas(64) float index[tile_rows];
    const Out<T> best{index, 1};
    Policy::template mode<T>(logits, {}, mask, best);
    set_flag<T>(best[0], action);
  }

  /// The mean of the actions' values, and the entropy.
  template <class T>
  struct Expectation {
    T mean, entropy;
  };
  template <class T>
  POLIS_HD static Expectation<T> expectation(In<T> logits, In<T> mask, In<T> values) {
    return {Policy::template mean<T>(logits, mask, values), Policy::template entropy<T>(logits, {}, mask)};
  }
  template <class T>
  POLIS_HD static void expectation_backward(In<T> logits, In<T> mask, In<T> values, const T& d_mean,
                                            const T& d_entropy, Out<T> d_logits) {
    const Out<T> none;
    Policy::template backward<T>(logits, {}, mask, values, math::constant<T>(0), d_entropy, d_logits, none);
    Policy::template add_mean_backward<T>(logits, mask, values, d_mean, d_logits);
  }

 private:
  template <class T>
  POLIS_HD static void set_flag(const T& index, Out<T> action) {
    for (int i = 0; i < inputs; ++i) {
      action.set(i, math::select(index == math::constant<T>(i), math::constant<T>(1), math::constant<T>(0)));
    }
  }
};

}  // namespace internal

/// The word: for a Box a squashed Gaussian whose mean and deviation depend on the observation, for Discrete
/// actions a categorical distribution.
struct StochasticActor {
  using word = word::Actor;
  using Config = StochasticActorConfig;
  template <class S>
  using head = internal::StochasticHead<S>;
};

}  // namespace polis
