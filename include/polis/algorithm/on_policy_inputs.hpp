// What the networks of agents with one set of weights see: observations, states, legal actions, who they are.
//
// A row is one agent of one lane. What it sees is stored as the spaces' words and becomes network inputs when
// rows are gathered into tiles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/rows.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/core/transpose.hpp>
#include <polis/policy/native.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

/// `Words` is the sentence (see actor_critic.hpp): its slots and Config. `R` is the role whose spaces the
/// agents have.
template <class Words, class E, int R, class Arch>
class OnPolicyInputs {
 public:
  using Role = RoleOf<E, R>;
  using Observation = typename Role::Observation;
  using Action = typename Role::Action;
  using Parts =
      PolicyParts<E, Observation, Action, typename Words::Network, typename Words::Activation,
                  typename Words::Initialization, typename Words::Distribution, typename Words::Critic,
                  typename Words::AgentIds, typename Words::OpponentModel, R>;
  using Policy = typename Words::Policy::template policy<Parts>;
  using Parameters = typename Policy::Parameters;
  using Config = typename Words::Config;
  using ObservationState = typename Words::ObservationNormalization::State;

  static constexpr bool central = Words::Critic::needs_state;
  static constexpr bool counterfactual = Words::Critic::counterfactual;
  static constexpr bool models = Words::OpponentModel::models;
  /// Whether a state has one value for all agents, which stands in the row of the first one.
  static constexpr bool team = values_team<typename Words::Critic>;
  static constexpr int carry_size = Policy::carry_size;
  static constexpr int mask_size = HasLegalActions<E> ? Policy::mask_size : 0;
  /// Whether rows of living agents that do not act are samples of the critic.
  static constexpr bool idle = Words::ActiveMasks::keeps_idle && HasTurns<E>;
  /// Whether a decision may still wait for its rewards when a rollout ends.
  static constexpr bool turns = HasTurns<E> && !idle;
  /// Floats of the state that a central critic sees.
  static constexpr int state_words() {
    if constexpr (central) {
      return E::State::words;
    } else {
      return 0;
    }
  }
  /// Whether it is kept what all agents of a lane do, for a counterfactual critic or a model of opponents.
  static constexpr bool joint = counterfactual || models;
  static constexpr int joint_words = joint ? JointAction<E>::words : 0;
  static constexpr int other_words = models ? joint_words - Action::words : 0;

  OnPolicyInputs(const Config& config, std::vector<int> agents)
      : config_(config), agents_(std::move(agents)), observations_(config.observations, Observation::words) {}

  [[nodiscard]] const std::vector<int>& agents() const { return agents_; }
  /// Network inputs of the actor for one observation of one of these agents, in every row of the tile.
  void features_of(int agent, const float* observation, float* tile) const {
    const auto at = std::find(agents_.begin(), agents_.end(), agent) - agents_.begin();
    const int row = static_cast<int>(at);
    gather_features(observation, nullptr, &row, 1, tile);
  }
  [[nodiscard]] const ObservationState& observation_state() const { return observations_; }
  [[nodiscard]] ObservationState& observation_state() { return observations_; }

