// Together<E>: the environment E, whose agents are controlled as one.
//
// The one agent sees what all of them see, one after the other, does what all of them do, and is paid their
// mean reward: for a network that is of the whole team, such as CommNet, or for a central controller to
// compare with.
//
//     Trainer<PPO::With<CommNet<3, 64>>, MultiAgentEnv<Together<SimpleSpread<>>>> trainer;
//
// An agent that is out of the episode is seen as zeros and does the action 0; of one that has to wait the
// action 0 alone is legal. The episode is over when it is over in E, or for each of E's agents.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/wrapper.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

/// The space of the joint actions of N agents: what one of them does is its element at(joint, agent).
template <class Action, int N>
struct JointSpace {};

template <class Action, int N>
  requires(Action::kind == SpaceKind::discrete)
struct JointSpace<Action, N> {
  template <class Indices>
  struct Of;
  template <std::size_t... I>
  struct Of<std::index_sequence<I...>> {
    using type = MultiDiscrete<((void)I, Action::size)...>;
  };
  using type = typename Of<std::make_index_sequence<static_cast<std::size_t>(N)>>::type;
  POLIS_HD static int at(const typename type::Element& joint, int agent) { return joint[agent]; }
};

template <class Action, int N>
  requires(Action::kind == SpaceKind::box)
struct JointSpace<Action, N> {
  struct Unbounded : Box<N * Action::words> {};
  template <class A>
  struct Bounded : Box<N * A::words> {
    template <class Bound>
    static constexpr Array<float, N * A::words> repeated(const Bound& bound) {
      Array<float, N * A::words> all{};
      for (int i = 0; i < N * A::words; ++i) all[i] = bound_at(bound, i % A::words);
      return all;
    }
    static constexpr Array<float, N * A::words> low = repeated(A::low), high = repeated(A::high);
  };
  template <class A>
  struct Fitting {
    using type = Unbounded;
  };
  template <BoundedSpace A>
  struct Fitting<A> {
    using type = Bounded<A>;
  };
  using type = typename Fitting<Action>::type;
  POLIS_HD static typename Action::Element at(const typename type::Element& joint, int agent) {
    typename Action::Element own{};
    for (int i = 0; i < Action::words; ++i) own[i] = joint[agent * Action::words + i];
    return own;
  }
};

}  // namespace internal

/// Several agents of one role, which see numbers and do Discrete or Box actions.
template <class E>
concept ActsTogether = Environment<E> && role_count<E> == 1 && agent_count<E> > 1 &&
                       RoleOf<E, 0>::Observation::kind == SpaceKind::box&& requires {
                         typename internal::JointSpace<typename RoleOf<E, 0>::Action, agent_count<E>>::type;
                       };

/// E with one agent in place of all.
template <ActsTogether E>
class Together : public Wrapper<E> {
  using Joint = internal::JointSpace<typename RoleOf<E, 0>::Action, agent_count<E>>;
  static constexpr int members = agent_count<E>;
  static constexpr int words = RoleOf<E, 0>::Observation::words;

 public:
  static constexpr int agents = 1;
  using Observation = Box<members * words>;
  using Action = typename Joint::type;
  using Roles = polis::Roles<Role<Agent, 1, Observation, Action>>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static constexpr EventOrder order = EventOrder::simultaneous;

  POLIS_HD void reset(Context<Together>& ctx) {
    for (int i = 0; i < members; ++i) out_[i] = false;
    Array<float, members> rewards_of{};
    Array<End, members> ends{};
    Context<E> inner(view_of(ctx), ctx.random, rewards_of.data(), ends.data());
    this->env_.reset(inner);
    ctx.random = inner.random;
  }

  POLIS_HD void step(const Actions<Together>& actions, Context<Together>& ctx) {
    Actions<E> own{};
    for (int i = 0; i < members; ++i) {
      if (!out_[i]) own[i] = Joint::at(actions[0], i);
    }
    Array<float, members> rewards_of{};
    Array<End, members> ends{};
    Context<E> inner(view_of(ctx), ctx.random, rewards_of.data(), ends.data());
    this->env_.step(own, inner);
    ctx.random = inner.random;

    float total = 0;
    bool anyone = false;
    for (int i = 0; i < members; ++i) {
      if (!out_[i]) total += rewards_of[i];
      out_[i] = out_[i] || ends[i] != End::none;
      anyone = anyone || !out_[i];
    }
    ctx.reward(0) = total / static_cast<float>(members);
    if (inner.episode() == End::truncated) ctx.truncate();
    if (inner.episode() == End::terminated || !anyone) ctx.terminate();
  }

  POLIS_HD void observe(int, Row out, const View<Together>& view) const {
    for (int i = 0; i < members; ++i) {
      const Row own = out.from(i * words);
      for (int word = 0; word < words; ++word) own[word] = 0;
      if (!out_[i]) internal::observe<0>(this->env_, i, own, view_of(view));
    }
  }

  POLIS_HD void state(Row out, const View<Together>& view) const
    requires HasState<E>
  {
    if constexpr (requires { this->env_.state(out, view_of(view)); }) {
      this->env_.state(out, view_of(view));
    } else {
      this->env_.state(out);
    }
  }

  POLIS_HD void legal(int, Row mask) const
    requires((HasLegalActions<E> || HasTurns<E>) && RoleOf<E, 0>::Action::kind == SpaceKind::discrete)
  {
    constexpr int each = RoleOf<E, 0>::Action::size;
    for (int i = 0; i < members; ++i) {
      const Row own = mask.from(i * each);
      if (out_[i] || !internal::acting<0>(this->env_, i)) {
        for (int action = 1; action < each; ++action) own[action] = 0;
      } else if constexpr (HasLegalActions<E>) {
        internal::legal<0>(this->env_, i, own);
      }
    }
  }

  /// The one agent acts at every step.
  bool acting(int) const = delete;
  /// What E says of its agents one by one is not about the one that stands for them.
  float potential(int) const = delete;
  float counterfactual(int) const = delete;
  void reward_components(int, const auto&) const = delete;

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(this->env_, out_);
  }

 private:
  POLIS_HD static View<E> view_of(const View<Together>& view) {
    return View<E>(view.config(), view.task(), view.data());
  }

  Array<bool, members> out_{};  // who has no part in the episode any more
};

}  // namespace polis
