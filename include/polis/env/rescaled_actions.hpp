// RescaledActions<E>: the environment E, whose agents act in [-1, 1] wherever E's actions have bounds.
//
// The numbers are mapped to E's bounds affinely, -1 to the lower and 1 to the upper one: for policies whose
// actions have a scale of one. A Box with bounds becomes a Box with bounds of -1 and 1, also within a Tuple;
// other spaces stay as they are.
#pragma once

#include <type_traits>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/wrapper.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// N numbers in [-1, 1].
template <int N>
struct UnitBox : Box<N> {
  static constexpr float low = -1, high = 1;
};

namespace internal {

/// How elements of the space S are stated in [-1, 1]: the space of the statements, and what they stand for.
template <class S>
struct Rescaling {
  static constexpr bool changes = false;
  using type = S;
  POLIS_HD static typename S::Element apply(const typename S::Element& element) { return element; }
};

template <BoundedSpace S>
struct Rescaling<S> {
  static constexpr bool changes = true;
  using type = UnitBox<S::words>;
  POLIS_HD static typename S::Element apply(const typename S::Element& element) {
    constexpr auto low = S::low;  // in device code a static member has a value but no address
    constexpr auto high = S::high;
    typename S::Element scaled{};
    for (int i = 0; i < S::words; ++i) {
      const float x = math::clamp(element[i], -1.f, 1.f);  // the ends are met exactly
      scaled[i] = .5f * ((1.f - x) * bound_at(low, i) + (1.f + x) * bound_at(high, i));
    }
    return scaled;
  }
};

template <class... S>
struct Rescaling<Tuple<S...>> {
  static constexpr bool changes = (false || ... || Rescaling<S>::changes);
  using type = Tuple<typename Rescaling<S>::type...>;
  POLIS_HD static TupleElement<S...> apply(const typename type::Element& element) {
    return apply_rest<S...>(element);
  }

 private:
  template <class First, class... Rest>
  POLIS_HD static TupleElement<First, Rest...> apply_rest(const auto& element) {
    if constexpr (sizeof...(Rest) > 0) {
      return {Rescaling<First>::apply(element.first), apply_rest<Rest...>(element.rest)};
    } else {
      return {Rescaling<First>::apply(element.first), {}};
    }
  }
};

template <class List>
struct RescaledRoles;
template <class... R>
struct RescaledRoles<Roles<R...>> {
  static constexpr bool changes = (... || Rescaling<typename R::Action>::changes);
  using type = Roles<Role<typename R::Tag, R::count, typename R::Observation,
                          typename Rescaling<typename R::Action>::type>...>;
};

}  // namespace internal

/// The space in which an element of S is stated in [-1, 1].
template <Space S>
using Rescaled = typename internal::Rescaling<S>::type;

/// Some agent acts within bounds; without any, there is nothing to rescale.
template <class E>
concept HasBoundedActions = internal::RescaledRoles<RolesOf<E>>::changes;

template <Environment E>
  requires HasBoundedActions<E>
class RescaledActions;

template <class E>
struct InsideOf<RescaledActions<E>> {
  using type = E;
};

/// E, acted in by numbers in [-1, 1]; a number beyond counts as the nearer end.
template <Environment E>
  requires HasBoundedActions<E>
class RescaledActions : public Wrapper<E> {
 public:
  using Roles = typename internal::RescaledRoles<RolesOf<E>>::type;

  POLIS_HD void reset(Context<RescaledActions>& ctx) { this->env_.reset(static_cast<Context<E>&>(ctx)); }

  POLIS_HD void step(const Actions<RescaledActions>& actions, Context<RescaledActions>& ctx) {
    Actions<E> scaled{};
    rescale_role<0>(actions, scaled);
    this->env_.step(scaled, static_cast<Context<E>&>(ctx));
  }

 private:
  template <int R>
  POLIS_HD static void rescale_role(const Actions<RescaledActions>& actions, Actions<E>& scaled) {
    constexpr typename RoleOf<E, R>::Tag tag{};
    for (int i = 0; i < RoleOf<E, R>::count; ++i) {
      scaled.of(tag)[i] = internal::Rescaling<typename RoleOf<E, R>::Action>::apply(actions.of(tag)[i]);
    }
    if constexpr (R + 1 < role_count<E>) rescale_role<R + 1>(actions, scaled);
  }
};

}  // namespace polis
