// N-step returns (Watkins 1989; Sutton and Barto 2018, section 7.1): the rewards of N transitions, and the
// value of what follows them,
//
//     G_t = r_t + gamma r_(t+1) + ... + gamma^(N-1) r_(t+N-1) + gamma^N V_(t+N),        A_t = G_t - V_t.
//
// An episode that ends sooner ends the sum: with 0 if it terminated, with the value of the final observation
// if it was truncated. So does the end of the data, with the bootstrap value.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/word.hpp>
#include <polis/returns/transitions.hpp>

namespace polis {

template <int N>
struct NStep {
  static_assert(N >= 1, "a return spans at least one transition");
  using word = word::Returns;

  struct Config {
    float discount = .99f;  ///< gamma
    /// Discount by environment steps rather than by the agent's decisions; N counts decisions in either case,
    /// since only they have a value.
    bool time_in_steps = false;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// Writes returns, and advantages = returns - values.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    Array<T, N> next_returns;  // the next decision's returns of 1, 2, ..., N transitions
    for (int n = 0; n < N; ++n) next_returns[n] = T(0.f);
    internal::for_each_transition<T>(config, at, [&](const internal::Transition<T>& t) {
      T target(0.f);
      for (int n = N - 1; n >= 0; --n) {
        const T following = n > 0 ? t.after(next_returns[n > 0 ? n - 1 : 0], t.next_value) : t.next_value;
        const T own = math::fma(t.discount, following, t.rewards);
        t.leave(next_returns[n], own);
        if (n == N - 1) target = own;
      }
      return internal::Worth<T>{target - t.value, target};
    });
  }
};

}  // namespace polis
