// The walk that estimators of returns share: over the transitions of a row, from the last to the first.
//
// A transition spans from a decision to the agent's next one; the walk sums the rewards between, keeps
// discounts in the agent's own time or in steps, and puts the right value behind each: that of the next
// decision, that of the final observation where the episode was truncated, 0 where it terminated. An
// estimator is then a recursion of one or two lines.
#pragma once

#include <cstddef>
#include <type_traits>

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

/// What the arrays say of a slot.
template <class T>
struct Slot {
  T end, reward, discount, value, ratio, decided;

  Slot() = default;  // nothing yet: it is loaded before it is looked at
  template <class Config>
  POLIS_HD Slot(const Config& config, const Trajectory& at, std::ptrdiff_t i)
      : end(load_bytes<T>(at.ends + i)),
        reward(Load<T>::load(at.rewards + i)),
        discount(at.discounts ? Load<T>::load(at.discounts + i) : T(config.discount)),
        value(Load<T>::load(at.values + i)),
        ratio(at.ratios ? Load<T>::load(at.ratios + i) : T(1.f)),
        decided(at.decided ? load_bytes<T>(at.decided + i) : T(1.f)) {}
};

/// Slots that are loaded before the first of them is worked on. A GPU's thread waits for each of its loads,
/// and knows of no other that could come before a store.
#if defined(__CUDA_ARCH__)
inline constexpr int slots_ahead = 8;
#else
inline constexpr int slots_ahead = 1;
#endif

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
  const auto visit = [&](const Slot<T>& slot, std::ptrdiff_t i) {
    const Mask goes_on = slot.end == zero, cut = slot.end == truncated;
    // Of one row it is seldom read; of a register of rows a branch costs more than reading.
    bool read = at.final_values != nullptr;
    if constexpr (std::is_same_v<Mask, bool>) read = read && cut;
    const T final_value = read ? Load<T>::load(at.final_values + i) : zero;
    value = math::select(slot.end == terminated, zero, math::select(cut, final_value, value));
    advantage = math::select(goes_on, advantage, zero);
    rewards = math::select(goes_on, rewards, zero);
    reach = math::select(goes_on, reach, one);
    last = last || !goes_on;

    const T step = config.time_in_steps ? slot.discount : one;
    rewards = math::fma(step, rewards, slot.reward);
    reach = step * reach;

    const Mask decided = slot.decided != zero;
    const Worth<T> own = worth(Transition<T>{rewards, config.time_in_steps ? reach : slot.discount,
                                             slot.value, value, slot.ratio, last, decided});
    advantage = math::select(decided, own.advantage, advantage);
    value = math::select(decided, slot.value, value);
    rewards = math::select(decided, zero, rewards);
    reach = math::select(decided, one, reach);
    last = last && !decided;
    Load<T>::store(at.advantages + i, advantage);
    Load<T>::store(at.returns + i, math::select(decided, own.target, zero));
  };
  for (int first = at.slots - 1; first >= 0; first -= slots_ahead) {
    Slot<T> slots[slots_ahead];
    for (int k = 0; k < slots_ahead; ++k) {
      if (first >= k) slots[k] = Slot<T>(config, at, (first - k) * at.stride);
    }
    for (int k = 0; k < slots_ahead; ++k) {
      if (first >= k) visit(slots[k], (first - k) * at.stride);
    }
  }
}

}  // namespace polis::internal
