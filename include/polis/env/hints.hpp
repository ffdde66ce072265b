// What an environment can say of rewards beside paying them: abilities that the words of shaping ask for.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>

namespace polis {

/// `potential()`: how good the situation is for everybody, as a hint (PotentialBased).
template <class E>
concept HasTeamPotential = requires(const E e) {
  { e.potential() } -> std::convertible_to<float>;
} || requires(const E e, const View<E>& view) {
  { e.potential(view) } -> std::convertible_to<float>;
};

/// The same, or `potential(agent)`: how good the situation is for the agent.
template <class E>
concept HasPotential = HasTeamPotential<E> || requires(const E e) {
  { e.potential(0) } -> std::convertible_to<float>;
} || requires(const E e, const View<E>& view) {
  { e.potential(0, view) } -> std::convertible_to<float>;
};

/// `counterfactual(agent)`: what all agents together would have been paid for the step just made without this
/// one, all else equal: the sum of the others' rewards, or of a team its one reward (DifferenceReward).
template <class E>
concept HasCounterfactual = requires(const E e) {
  { e.counterfactual(0) } -> std::convertible_to<float>;
} || requires(const E e, const View<E>& view) {
  { e.counterfactual(0, view) } -> std::convertible_to<float>;
};

namespace internal {
/// Takes any component by its name.
struct AnyComponent {
  void operator()(const char*, float) const {}
};
}  // namespace internal

/// `reward_components(agent, visit)`: what the agent's last reward was made of, before weighting; it calls
/// visit(name, value) for each, always the same names (WeightedComponents, Constrained). It can be asked for
/// the names before the first step.
template <class E>
concept HasRewardComponents = requires(const E e) { e.reward_components(0, internal::AnyComponent{}); };

namespace internal {
/// Joint actions of E, or of what it wraps without a change to the actions.
template <class A, class E>
concept ActionsFor = std::derived_from<Actions<E>, std::remove_cvref_t<A>>;
}  // namespace internal

/// `target_actions()`: the joint action that would be well coordinated now (CoordinationBonus).
template <class E>
concept HasTargetActions = requires(const E e) {
  { e.target_actions() } -> internal::ActionsFor<E>;
} || requires(const E e, const View<E>& view) {
  { e.target_actions(view) } -> internal::ActionsFor<E>;
};

namespace internal {

template <class E>
POLIS_HD float potential(const E& e, int agent, const View<E>& view) {
  if constexpr (requires { e.potential(view); }) {
    return e.potential(view);
  } else if constexpr (requires { e.potential(); }) {
    return e.potential();
  } else if constexpr (requires { e.potential(agent, view); }) {
    return e.potential(agent, view);
  } else {
    return e.potential(agent);
  }
}

template <class E>
POLIS_HD float counterfactual(const E& e, int agent, const View<E>& view) {
  if constexpr (requires { e.counterfactual(agent, view); }) {
    return e.counterfactual(agent, view);
  } else {
    return e.counterfactual(agent);
  }
}

template <class E>
POLIS_HD Actions<E> target_actions(const E& e, const View<E>& view) {
  Actions<E> actions{};
  const auto fill = [&actions]<class A>(const A& target) { static_cast<A&>(actions) = target; };
  if constexpr (requires { e.target_actions(view); }) {
    fill(e.target_actions(view));
  } else {
    fill(e.target_actions());
  }
  return actions;
}

}  // namespace internal

}  // namespace polis
