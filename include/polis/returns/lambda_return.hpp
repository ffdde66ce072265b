// The lambda-return (Watkins 1989; Sutton and Barto 2018, section 12.1), by its recursion:
//
//     G_t = r_t + gamma ((1 - lambda) V_next + lambda G_next),        A_t = G_t - V_t,
//
// with "next" the agent's next decision. Where an episode ends or the data do, G_next is V_next: 0 after a
// termination, the value of the final observation after a truncation. In exact arithmetic it equals Gae's
// return; it is here for what learns values alone, TD(lambda), and is said in the terms of that literature.
#pragma once

#include <polis/core/word.hpp>
#include <polis/returns/transitions.hpp>

namespace polis {

struct LambdaReturn {
  using word = word::Returns;

  struct Config {
    float discount = .99f;       ///< gamma
    float lambda = .8f;          ///< 0: one-step returns; 1: Monte Carlo
    bool time_in_steps = false;  ///< discount by environment steps rather than by the agent's decisions
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("lambda", self.lambda);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// Writes returns, and advantages = returns - values.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    const T lambda(config.lambda), rest(1.f - config.lambda);
    T next_return(0.f);
    internal::for_each_transition<T>(config, at, [&](const internal::Transition<T>& t) {
      const T mixed = math::fma(lambda, t.after(next_return, t.next_value), rest * t.next_value);
      const T target = math::fma(t.discount, mixed, t.rewards);
      t.leave(next_return, target);
      return internal::Worth<T>{target - t.value, target};
    });
  }
};

}  // namespace polis
