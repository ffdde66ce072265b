// MultiAgentEnv<E>: a batch of lanes, each a copy of the environment E, with automatic reset.
//
// Usable alone (`reset`, `step`, `observe`), and what a Trainer drives in tiles of lanes: `advance` steps one
// lane and leaves it where it ended, so that the final observation can still be read (a truncated episode is
// valued there, not after the reset); `renew` then starts its next episode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>
#include <polis/core/text.hpp>
#include <polis/core/word.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/hints.hpp>
#include <polis/env/lane.hpp>

namespace polis {

/// A batch of lanes of the environment E. `lane_offset` is the global number of its first lane, so that the
/// lanes of several batches (ranks, evaluations) draw different random numbers from one seed.
template <Environment E>
class MultiAgentEnv {
 public:
  using word = word::Environment;
  using EnvironmentType = E;
  static constexpr int agents = agent_count<E>;

  [[gnu::cold]] MultiAgentEnv(int lanes, std::uint64_t seed, ConfigOf<E> config = {}, DatasetOf<E> data = {},
                              std::uint32_t lane_offset = 0)
      : config_(std::move(config)), data_(std::move(data)), seed_(seed), lane_offset_(lane_offset) {
    if (lanes < 1) throw Error(concat({"lanes = ", lanes}), "MultiAgentEnv", "at least 1");
    const auto count = static_cast<std::size_t>(lanes);
    lanes_ = FixedArray<Lane>(count);
  }

  [[nodiscard]] int lanes() const { return static_cast<int>(lanes_.size()); }
  [[nodiscard]] const ConfigOf<E>& config() const { return config_; }
  [[nodiscard]] const DatasetOf<E>& data() const { return data_; }
  [[nodiscard]] DefaultTasks<E> default_tasks() const { return {&config_, &data_}; }

  /// Lanes in groups of `group` begin their episodes alike from the next `reset` on: the k-th episode after
  /// it has the same task and the same first state in all lanes of a group, and only what follows tells them
  /// apart. 1: every lane on its own.
  void begin_alike(int group) { group_ = group; }
  [[nodiscard]] int group() const { return group_; }

  /// Starts a first episode in every lane. `tasks(random)` gives each its Assignment.
  template <class Tasks>
  void reset(Tasks&& tasks) {
    for (Lane& lane : lanes_) lane.first_step = lane.step, lane.episodes = 0;
    for (int lane = 0; lane < lanes(); ++lane) begin(lane, tasks);
  }
  void reset() { reset(default_tasks()); }

  /// One step of one lane. Afterwards reward, end and over tell its outcome; an ended lane must be renewed.
  /// The episode is over when the environment says so, or when its last agent is out.
  void advance(int lane, const Actions<E>& actions) {
    lanes_[index(lane)].advance(actions, streams(lane), config_, data_);
  }

  /// Starts the next episode of a lane whose episode is over.
  template <class Tasks>
  void renew(int lane, Tasks&& tasks) {
    if (over(lane)) begin(lane, tasks);
  }

  /// Steps every lane and renews those that ended; `final_observation` holds what their agents saw last.
  /// `actions` has one entry a lane.
  void step(std::span<const Actions<E>> actions)
    requires(role_count<E> == 1)
  {
    if (static_cast<int>(actions.size()) != lanes()) {
      throw Error(concat({actions.size(), " joint actions"}), "MultiAgentEnv::step",
                  concat({lanes(), ", one a lane"}));
    }
    constexpr std::size_t words = RoleOf<E, 0>::Observation::words;
    if (final_.size() == 0) final_ = FixedArray<float>(lanes_.size() * agents * words);
    for (int lane = 0; lane < lanes(); ++lane) {
      advance(lane, actions[index(lane)]);
      if (!over(lane)) continue;
      for (int i = 0; i < agents; ++i) observe<0>(lane, i, Row{&final_[row(lane, i) * words]});
      begin(lane, default_tasks());
    }
  }

  /// The observation before the automatic reset, after a `step` in which the agent's episode ended.
  [[nodiscard]] std::span<const float> final_observation(int lane, int agent) const
    requires(role_count<E> == 1)
  {
    constexpr std::size_t words = RoleOf<E, 0>::Observation::words;
    return std::span<const float>(final_.data(), final_.size()).subspan(row(lane, agent) * words, words);
  }

