// TimeLimit<E, Steps>: the environment E, cut off after `Steps` steps.
//
// The cut is a truncation, not a termination: an estimator goes on valuing what lay behind it. A wrapper is
// an environment like any other: it has the abilities that E has and no more, E's roles, settings, tasks and
// data. Its contexts, views and joint actions *are* those of E (they derive from them), so that E is handed
// them as they are.
#pragma once

#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>

namespace polis {

template <Environment E, int Steps>
class TimeLimit;

template <class E, int Steps>
struct Actions<TimeLimit<E, Steps>> : Actions<E> {};

template <class E, int Steps>
class View<TimeLimit<E, Steps>> : public View<E> {
 public:
  using View<E>::View;
};

template <class E, int Steps>
class Context<TimeLimit<E, Steps>> : public Context<E> {
 public:
  using Context<E>::Context;
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

/// E, truncated after `Steps` steps unless it ended before.
template <Environment E, int Steps>
class TimeLimit : public internal::StateOf<E> {
  static_assert(Steps > 0, "a time limit is at least one step");

 public:
  using Roles = RolesOf<E>;
  using Task = TaskOf<E>;
  using Config = ConfigOf<E>;
  using Dataset = DatasetOf<E>;
  static constexpr RewardStructure rewards = E::rewards;
  static constexpr EventOrder order = event_order<E>();

  POLIS_HD void reset(Context<TimeLimit>& ctx) {
    steps_ = 0;
    env_.reset(static_cast<Context<E>&>(ctx));
  }

  POLIS_HD void step(const Actions<TimeLimit>& actions, Context<TimeLimit>& ctx) {
    env_.step(static_cast<const Actions<E>&>(actions), static_cast<Context<E>&>(ctx));
    if (++steps_ >= Steps) ctx.truncate();
  }

  // The other members take whatever arguments E's take: by agent or by role, with the view or without.
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

  static Task task(int stage, const Config& config, const Dataset& data, Random& random)
    requires HasStages<E>
  {
    return E::task(stage, config, data, random);
  }

  static constexpr auto curriculum_template()
    requires requires { E::curriculum_template(); }
  {
    return E::curriculum_template();
  }

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(env_, steps_);
  }

  /// The environment inside.
  POLIS_HD const E& env() const { return env_; }
  POLIS_HD E& env() { return env_; }

 private:
  E env_{};
  int steps_ = 0;
};

}  // namespace polis
