// Generalised advantage estimation (Schulman, Moritz, Levine, Jordan and Abbeel 2016, equation 16):
//
//     delta_t = r_t + gamma V_next - V_t,        A_t = delta_t + gamma lambda A_next,
//
// with "next" the agent's next decision and r_t the rewards until then. Termination puts 0 for V_next,
// truncation the value of the final observation; both end the recursion.
#pragma once

#include <polis/core/word.hpp>
#include <polis/returns/transitions.hpp>

namespace polis {

struct Gae {
  using word = word::Returns;

  struct Config {
    float discount = .99f;       ///< gamma
    float lambda = .95f;         ///< 0: one-step differences; 1: Monte Carlo less the value
    bool time_in_steps = false;  ///< discount by environment steps rather than by the agent's decisions
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("lambda", self.lambda);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// Writes advantages, and returns = advantages + values. Slots without a decision: see
  /// for_each_transition.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    const T zero(0.f), lambda(config.lambda);
    T next_advantage = zero;
    internal::for_each_transition<T>(config, at, [&](const internal::Transition<T>& t) {
      const T delta = math::fma(t.discount, t.next_value, t.rewards) - t.value;
      const T advantage = math::fma(t.discount * lambda, t.after(next_advantage, zero), delta);
      t.leave(next_advantage, advantage);
      return internal::Worth<T>{advantage, advantage + t.value};
    });
  }
};

}  // namespace polis
