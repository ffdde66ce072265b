// The reference policies of an environment, wrapped or not, and playing them.
//
//     for_each_reference(env.view(0), [&](const char* name, const auto& policy) {
//       ... policy(env.lane(0), env.view(0), random) ...   // a joint action
//     });
#pragma once

#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/wrapper.hpp>

namespace polis {

namespace internal {

/// A wrapper whose joint actions are those of the environment inside.
template <class W>
concept TakesActionsAsTheyAre =
    WrapsAnEnvironment<W> && std::is_base_of_v<Actions<typename InsideOf<W>::type>, Actions<W>>;

/// A policy of the environment inside the wrapper W, as one of W's.
template <class W, class Policy>
struct WrappedReference {
  using Inside = typename InsideOf<W>::type;
  Policy policy;

  POLIS_HD Actions<W> operator()(const W& env, const View<W>& view, Random& random) const {
    Actions<W> actions{};
    static_cast<Actions<Inside>&>(actions) = policy(env.env(), view, random);
    return actions;
  }
};

template <class E>
constexpr bool has_references() {
  if constexpr (HasReferencePolicies<E>) {
    return true;
  } else if constexpr (TakesActionsAsTheyAre<E>) {
    return has_references<typename InsideOf<E>::type>();
  } else {
    return false;
  }
}

}  // namespace internal

/// E, or what it wraps without a change to the actions, has reference policies.
template <class E>
concept KnowsReferencePolicies = internal::has_references<E>();

/// Calls visit(name, policy) for each reference policy of E; nothing where there are none. Wrappers that
/// leave the actions as they are hand on those of the environment inside. Optimal values are not handed on:
/// what a wrapper does may change them.
template <class E, class Visit>
void for_each_reference(const View<E>& view, Visit&& visit) {
  if constexpr (HasReferencePolicies<E>) {
    E::references(view, visit);
  } else if constexpr (KnowsReferencePolicies<E>) {
    using Inside = typename InsideOf<E>::type;
    for_each_reference<Inside>(view, [&]<class Policy>(const char* name, const Policy& policy) {
      visit(name, internal::WrappedReference<E, Policy>{policy});
    });
  }
}

}  // namespace polis
