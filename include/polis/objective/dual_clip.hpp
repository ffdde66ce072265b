// PPO with dual clip (Ye, Liu, Sun et al. 2020, "Mastering complex control in MOBA games with deep
// reinforcement learning", equation 2). The clip of Schulman et al. bounds the loss of an action only from
// the side that pays: one with a negative advantage that has become much likelier (data of an older policy)
// costs without bound. So where A < 0 the loss is at most -bound A:
//
//     loss = min(max(-r A, -clip(r, 1 - clip, 1 + clip) A), -bound A).
#pragma once

#include <polis/objective/clipped_surrogate.hpp>

namespace polis {

struct DualClip {
  using word = word::Objective;

  struct Config {
    float clip = .2f;        ///< how far a ratio may move from 1 with profit
    float bound = 3.f;       ///< the ratio from which a bad action costs no more; above 1 + clip
    bool clip_value = true;  ///< hold the value within `clip` of its old one
    static constexpr void fields(auto& self, auto&& visit) {
      visit("clip", self.clip);
      visit("bound", self.bound);
      visit("clip_value", self.clip_value);
    }
  };

  template <class T>
  POLIS_HD static PolicyLoss<T> policy_loss(const Config& config, const PolicySample<T>& sample) {
    const T zero = math::constant<T>(0), most = -T(config.bound) * sample.advantage;
    PolicyLoss<T> result = ClippedSurrogate::policy_loss<T>(surrogate(config), sample);
    const auto bounded = sample.advantage < zero && result.loss > most;
    result.loss = math::select(bounded, most, result.loss);
    result.d_log_prob = math::select(bounded, zero, result.d_log_prob);
    return result;
  }

  template <class T>
  POLIS_HD static ValueLoss<T> value_loss(const Config& config, const T& value, const T& old_value,
                                          const T& target) {
    return ClippedSurrogate::value_loss<T>(surrogate(config), value, old_value, target);
  }

 private:
  POLIS_HD static ClippedSurrogate::Config surrogate(const Config& config) {
    return {.clip = config.clip, .clip_value = config.clip_value};
  }
};

}  // namespace polis
