// The walk that estimators of returns share: over the transitions of a row, from the last to the first.
//
// A transition spans from a decision to the agent's next one; the walk sums the rewards between, keeps
// discounts in the agent's own time or in steps, and puts the right value behind each: that of the next
// decision, that of the final observation where the episode was truncated, 0 where it terminated. An
// estimator is then a recursion of one or two lines.
#pragma once

#include <cstddef>

#include <polis/returns/returns.hpp>

namespace polis::internal {

/// One transition of a row, or of a register of rows, for all of which the walk stands at the same slot.
template <class T>
struct Transition {
  using Mask = decltype(T() == T());

  T rewards;     ///< from the decision to the next one
  T discount;    ///< of all that follows
  T value;       ///< V where it was decided
  T next_value;  ///< V of what follows
  T ratio;       ///< pi / mu of the decision
  Mask last;     ///< no later decision of the episode is known: the recursion begins here
  Mask decided;  ///< where false, the slot holds no decision and nothing in this struct means anything

  /// What the next decision left behind, or `otherwise` where the recursion begins.
  POLIS_HD T after(const T& of_next, const T& otherwise) const {
    return math::select(last, otherwise, of_next);
  }
  /// Leaves `own` behind for the decision before.
  POLIS_HD void leave(T& of_next, const T& own) const { of_next = math::select(decided, own, of_next); }
};

/// What an estimator makes of a transition.
template <class T>
struct Worth {
  T advantage, target;
};

/// Calls `worth(transition)` for each slot, the last first, and stores advantages and returns. A slot without
/// a decision inherits the advantage of the episode's next decision (0 if there is none), and its return is
/// 0. With `discounts` a transition's is read at its decision, or multiplied over its steps if
/// `time_in_steps`.
template <class T, class Config, class F>
POLIS_HD void for_each_transition(const Config& config, const Trajectory& at, F&& worth) {
  using Mask = typename Transition<T>::Mask;
  const T zero(0.f), one(1.f);
  const T terminated(static_cast<float>(End::terminated)), truncated(static_cast<float>(End::truncated));
  // What follows the slot at hand: the next decision's value and advantage, the rewards until it, and the
  // product of the steps' discounts.
  T value = Load<T>::load(at.bootstrap), advantage = zero, rewards = zero, reach = one;
  Mask last = zero == zero;
  for (int slot = at.slots - 1; slot >= 0; --slot) {
    const std::ptrdiff_t i = slot * at.stride;
    const T end = load_bytes<T>(at.ends + i);
    const Mask goes_on = end == zero;
    const T final_value = at.final_values ? Load<T>::load(at.final_values + i) : zero;
    value = math::select(end == terminated, zero, math::select(end == truncated, final_value, value));
    advantage = math::select(goes_on, advantage, zero);
    rewards = math::select(goes_on, rewards, zero);
    reach = math::select(goes_on, reach, one);
    last = last || !goes_on;

    const T discount = at.discounts ? Load<T>::load(at.discounts + i) : T(config.discount);
    const T step = config.time_in_steps ? discount : one;
    rewards = math::fma(step, rewards, Load<T>::load(at.rewards + i));
    reach = step * reach;

    const Mask decided = (at.decided ? load_bytes<T>(at.decided + i) : one) != zero;
    const T own_value = Load<T>::load(at.values + i);
    const T ratio = at.ratios ? Load<T>::load(at.ratios + i) : one;
    const Worth<T> own = worth(Transition<T>{rewards, config.time_in_steps ? reach : discount, own_value,
                                             value, ratio, last, decided});
    advantage = math::select(decided, own.advantage, advantage);
    value = math::select(decided, own_value, value);
    rewards = math::select(decided, zero, rewards);
    reach = math::select(decided, one, reach);
    last = last && !decided;
    Load<T>::store(at.advantages + i, advantage);
    Load<T>::store(at.returns + i, math::select(decided, own.target, zero));
  }
}

}  // namespace polis::internal
