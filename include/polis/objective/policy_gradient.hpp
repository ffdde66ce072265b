// The policy gradient of REINFORCE (Williams 1992) and A2C (Mnih et al. 2016): the loss is -A log pi(a|o).
#pragma once

#include <polis/objective/objective.hpp>

namespace polis {

struct PolicyGradient {
  using word = word::Objective;
  static constexpr bool weighs_by_ratio = false;

  struct Config {
    static constexpr void fields(auto& /*self*/, auto&& /*visit*/) {}
  };

  template <class T>
  POLIS_HD static PolicyLoss<T> policy_loss(const Config& /*config*/, const PolicySample<T>& sample) {
    const T log_ratio = internal::log_ratio(sample);
    return {-sample.advantage * sample.log_prob, -sample.advantage, math::constant<T>(0),
            math::exp(log_ratio) - math::constant<T>(1) - log_ratio};
  }

  template <class T>
  POLIS_HD static ValueLoss<T> value_loss(const Config& /*config*/, const T& value, const T& /*old_value*/,
                                          const T& target) {
    return squared_value_loss<T>(value, target);
  }
};

}  // namespace polis
