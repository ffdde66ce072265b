// What may come between agents and their environment in an evaluation: noise before their eyes, agents that
// do not follow their policy, actions that arrive late. Nothing here allocates in a step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>
#include <polis/core/text.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/space/space.hpp>
#include <polis/train/suites/actions.hpp>

namespace polis {

namespace internal {

/// Adds normal noise to the real numbers of an observation; indices stay as they are, and so do shares.
template <class S>
struct Noise {
  static constexpr bool any = S::kind == SpaceKind::box;
  static void add([[maybe_unused]] Row words, [[maybe_unused]] float deviation,
                  [[maybe_unused]] Random& random) {
    if constexpr (any) {
      for (int i = 0; i < S::words; ++i) words[i] += deviation * random.normal();
    }
  }
};
template <class... S>
struct Noise<Tuple<S...>> {
  static constexpr bool any = (... || Noise<S>::any);
  static void add(Row words, float deviation, Random& random) {
    ((Noise<S>::add(words, deviation, random), words = words.from(S::words)), ...);
  }
};

}  // namespace internal

/// Normal noise on all real numbers that agents see, in the units in which the environment states them and
/// after all wrappers. The same seed gives the same noise, scaled by the deviation.
template <class E>
class ObservationNoise {
 public:
  ObservationNoise(float deviation, std::uint64_t seed) : deviation_(deviation), seed_(seed) {}

  /// Whether agents of E see real numbers at all.
  static constexpr bool any = []<int... R>(std::integer_sequence<int, R...>) {
    return (... || internal::Noise<typename RoleOf<E, R>::Observation>::any);
  }(std::make_integer_sequence<int, role_count<E>>{});

  /// Stands before the eyes of the agents of `env` from now on; must outlive it.
  void attach(MultiAgentEnv<E>& env) const { env.set_sensor({distort, this}); }

 private:
  static void distort(const void* self, const MultiAgentEnv<E>& env, int lane, int agent, Row out) {
    const auto& noise = *static_cast<const ObservationNoise*>(self);
    Random random(noise.seed_, env.steps(lane), env.global_lane(lane), static_cast<std::uint32_t>(agent),
                  Purpose::noise);
    internal::with_agent<E>(agent, [&]<int R>(std::integral_constant<int, R>, int) {
      internal::Noise<typename RoleOf<E, R>::Observation>::add(out, noise.deviation_, random);
    });
  }

  float deviation_;
  std::uint64_t seed_;
};

/// What an agent does that does not follow its policy.
enum class Replacement { random, neutral };

/// In every episode `count` agents, drawn anew, do not follow the policy `act` but act at random, or do
/// nothing; see set_random_action and set_neutral_action. Error: more agents than there are.
template <class E, class Act>
class DroppedAgents {
 public:
  DroppedAgents(Act act, int count, Replacement replacement, int lanes, std::uint64_t seed)
      : act_(std::move(act)),
        count_(count),
        replacement_(replacement),
        seed_(seed),
        dropped_(static_cast<std::size_t>(lanes)) {
    if (count >= 0 && count <= agent_count<E>) return;
    throw Error(concat({"found ", count}), "dropped agents", concat({"0 to ", agent_count<E>}));
  }

  void operator()(LaneTile<E>& tile) {
    act_(tile);
    for (int i = 0; i < tile.lanes; ++i) {
      const int lane = tile.first + i;
      auto& dropped = dropped_[static_cast<std::size_t>(lane)];
      if (tile.env->steps_in_episode(lane) == 0) draw(*tile.env, lane, dropped);
      for (int k = 0; k < count_; ++k) {
        if (tile.env->deciding(lane, dropped[k])) replace(*tile.env, lane, dropped[k], tile.actions[i]);
      }
    }
  }

 private:
  using Agents = Array<int, agent_count<E>>;  // the first `count_` are dropped

  void draw(const MultiAgentEnv<E>& env, int lane, Agents& agents) const {
    // A number that no agent has: the agents' own streams are what a policy samples its actions from.
    Random random(seed_, env.steps(lane), env.global_lane(lane), agent_count<E>, Purpose::evaluation);
    for (int i = 0; i < agent_count<E>; ++i) agents[i] = i;
    for (int i = 0; i < count_; ++i) std::swap(agents[i], agents[i + random.integer(agent_count<E> - i)]);
  }
  void replace(const MultiAgentEnv<E>& env, int lane, int agent, Actions<E>& actions) const {
    if (replacement_ == Replacement::neutral) return set_neutral_action(env, lane, agent, actions);
    Random random(seed_, env.steps(lane), env.global_lane(lane), static_cast<std::uint32_t>(agent),
                  Purpose::exploration);
    set_random_action(env, lane, agent, random, actions);
  }

  Act act_;
  int count_;
  Replacement replacement_;
  std::uint64_t seed_;
  FixedArray<Agents> dropped_;  // [lane]
};

/// What an agent decides by `act` is done `delay` of its decisions later; until the first arrives, it does
/// nothing (set_neutral_action). An action that is not legal when it arrives is replaced by a random legal
/// one. Error: a negative delay.
template <class E, class Act>
class DelayedActions {
 public:
  DelayedActions(Act act, int delay, int lanes, std::uint64_t seed)
      : act_(std::move(act)),
        delay_(delay),
        seed_(seed),
        decisions_(static_cast<std::size_t>(lanes)),
        waiting_(static_cast<std::size_t>(lanes) * static_cast<std::size_t>(std::max(0, delay))) {
    if (delay < 0) throw Error(concat({"found ", delay}), "delay of actions", "0 or more decisions");
  }

  void operator()(LaneTile<E>& tile) {
    act_(tile);
    if (delay_ == 0) return;
    for (int i = 0; i < tile.lanes; ++i) {
      const int lane = tile.first + i;
      auto& decisions = decisions_[static_cast<std::size_t>(lane)];
      if (tile.env->steps_in_episode(lane) == 0) decisions = {};
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        if (tile.env->deciding(lane, agent))
          exchange(*tile.env, lane, agent, decisions[agent], tile.actions[i]);
      }
    }
  }

 private:
  /// Puts the new decision where the one that is due now was waiting.
  void exchange(const MultiAgentEnv<E>& env, int lane, int agent, int& decisions, Actions<E>& actions) {
    swap_actions<E>(agent, actions, waiting_[static_cast<std::size_t>(lane * delay_ + decisions % delay_)]);
    if (decisions++ < delay_) return set_neutral_action(env, lane, agent, actions);
    if (is_legal_action(env, lane, agent, actions)) return;
    Random random(seed_, env.steps(lane), env.global_lane(lane), static_cast<std::uint32_t>(agent),
                  Purpose::exploration);
    set_random_action(env, lane, agent, random, actions);
  }

  Act act_;
  int delay_;
  std::uint64_t seed_;
  FixedArray<Array<int, agent_count<E>>> decisions_;  // [lane][agent] in this episode
  FixedArray<Actions<E>> waiting_;                    // [lane][decision % delay]
};

}  // namespace polis
