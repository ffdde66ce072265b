// Actions that no learner chose: random ones, neutral ones, and whether an action is legal; and the reference
// policies made of them.
#pragma once

#include <cstdint>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/math.hpp>
#include <polis/core/random.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

/// What can be said of the actions of a space. `flag_count`: its legality flags, one an index; those of a
/// Tuple are its parts', one after the other.
template <class S>
struct ActionChoice {
  using Element = typename S::Element;
  static constexpr bool discrete = S::kind == SpaceKind::discrete,
                        several = S::kind == SpaceKind::multi_discrete;
  static constexpr int flag_count = discrete || several ? S::features : 0;

  /// Calls f(index, its flags, their number) for each index that an element is made of.
  static void indices(auto& element, const float* flags, auto&& f) {
    if constexpr (discrete) {
      f(element, flags, S::features);
    } else if constexpr (several) {
      constexpr auto sizes = S::sizes;
      for (int k = 0; k < S::words; ++k) f(element[k], flags, sizes[k]), flags += sizes[k];
    }
  }

  static bool legal(const Element& element, const float* flags) {
    bool all = true;
    indices(element, flags,
            [&all](int index, const float* allowed, int) { all = all && allowed[index] != 0; });
    return all;
  }

  /// The first legal index (0, where it is legal); zeros, clipped to the bounds; equal shares.
  static void neutral(Element& element, const float* flags) {
    if constexpr (discrete || several) {
      indices(element, flags, [](int& index, const float* allowed, int count) {
        for (index = 0; index + 1 < count && allowed[index] == 0;) ++index;
      });
    } else {
      Array<float, S::words> words{};
      if constexpr (S::kind == SpaceKind::simplex) {
        for (int i = 0; i < S::words; ++i) words[i] = 1.f / static_cast<float>(S::words);
      }
      element = decode<S>(In<float>{words.data()});
    }
  }

  /// Uniform over legal indices, between bounds, or over a simplex; standard normal where there are no
  /// bounds.
  static void random(Element& element, const float* flags, Random& random) {
    if constexpr (discrete || several) {
      indices(element, flags, [&random](int& index, const float* allowed, int count) {
        int choices = 0;
        for (int i = 0; i < count; ++i) choices += allowed[i] != 0;
        if (choices == 0)
          throw Error("no action is legal", "a random action", "a flag that `legal` leaves set");
        int skip = random.integer(choices);
        for (index = 0; index + 1 < count && (allowed[index] == 0 || skip-- > 0);) ++index;
      });
    } else {
      float sum = 0;
      for (int i = 0; i < S::words; ++i) {
        if constexpr (S::kind == SpaceKind::simplex) {
          element[i] =
              -math::log(1 - random.uniform());  // normalised exponentials are uniform on the simplex
          sum += element[i];
        } else if constexpr (BoundedSpace<S>) {
          element[i] = random.uniform(bound_at(S::low, i), bound_at(S::high, i));
        } else {
          element[i] = random.normal();
        }
      }
      if constexpr (S::kind == SpaceKind::simplex) {
        for (int i = 0; i < S::words; ++i) element[i] /= sum;
      }
    }
  }
};

template <>
struct ActionChoice<Tuple<>> {
  static constexpr int flag_count = 0;
  static bool legal(const TupleElement<>&, const float*) { return true; }
  static void neutral(TupleElement<>&, const float*) {}
  static void random(TupleElement<>&, const float*, Random&) {}
};
template <class First, class... Rest>
struct ActionChoice<Tuple<First, Rest...>> {
  using Element = TupleElement<First, Rest...>;
  using Head = ActionChoice<First>;
  using Tail = ActionChoice<Tuple<Rest...>>;
  static constexpr int flag_count = Head::flag_count + Tail::flag_count;

  static bool legal(const Element& element, const float* flags) {
    return Head::legal(element.first, flags) && Tail::legal(element.rest, flags + Head::flag_count);
  }
  static void neutral(Element& element, const float* flags) {
    Head::neutral(element.first, flags), Tail::neutral(element.rest, flags + Head::flag_count);
  }
  static void random(Element& element, const float* flags, Random& random) {
    Head::random(element.first, flags, random), Tail::random(element.rest, flags + Head::flag_count, random);
  }
};

/// f(role, index) for the agent of this number, with its role as an integral constant.
template <class E, class F>
void with_agent(int agent, F&& f) {
  [&]<int... R>(std::integer_sequence<int, R...>) {
    const auto try_role = [&]<int Own>(std::integral_constant<int, Own> role) {
      const int own = agent - first_agent<E, Own>;
      if (own >= 0 && own < RoleOf<E, Own>::count) f(role, own);
    };
    (try_role(std::integral_constant<int, R>{}), ...);
  }(std::make_integer_sequence<int, role_count<E>>{});
}

