// The objective of magnetic mirror descent (Sokota et al. 2023, equation 10 and section 5): with the ratio r
// of an action's probabilities now and when it was taken,
//
//     loss = -r A + (r log r - r + 1) / step_size,
//
// where the second term's mean is KL(now || then): a step of mirror descent whose length is the same wherever
// the policy stands, in place of a clip. Its derivative by log r is r log r.
#pragma once

#include <polis/objective/objective.hpp>

namespace polis {

struct MirrorDescent {
  using word = word::Objective;

  struct Config {
    float step_size = .5f;  ///< in advantages: how far log-probabilities move for one
    static constexpr void fields(auto& self, auto&& visit) { visit("step_size", self.step_size); }
  };

  template <class T>
  POLIS_HD static PolicyLoss<T> policy_loss(const Config& config, const PolicySample<T>& sample) {
    const T zero = math::constant<T>(0), one = math::constant<T>(1), inverse(1 / config.step_size);
    const T log_ratio = internal::log_ratio(sample), ratio = math::exp(log_ratio);
    const T gain = ratio * sample.advantage, moved = ratio * log_ratio;
    return {math::fma(inverse, moved - ratio + one, -gain), math::fma(inverse, moved, -gain), zero,
            ratio - one - log_ratio};
  }

  template <class T>
  POLIS_HD static ValueLoss<T> value_loss(const Config& /*config*/, const T& value, const T& /*old_value*/,
                                          const T& target) {
    return squared_value_loss<T>(value, target);
  }
};

}  // namespace polis
