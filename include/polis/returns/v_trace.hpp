// V-trace (Espeholt, Soyer, Munos et al. 2018, "IMPALA", equation 1 and section 4.2): values of the policy pi
// that learns from what another policy mu did, with rho = pi / mu of each action,
//
//     delta_t = min(clip, rho_t) (r_t + gamma V_next - V_t)
//     vs_t    = V_t + delta_t + gamma lambda min(trace_clip, rho_t) (vs_next - V_next)
//     A_t     = min(clip, rho_t) (r_t + gamma vs_next - V_t),
//
// with "next" the agent's next decision. With lambda below 1, V_next + lambda (vs_next - V_next) stands for
// vs_next in A_t, as in rlax. Where an episode ends or the data do, vs_next is V_next.
//
// A learner makes the estimate anew before every epoch, with the ratios and values of the policy as it is
// then: in PPO the later epochs learn from data that are not of the policy at hand. The value clip of
// ClippedSurrogate is then around the values that the estimate was made from.
#pragma once

#include <polis/core/word.hpp>
#include <polis/returns/transitions.hpp>

namespace polis {

struct VTrace {
  using word = word::Returns;
  static constexpr bool recomputes = true;

  struct Config {
    float discount = .99f;       ///< gamma
    float lambda = 1.f;          ///< weight of what follows, as in the lambda-return
    float clip = 1.f;            ///< rho-bar: decides what policy the values are of; infinity: pi itself
    float trace_clip = 1.f;      ///< c-bar: decides how fast, and with how much variance, they get there
    bool time_in_steps = false;  ///< discount by environment steps rather than by the agent's decisions
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("lambda", self.lambda);
      visit("clip", self.clip);
      visit("trace_clip", self.trace_clip);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// Writes returns vs_t and advantages A_t, without their ratio where the trajectory says so.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    const T zero(0.f), lambda(config.lambda), clip(config.clip), trace_clip(config.trace_clip);
    T next_excess = zero;  // vs - V of the next decision
    internal::for_each_transition<T>(config, at, [&](const internal::Transition<T>& t) {
      const T ratio = math::min(clip, t.ratio), trace = math::min(trace_clip, t.ratio);
      const T excess_ahead = lambda * t.after(next_excess, zero);
      const T delta = math::fma(t.discount, t.next_value, t.rewards) - t.value;
      const T excess = math::fma(t.discount * trace, excess_ahead, ratio * delta);
      t.leave(next_excess, excess);
      const T advantage = math::fma(t.discount, excess_ahead, delta);
      return internal::Worth<T>{at.weigh_advantages ? ratio * advantage : advantage, excess + t.value};
    });
  }
};

}  // namespace polis
