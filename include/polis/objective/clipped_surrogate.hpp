// PPO's objective (Schulman, Wolski, Dhariwal, Radford and Klimov 2017, equation 7): with the ratio r of an
// action's probabilities now and when it was taken, the loss is -min(r A, clip(r, 1 - clip, 1 + clip) A).
#pragma once

#include <polis/objective/objective.hpp>

namespace polis {

struct ClippedSurrogate {
  using word = word::Objective;

  struct Config {
    float clip = .2f;        ///< how far a ratio may move from 1 with profit
    bool clip_value = true;  ///< hold the value within the same distance of its old one
    static constexpr void fields(auto& self, auto&& visit) {
      visit("clip", self.clip);
      visit("clip_value", self.clip_value);
    }
  };

  template <class T>
  POLIS_HD static PolicyLoss<T> policy_loss(const Config& config, const PolicySample<T>& sample) {
    const T zero = math::constant<T>(0), one = math::constant<T>(1), clip(config.clip);
    const T log_ratio = internal::log_ratio(sample), ratio = math::exp(log_ratio);
    const T plain = -sample.advantage * ratio;
    const T clipped = -sample.advantage * math::clamp(ratio, one - clip, one + clip);
    return {math::max(plain, clipped), math::select(plain >= clipped, plain, zero),
            math::select(math::abs(ratio - one) > clip, one, zero), ratio - one - log_ratio};
  }

  template <class T>
  POLIS_HD static ValueLoss<T> value_loss(const Config& config, const T& value, const T& old_value,
                                          const T& target) {
    if (!config.clip_value) return squared_value_loss<T>(value, target);
    return clipped_value_loss<T>(value, old_value, target, T(config.clip));
  }
};

}  // namespace polis