 protected:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] int group_size() const { return static_cast<int>(agents_.size()); }
  [[nodiscard]] int agent(int a) const { return agents_[index(a)]; }
  /// The row of the a-th agent of a lane, and the lane of a row.
  [[nodiscard]] int row_of(int lane, int a) const { return (lane - first_lane_) * group_size() + a; }
  [[nodiscard]] int lane_of(int row) const { return first_lane_ + row / group_size(); }
  /// Whether a value is kept in this row.
  [[nodiscard]] bool leads(int row) const { return !team || row % group_size() == 0; }
  /// Where the state of a row or of a sample is kept.
  [[nodiscard]] int state_of(int row) const { return team ? row / group_size() : row; }
  /// Whether the agent of a row has a part in the next step.
  [[nodiscard]] bool counts(const MultiAgentEnv<E>& env, int row) const {
    const int lane = lane_of(row), who = agent(row % group_size());
    return idle ? env.alive(lane, who) : env.deciding(lane, who);
  }

  /// The legal actions of the a-th agent here. Error: there is none.
  void read_mask(const MultiAgentEnv<E>& env, int lane, int a, float* mask) const {
    env.legal_agent(lane, agent(a), Row{mask}, mask_size);
    if (!Parts::Distribution::valid(In<float>{mask})) no_legal_action(env, lane, agent(a));
  }
  [[noreturn, gnu::cold]] static void no_legal_action(const MultiAgentEnv<E>& env, int lane, int agent) {
    throw Error(
        "no action is legal",
        concat({"lane ", lane, ", agent ", agent, ", step ", env.steps_in_episode(lane), " of its episode"}),
        "at least one flag that `legal` leaves set, of each part of the action; or an agent that is "
        "not acting");
  }

  /// What the critic of a row sees now, as words: `observe` writes to `out` for a local one.
  void read_critic(const MultiAgentEnv<E>& env, int row, Row out) const {
    const int lane = lane_of(row), who = agent(row % group_size());
    if constexpr (idle) {
      if (!env.acting(lane, who)) {  // an agent that is out of action is a row of zeros, and who it is
        std::fill_n(&out[0], central ? state_words() : Observation::words, 0.f);
        return;
      }
    }
    if constexpr (central) {
      env.state(lane, out);
    } else {
      env.observe_agent(lane, who, out);
    }
  }

  /// Network inputs of the actor: observations base[ids[i]] (ids null: consecutive ones) of the rows rows[i].
  void gather_features(const float* base, const int* ids, const int* rows, int count, float* tile) const {
    if constexpr (stored_as_features<Observation>) {
      observations_.template gather<Arch>(base, Observation::words, ids, count, Observation::words, tile);
    } else {
      gather_expanded<Observation>(base, Observation::words, ids, count, tile);
    }
    append_ids(rows, count, tile + Observation::features * tile_rows);
  }
  /// Network inputs of a central critic: states base[ids[i]] of the rows rows[i], of a counterfactual one
  /// also the joint actions.
  void gather_states(const float* base, [[maybe_unused]] const float* joint_actions, const int* ids,
                     const int* rows, int count, float* tile) const {
    if constexpr (central) {
      gather_elements<Arch, typename E::State>(base, state_words(), ids, count, tile);
      float* after = tile + E::State::features * tile_rows;
      if constexpr (counterfactual) {
        append_others(joint_actions, ids, rows, count, after);
        after += JointAction<E>::features * tile_rows;
      }
      append_ids(rows, count, after);
    }
  }

  /// What the agents other than each row's own do, [other_words][64]: of joint actions base[ids[i]] of the
  /// rows rows[i]. `anyone` [64] says whether any of them acts.
  void gather_others(const float* base, const int* ids, const int* rows, int count, float* tile,
                     float* anyone) const {
    for (int i = 0; i < tile_rows; ++i) {
      const int at = std::min(i, count - 1);
      const int own = JointAction<E>::word(agent(rows[at] % group_size()));
      const float* actions = base + static_cast<std::ptrdiff_t>(ids[at]) * joint_words;
      anyone[i] = 0;
      for (int word = 0; word < other_words; ++word) {
        const float action = actions[word < own ? word : word + Action::words];
        tile[word * tile_rows + i] = action;
        if (action >= 0) anyone[i] = 1;
      }
    }
  }

  Config config_;
  std::vector<int> agents_;
  ObservationState observations_;
  int first_lane_ = 0;  // of those that are handled here

 private:
  /// The number of each row's agent, one-hot; padding repeats the last row.
  void append_ids(const int* rows, int count, float* tile) const {
    if constexpr (Parts::ids > 0) {
      std::fill_n(tile, Parts::ids * tile_rows, 0.f);
      for (int i = 0; i < tile_rows; ++i) {
        const int row = rows[std::min(i, count - 1)];
        tile[agent(row % group_size()) * tile_rows + i] = 1.f;
      }
    }
  }
  /// What the agents other than each row's own do, one-hot.
  void append_others(const float* base, const int* ids, const int* rows, int count, float* tile) const {
    std::fill_n(tile, JointAction<E>::features * tile_rows, 0.f);
    for (int i = 0; i < tile_rows; ++i) {
      const int at = std::min(i, count - 1), own = agent(rows[at] % group_size());
      const float* actions = base + static_cast<std::ptrdiff_t>(ids ? ids[at] : at) * joint_words;
      for (int other = 0; other < agent_count<E>; ++other) {
        const int action = static_cast<int>(actions[other]);
        if (other == own || action < 0) continue;
        tile[(JointAction<E>::where(other) + action) * tile_rows + i] = 1.f;
      }
    }
  }
};

}  // namespace polis::internal
