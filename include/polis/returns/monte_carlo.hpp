// Monte Carlo returns: what was earned to the end of the episode (Williams 1992, REINFORCE with V_t as
// baseline),
//
//     G_t = r_t + gamma G_next,        A_t = G_t - V_t.
//
// A learner takes only decisions whose episode has ended. The value of the final observation stands for what
// a truncation cut off, and `estimate` alone puts the bootstrap value behind an episode that goes on.
#pragma once

#include <polis/core/word.hpp>
#include <polis/returns/transitions.hpp>

namespace polis {

struct MonteCarlo {
  using word = word::Returns;
  static constexpr bool complete_episodes = true;

  struct Config {
    float discount = .99f;       ///< gamma
    bool time_in_steps = false;  ///< discount by environment steps rather than by the agent's decisions
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// Writes returns, and advantages = returns - values.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    T next_return(0.f);
    internal::for_each_transition<T>(config, at, [&](const internal::Transition<T>& t) {
      const T target = math::fma(t.discount, t.after(next_return, t.next_value), t.rewards);
      t.leave(next_return, target);
      return internal::Worth<T>{target - t.value, target};
    });
  }
};

}  // namespace polis