/// f(choice, action, flags) for one agent's place in a joint action; the flags are those of now.
template <class E, class F>
void with_action(const MultiAgentEnv<E>& env, int lane, int agent, auto& actions, F&& f) {
  with_agent<E>(agent, [&]<int R>(std::integral_constant<int, R>, int own) {
    using Choice = ActionChoice<typename RoleOf<E, R>::Action>;
    Array<float, (Choice::flag_count > 0 ? Choice::flag_count : 1)> flags{};
    if constexpr (Choice::flag_count > 0)
      env.template legal<R>(lane, own, Row{flags.data()}, Choice::flag_count);
    f(Choice{}, actions.of(typename RoleOf<E, R>::Tag{})[own], flags.data());
  });
}

}  // namespace internal

/// Puts a random legal action in the agent's place of a joint action: uniform over indices, between bounds or
/// over a simplex; standard normal where a Box has no bounds.
template <class E>
void set_random_action(const MultiAgentEnv<E>& env, int lane, int agent, Random& random,
                       Actions<E>& actions) {
  internal::with_action<E>(env, lane, agent, actions, [&](auto choice, auto& action, const float* flags) {
    choice.random(action, flags, random);
  });
}

/// Puts the action that stands for doing nothing in the agent's place: the first legal index, zeros within
/// bounds, equal shares.
template <class E>
void set_neutral_action(const MultiAgentEnv<E>& env, int lane, int agent, Actions<E>& actions) {
  internal::with_action<E>(env, lane, agent, actions, [&](auto choice, auto& action, const float* flags) {
    choice.neutral(action, flags);
  });
}

/// Whether the agent may do now what the joint action says.
template <class E>
[[nodiscard]] bool is_legal_action(const MultiAgentEnv<E>& env, int lane, int agent,
                                   const Actions<E>& actions) {
  bool legal = true;
  internal::with_action<E>(
      env, lane, agent, actions,
      [&](auto choice, const auto& action, const float* flags) { legal = choice.legal(action, flags); });
  return legal;
}

/// Exchanges one agent's actions between two joint actions.
template <class E>
void swap_actions(int agent, Actions<E>& a, Actions<E>& b) {
  internal::with_agent<E>(agent, [&]<int R>(std::integral_constant<int, R>, int own) {
    constexpr typename RoleOf<E, R>::Tag tag{};
    std::swap(a.of(tag)[own], b.of(tag)[own]);
  });
}

// ---- Reference policies: functions of a tile, as run_episodes takes them
// -----------------------------------------

/// Everybody acts at random.
struct RandomPolicy {
  std::uint64_t seed = 0;

  template <class E>
  void operator()(LaneTile<E>& tile) const {
    for (int i = 0; i < tile.lanes; ++i) {
      const int lane = tile.first + i;
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if (!tile.env->deciding(lane, agent)) continue;
        Random random(seed, tile.env->steps(lane), tile.env->global_lane(lane),
                      static_cast<std::uint32_t>(agent), Purpose::exploration);
        set_random_action(*tile.env, lane, agent, random, tile.actions[i]);
      }
    }
  }
};

/// Everybody does nothing; see set_neutral_action.
struct NeutralPolicy {
  template <class E>
  void operator()(LaneTile<E>& tile) const {
    for (int i = 0; i < tile.lanes; ++i) {
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if (tile.env->deciding(tile.first + i, agent))
          set_neutral_action(*tile.env, tile.first + i, agent, tile.actions[i]);
      }
    }
  }
};

/// Everybody follows a reference policy of the environment's (env/reference.hpp).
template <class Policy>
struct ReferencePolicy {
  Policy policy;
  std::uint64_t seed = 0;

  template <class E>
  void operator()(LaneTile<E>& tile) const {
    for (int i = 0; i < tile.lanes; ++i) {
      const int lane = tile.first + i;
      Random random(seed, tile.env->steps(lane), tile.env->global_lane(lane), 0, Purpose::exploration);
      tile.actions[i] = policy(tile.env->lane(lane), tile.env->view(lane), random);
    }
  }
};

/// A policy of the caller's: everybody does `act(observation, agent)`, a function of what the agent sees
/// (Observation::words floats) that returns an element of the action space. For environments with one role.
template <class E, class Act>
auto observing_policy(Act act) {
  static_assert(role_count<E> == 1, "with several roles, write a function of LaneTile<E>&");
  return [act](LaneTile<E>& tile) {
    Array<float, RoleOf<E, 0>::Observation::words> seen{};
    for (int i = 0; i < tile.lanes; ++i) {
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if (!tile.env->deciding(tile.first + i, agent)) continue;
        tile.env->observe_agent(tile.first + i, agent, Row{seen.data()});
        tile.actions[i][agent] = act(static_cast<const float*>(seen.data()), agent);
      }
    }
  };
}

}  // namespace polis