  [[nodiscard]] float reward(int lane, int agent) const { return lanes_[index(lane)].rewards[agent]; }
  /// Shows another reward of the last step in place of the environment's; an episode's total stays as it is.
  void set_reward(int lane, int agent, float reward) { lanes_[index(lane)].rewards[agent] = reward; }
  [[nodiscard]] End end(int lane, int agent) const { return lanes_[index(lane)].ends[agent]; }
  [[nodiscard]] const Episode& episode(int lane) const { return lanes_[index(lane)].episode; }
  [[nodiscard]] bool over(int lane) const { return lanes_[index(lane)].over(); }
  /// Puts an agent of a lane in or out of the sight of who acts by this batch: somebody else acts for it, and
  /// it neither decides nor lives here. Not saved: who sets it sets it again.
  void set_away(int lane, int agent, bool away) { lanes_[index(lane)].away[agent] = away ? 1 : 0; }
  /// Whether the agent decides at the next step: it lives, and it is its turn.
  template <int R>
  [[nodiscard]] bool deciding(int lane, int agent_of_role) const {
    return alive(lane, first_agent<E, R> + agent_of_role) &&
           internal::acting<R>(lanes_[index(lane)].env, agent_of_role);
  }
  /// Writes what the index-th agent of role R sees (RoleOf<E, R>::Observation::words floats).
  template <int R = 0>
  void observe(int lane, int agent_of_role, Row out) const {
    internal::observe<R>(lanes_[index(lane)].env, agent_of_role, out, view(lane));
    if (sensor_.distort) sensor_.distort(sensor_.self, *this, lane, first_agent<E, R> + agent_of_role, out);
  }
  /// Writes the flags of the actions allowed to the index-th agent of role R; all of them where E does not
  /// say.
  template <int R = 0>
  void legal(int lane, int agent_of_role, Row mask, int count) const {
    for (int i = 0; i < count; ++i) mask[i] = 1.f;
    if constexpr (HasLegalActions<E>) internal::legal<R>(lanes_[index(lane)].env, agent_of_role, mask);
  }

  // The same by the agent's number, for those who handle agents of several roles alike.
  [[nodiscard]] bool deciding(int lane, int agent) const {
    return with_role(agent, [&]<int R>(std::integral_constant<int, R>) {
      return deciding<R>(lane, agent - first_agent<E, R>);
    });
  }
  /// Whether the agent has a part in the episode still: it may have to wait, but its end has not come.
  [[nodiscard]] bool alive(int lane, int agent) const { return lanes_[index(lane)].lives(agent); }
  /// Whether the environment would have it act, be its episode over or not.
  [[nodiscard]] bool acting(int lane, int agent) const {
    return with_role(agent, [&]<int R>(std::integral_constant<int, R>) {
      return internal::acting<R>(lanes_[index(lane)].env, agent - first_agent<E, R>);
    });
  }
  /// Whether the agent chooses an action for the next step: here or, where it is away, by another's hand.
  [[nodiscard]] bool chooses(int lane, int agent) const {
    return lanes_[index(lane)].alive[agent] != 0 && acting(lane, agent);
  }
  void observe_agent(int lane, int agent, Row out) const {
    with_role(agent, [&]<int R>(std::integral_constant<int, R>) {
      observe<R>(lane, agent - first_agent<E, R>, out);
      return true;
    });
  }
  void legal_agent(int lane, int agent, Row mask, int count) const {
    with_role(agent, [&]<int R>(std::integral_constant<int, R>) {
      legal<R>(lane, agent - first_agent<E, R>, mask, count);
      return true;
    });
  }
  /// Writes the lane's whole situation (E::State::words floats).
  void state(int lane, Row out) const
    requires HasState<E>
  {
    lanes_[index(lane)].state(out, config_, data_);
  }
  /// How good the lane's situation is for the agent, as the environment's hint.
  [[nodiscard]] float potential(int lane, int agent) const
    requires HasPotential<E>
  {
    return internal::potential(lanes_[index(lane)].env, agent, view(lane));
  }
  /// What all would have been paid for the last step without the agent.
  [[nodiscard]] float counterfactual(int lane, int agent) const
    requires HasCounterfactual<E>
  {
    return internal::counterfactual(lanes_[index(lane)].env, agent, view(lane));
  }
  /// The joint action that would be well coordinated now.
  [[nodiscard]] Actions<E> target_actions(int lane) const
    requires HasTargetActions<E>
  {
    return internal::target_actions(lanes_[index(lane)].env, view(lane));
  }
  /// Puts the action that `words` stand for in the agent's place of a joint action.
  static void set_action(Actions<E>& actions, int agent, In<float> words) {
    internal::set_action<E>(actions, agent, words);
  }

