// Generalised advantage estimation (Schulman, Moritz, Levine, Jordan and Abbeel 2016, equation 16):
//
//     delta_t = r_t + gamma V_next - V_t,        A_t = delta_t + gamma lambda A_next,
//
// with "next" the agent's next decision and r_t the rewards until then. Termination puts 0 for V_next,
// truncation the value of the final observation; both end the recursion.
#pragma once

#include <polis/core/word.hpp>
#include <polis/returns/returns.hpp>

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

  /// Writes advantages, and returns = advantages + values. A slot without a decision inherits the advantage
  /// of the episode's next decision (0 if there is none), and its return is 0. With `discounts` a
  /// transition's is read at its decision, or multiplied over its steps if time is in steps.
  template <class T>
  POLIS_HD static void estimate(const Config& config, const Trajectory& at) {
    const T zero(0.f), one(1.f), lambda(config.lambda);
    const T terminated(static_cast<float>(End::terminated)), truncated(static_cast<float>(End::truncated));
    // What follows the slot at hand: the next decision's advantage and value, the rewards until it, and the
    // product of the steps' discounts.
    T advantage = zero, value = Load<T>::load(at.bootstrap), rewards = zero, reach = one;
    for (int slot = at.slots - 1; slot >= 0; --slot) {
      const std::ptrdiff_t i = slot * at.stride;
      const T end = internal::load_bytes<T>(at.ends + i);
      const T final_value = at.final_values ? Load<T>::load(at.final_values + i) : zero;
      value = math::select(end == terminated, zero, math::select(end == truncated, final_value, value));
      advantage = math::select(end == zero, advantage, zero);
      rewards = math::select(end == zero, rewards, zero);
      reach = math::select(end == zero, reach, one);

      const T discount = at.discounts ? Load<T>::load(at.discounts + i) : T(config.discount);
      const T step = config.time_in_steps ? discount : one;
      rewards = math::fma(step, rewards, Load<T>::load(at.rewards + i));
      reach = step * reach;

      const T own_value = Load<T>::load(at.values + i);
      const T factor = config.time_in_steps ? reach : discount;
      const T delta = math::fma(factor, value, rewards) - own_value;
      const T own_advantage = math::fma(factor * lambda, advantage, delta);
      const auto decided = (at.decided ? internal::load_bytes<T>(at.decided + i) : one) != zero;
      advantage = math::select(decided, own_advantage, advantage);
      value = math::select(decided, own_value, value);
      rewards = math::select(decided, zero, rewards);
      reach = math::select(decided, one, reach);
      Load<T>::store(at.advantages + i, advantage);
      Load<T>::store(at.returns + i, math::select(decided, advantage + own_value, zero));
    }
  }
};

}  // namespace polis
