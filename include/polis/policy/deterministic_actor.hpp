// Deterministic actors for a Box (Silver et al. 2014; Lillicrap et al. 2016; Fujimoto et al. 2018).
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/interval.hpp>
#include <polis/policy/actor.hpp>

namespace polis {

namespace internal {

/// action = tanh(output); with the critic's gradient d action: d output = d action (1 - action^2).
template <AnyBox S, class C>
struct TanhHead {
  using Config = C;
  static constexpr int inputs = S::words, features = S::words;
  static constexpr bool entropic = false, expected = false, targeted = true, cautious = false;

  template <class T>
  POLIS_HD static T sample(const Config& config, In<T> outputs, In<T> mask, In<T> /*uniforms*/,
                           Out<T> action) {
    greedy<T>(config, outputs, mask, action);
    return math::constant<T>(0);
  }
  template <class T>
  POLIS_HD static void greedy(const Config& /*config*/, In<T> outputs, In<T> /*mask*/, Out<T> action) {
    for (int i = 0; i < inputs; ++i) action.set(i, math::tanh(outputs[i]));
  }
  template <class T>
  POLIS_HD static void backward(const Config& /*config*/, In<T> /*outputs*/, In<T> /*mask*/,
                                In<T> /*uniforms*/, In<T> action, In<T> d_action, const T& /*d_log_prob*/,
                                Out<T> d_outputs) {
    for (int i = 0; i < inputs; ++i) {
      const T a = action[i];
      d_outputs.set(i, d_action[i] * (math::constant<T>(1) - a * a));
    }
  }
};

}  // namespace internal

/// The word: the action is a function of the observation, and exploration is another word's.
struct DeterministicActor {
  using word = word::Actor;
  struct Config {
    static constexpr void fields(auto& /*self*/, auto&& /*visit*/) {}
  };
  template <AnyBox S>
  struct HeadOn : internal::TanhHead<S, Config> {
    static constexpr int noise = 0;
    template <class T>
    POLIS_HD static T next(const Config& config, In<T> outputs, In<T> mask, In<T> uniforms, Out<T> action) {
      return HeadOn::template sample<T>(config, outputs, mask, uniforms, action);
    }
  };
  template <AnyBox S>
  using head = HeadOn<S>;
};

/// The word: the same, with the values of what follows smoothed over actions nearby (Fujimoto, van Hoof and
/// Meger 2018, equation 14): a' = clip(mu'(o') + clip(noise, -bound, bound), -1, 1), in halves of the Box.
struct SmoothedActor {
  using word = word::Actor;
  struct Config {
    float deviation = .2f;  ///< of the noise
    float bound = .5f;      ///< on its size
    static constexpr void fields(auto& self, auto&& visit) {
      visit("deviation", self.deviation);
      visit("bound", self.bound);
    }
  };
  template <AnyBox S>
  struct HeadOn : internal::TanhHead<S, Config> {
    static constexpr int words = S::words;
    static constexpr int noise = 2 * ((words + 1) / 2);  // normal numbers are made in pairs
    template <class T>
    POLIS_HD static T next(const Config& config, In<T> outputs, In<T> /*mask*/, In<T> uniforms,
                           Out<T> action) {
      const T bound(config.bound), deviation(config.deviation), one = math::constant<T>(1);
      for (int i = 0; i < words; i += 2) {
        const Array<T, 2> pair = Random::normal_pair<T>(uniforms[i], uniforms[i + 1]);
        for (int k = 0; k < 2 && i + k < words; ++k) {
          const T drawn = math::clamp(deviation * pair[k], -bound, bound);
          action.set(i + k, math::clamp(math::tanh(outputs[i + k]) + drawn, -one, one));
        }
      }
      return math::constant<T>(0);
    }
  };
  template <AnyBox S>
  using head = HeadOn<S>;
};

}  // namespace polis