  /// Writes the index or indices that the agent has chosen in a joint action, as words; its space is Discrete
  /// or MultiDiscrete.
  static void chosen(const Actions<E>& actions, int agent, Row words) {
    with_role(agent, [&]<int R>(std::integral_constant<int, R>) {
      using Action = typename RoleOf<E, R>::Action;
      const auto& action = actions.of(typename RoleOf<E, R>::Tag{})[agent - first_agent<E, R>];
      if constexpr (Action::kind == SpaceKind::discrete) {
        words[0] = static_cast<float>(action);
      } else if constexpr (Action::kind == SpaceKind::multi_discrete) {
        for (int i = 0; i < Action::words; ++i) words[i] = static_cast<float>(action[i]);
      }
      return true;
    });
  }

  /// What stands between lanes and agents: `distort` may change what an agent was just given to see.
  struct Sensor {
    void (*distort)(const void* self, const MultiAgentEnv& env, int lane, int agent, Row out) = nullptr;
    const void* self = nullptr;  ///< handed to `distort`; must outlive its use
  };
  /// All observations from now on pass this sensor; a default one changes nothing.
  void set_sensor(Sensor sensor) { sensor_ = sensor; }

  [[nodiscard]] const E& lane(int lane) const { return lanes_[index(lane)].env; }
  [[nodiscard]] E& lane(int lane) { return lanes_[index(lane)].env; }
  [[nodiscard]] const TaskOf<E>& task(int lane) const { return lanes_[index(lane)].task; }
  [[nodiscard]] View<E> view(int lane) const { return View<E>(config_, lanes_[index(lane)].task, data_); }
  /// Steps that the lane has made since its creation, over all its episodes; a step's random numbers depend
  /// on it.
  [[nodiscard]] std::uint32_t steps(int lane) const { return lanes_[index(lane)].step; }
  [[nodiscard]] std::int64_t steps_in_episode(int lane) const { return episode(lane).length; }
  [[nodiscard]] std::uint32_t global_lane(int lane) const {
    return lane_offset_ + static_cast<std::uint32_t>(lane);
  }

  /// The lanes themselves and the seed of their random numbers, for a device that steps them in their place.
  [[nodiscard]] std::span<internal::Lane<E>> records() { return {lanes_.data(), lanes_.size()}; }
  [[nodiscard]] internal::LaneStreams first_streams() const { return streams(0); }

  /// Saves or restores the lanes where they stand. A batch of another size is an Error.
  void archive(auto& a) {
    a.section("lanes");
    a.spread(lanes_);
  }

 private:
  using Lane = internal::Lane<E>;

  static std::size_t index(int lane) { return static_cast<std::size_t>(lane); }
  static std::size_t row(int lane, int agent) {
    return index(lane) * agents + static_cast<std::size_t>(agent);
  }

  [[nodiscard]] internal::LaneStreams streams(int lane) const { return {seed_, global_lane(lane), group_}; }

  /// f(role) for the role of the agent with this number.
  template <class F>
  static bool with_role(int agent, F&& f) {
    return internal::with_role<E>(agent, std::forward<F>(f));
  }

  template <class Tasks>
  void begin(int lane, Tasks&& tasks) {
    lanes_[index(lane)].begin(tasks, streams(lane), config_, data_);
  }

  ConfigOf<E> config_;
  DatasetOf<E> data_;
  std::uint64_t seed_;
  std::uint32_t lane_offset_;
  int group_ = 1;
  Sensor sensor_;
  FixedArray<Lane> lanes_;
  FixedArray<float> final_;
};

}  // namespace polis
