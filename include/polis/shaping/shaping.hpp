// What agents are paid while they learn, where that is not what the environment pays.
//
// A word of shaping changes the rewards of a step after it was made and before the learner takes note of
// them. Nothing else sees the changed ones: episode returns, evaluations and curricula go by the
// environment's own.
#pragma once

#include <concepts>
#include <cstddef>

#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/env/multi_agent_env.hpp>

namespace polis {

/// From which decision to which a transition of the learner spans, with one discount for it: from an agent's
/// to its next, from one of any of its agents to the next of any, or from step to step.
enum class Spans { decisions, team_decisions, steps };

/// The learner that a word of shaping serves: for which agents it learns, `agents` of them from `first`, in
/// how many lanes, and how it counts time.
struct ShapedLearning {
  int lanes = 0;
  int first = 0, agents = 0;
  float discount = 1;
  Spans spans = Spans::decisions;
};

/// What a word asks of an environment and of the learner; a word states what differs.
struct ShapesRewards {
  using word = word::Shaping;
  static constexpr bool shapes = true;
  static constexpr bool needs_potential = false;
  static constexpr bool needs_counterfactual = false;
  static constexpr bool needs_target = false;
  static constexpr bool needs_others = false;
  static constexpr bool needs_components = false;
  /// Whether agents of E that have one reward still have one.
  template <class E>
  static constexpr bool keeps_shared_rewards = false;
};

/// Agents learn from what the environment pays.
struct NoShaping : ShapesRewards {
  static constexpr bool shapes = false;
  template <class E>
  static constexpr bool keeps_shared_rewards = true;
  struct Config {
    static constexpr void fields(auto&, auto&&) {}
  };
};

/// A word of shaping keeps what it remembers of every lane in a `State`: `before` looks at a lane that is
/// about to step, `after` changes the rewards of the step, one for each agent of E, in place; only those of
/// the learner's own agents are learnt from. Both are called for different lanes by several threads at a
/// time, `update` between two collections by one.
template <class W, class E>
concept ShapingWord = requires(typename W::template State<E>& state, const typename W::Config& config,
                               const MultiAgentEnv<E>& env, const Actions<E>& actions, Row rewards) {
  state = typename W::template State<E>(config, ShapedLearning{});
  state.before(env, 0);
  state.after(env, 0, actions, rewards);
  state.update();
  state.metrics([](const char*, double) {});
};

}  // namespace polis
