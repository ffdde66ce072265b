// What every wrapper of an environment is made from.
//
// A wrapper is an environment made of another. It derives from Wrapper<E>, which hands on every ability that
// E has and no other, E's roles, settings, tasks and data; the wrapper states what it changes. Naming what is
// inside, in one line before its definition, makes its views and contexts *be* those of E (they derive from
// them), so that E is handed them as they are:
//
//     template <Environment E> class Echo;
//     template <class E> struct InsideOf<Echo<E>> { using type = E; };
//     template <class E> struct Actions<Echo<E>> : Actions<E> {};  // where E takes its actions as they are
//
//     template <Environment E> class Echo : public Wrapper<E> {
//      public:
//       POLIS_HD void reset(Context<Echo>& ctx) { this->env_.reset(static_cast<Context<E>&>(ctx)); }
//       POLIS_HD void step(const Actions<Echo>& actions, Context<Echo>& ctx) { ... }
//     };
#pragma once

#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>

namespace polis {

/// `type`: the environment inside the wrapper W. Nothing for an environment that is no wrapper.
template <class W>
struct InsideOf {};

/// Says what it wraps. Its views and contexts are those of the environment inside.
template <class W>
concept WrapsAnEnvironment = requires { typename InsideOf<W>::type; };

template <WrapsAnEnvironment W>
class View<W> : public View<typename InsideOf<W>::type> {
 public:
  using View<typename InsideOf<W>::type>::View;
};

template <WrapsAnEnvironment W>
class Context<W> : public Context<typename InsideOf<W>::type> {
 public:
  using Context<typename InsideOf<W>::type>::Context;
};

namespace internal {

/// E's State, where it has one.
template <class E>
struct StateOf {};
template <class E>
  requires requires { typename E::State; }
struct StateOf<E> {
  using State = typename E::State;
};

}  // namespace internal

/// E with all its abilities, but without `reset` and `step`, which are the wrapper's.
template <Environment E>
class Wrapper : public internal::StateOf<E> {
 public:
  using Roles = RolesOf<E>;
  using Task = TaskOf<E>;
  using Config = ConfigOf<E>;
  using Dataset = DatasetOf<E>;
  static constexpr RewardStructure rewards = E::rewards;
  static constexpr EventOrder order = event_order<E>();

  // These take whatever arguments E's take: by agent or by role, with the view or without.
  template <class... A>
  POLIS_HD void observe(const A&... arguments) const
    requires requires(const E& e) { e.observe(arguments...); }
  {
    env_.observe(arguments...);
  }

  template <class... A>
  POLIS_HD void state(const A&... arguments) const
    requires requires(const E& e) { e.state(arguments...); }
  {
    env_.state(arguments...);
  }

  template <class... A>
  POLIS_HD void legal(const A&... arguments) const
    requires requires(const E& e) { e.legal(arguments...); }
  {
    env_.legal(arguments...);
  }

  template <class... A>
  POLIS_HD bool acting(const A&... arguments) const
    requires requires(const E& e) { e.acting(arguments...); }
  {
    return env_.acting(arguments...);
  }

  template <class... A>
  POLIS_HD float potential(const A&... arguments) const
    requires requires(const E& e) { e.potential(arguments...); }
  {
    return env_.potential(arguments...);
  }

  template <class... A>
  POLIS_HD float counterfactual(const A&... arguments) const
    requires requires(const E& e) { e.counterfactual(arguments...); }
  {
    return env_.counterfactual(arguments...);
  }

  template <class... A>
  POLIS_HD auto target_actions(const A&... arguments) const
    requires requires(const E& e) { e.target_actions(arguments...); }
  {
    return env_.target_actions(arguments...);
  }

  void reward_components(int agent, auto&& visit) const
    requires requires(const E& e) { e.reward_components(agent, visit); }
  {
    env_.reward_components(agent, visit);
  }

  POLIS_HD float success() const
    requires StatesSuccess<E>
  {
    return static_cast<float>(env_.success());
  }

  void metrics(auto&& visit) const
    requires HasMetrics<E>
  {
    env_.metrics(visit);
  }

  static int stages(const Config& config, const Dataset& data)
    requires HasStages<E>
  {
    return E::stages(config, data);
  }

  POLIS_HD static Task task(int stage, const Config& config, const Dataset& data, Random& random)
    requires HasStages<E>
  {
    return E::task(stage, config, data, random);
  }

  static constexpr auto curriculum_template()
    requires requires { E::curriculum_template(); }
  {
    return E::curriculum_template();
  }

  /// A wrapper with a state of its own archives both.
  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(env_);
  }

  /// The environment inside.
  POLIS_HD const E& env() const { return env_; }
  POLIS_HD E& env() { return env_; }

 protected:
  E env_{};
};

}  // namespace polis
