// Agents that remember what came of their actions: the collecting half of the learners from a replay.
//
// Each agent of each lane is a row. What decides, and what a transition is of, is a unit: one row, or all of
// a lane's rows where a mixer or a critic joins them. How a row chooses its action is the learner's own
// (q_agents.hpp, actor_q_agents.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/rows.hpp>
#include <polis/buffer/replay.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/transpose.hpp>
#include <polis/distribution/interval.hpp>
#include <polis/normalization/observations.hpp>

namespace polis::internal {

/// Up to 64 rows that decide: row rows[i], agent who[i] of a lane, sees observations[places[i] * words].
struct DecidingRows {
  const float* observations;
  const int *places, *rows;
  const float* masks;  // [row][flags]; null where there are none
  int count;
  Array<int, tile_rows> who;
  Array<std::uint32_t, tile_rows> lanes, streams;  // of their random numbers
};

/// `Words` is the sentence: its slots and Config. `R` is the role whose spaces the agents have, `Width` the
/// agents of a unit, `Tiles` what one thread needs to choose actions, made by default.
template <class Words, class E, int R, int Width, class Arch, class Tiles>
class ReplayAgents {
 public:
  using Observation = typename RoleOf<E, R>::Observation;
  using Action = typename RoleOf<E, R>::Action;
  using Config = typename Words::Config;
  static constexpr bool discrete = Action::kind == SpaceKind::discrete;
  static constexpr int action_words = Action::words;
  static constexpr int id_features = Words::AgentIds::template features<E>;
  static constexpr int features = Observation::features + id_features;
  static constexpr int state_words = Words::template state_words<E>();
  /// Whether flags are stored with what follows: which actions are legal, and in a team who acts at all.
  static constexpr bool masked = (discrete && HasLegalActions<E>) || Words::joint;
  static constexpr int flags = discrete ? Action::features : 1;
  static constexpr bool normalizes =
      !std::is_same_v<typename Words::ObservationNormalization, RawObservations>;
  using ObservationState = typename Words::ObservationNormalization::State;

  /// Scratch memory of one thread.
  struct Scratch {
    Tiles tiles;
    float* actions;           // [action_words][64], chosen
    float *observed, *masks;  // [row][...], of a run that is only watched
    FloatArena memory;
    std::vector<int> rows;
  };

  [[gnu::cold]] ReplayAgents(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : config_(config),
        agents_(std::move(agents)),
        seed_(seed),
        observations_(config.observations, Observation::words) {}

  /// Sizes everything for the lanes of `env` and this number of threads.
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    lanes_ = env.lanes();
    ReplayShape shape;
    shape.units = lanes_ * units_per_lane();
    shape.capacity = std::max(1, config_.buffer.capacity / shape.units);
    shape.n_step = config_.n_step;
    shape.width = Width;
    shape.observation = Observation::words;
    shape.action = action_words;
    shape.mask = masked ? flags : 0;
    shape.state = state_words;
    shape.rewards = Words::each_reward ? Width : 1;
    replay_ = typename Words::Buffer::Arrays(config_.buffer, shape);
    const std::size_t rows = index(lanes_) * agents_.size();
    places_ = FixedArray<int>(rows);
    masks_ = FixedArray<float>(rows * (masked ? flags : 0));
    scratch_ = FixedArray<Scratch>(index(threads), [&](std::size_t) { return make_scratch(rows, 0); });
    if constexpr (normalizes) {
      seen_ = AlignedVector<float>(index(interval()) * rows * Observation::words);
      decided_ = FixedArray<char>(index(interval()) * rows);
    }
    begun_ = 0;
  }

  /// Steps of every lane between two looks at whether it is time to learn.
  [[nodiscard]] int interval() const { return std::max(1, config_.update_every / std::max(1, lanes_)); }
  [[nodiscard]] bool due(const Clock& clock) const {
    return clock.batch_steps >= begun_ + static_cast<std::uint64_t>(interval());
  }

  /// Adds the rewards of the step just made, and completes the transitions of episodes that ended.
  void record(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int u = 0; u < units_per_lane(); ++u) {
        const int unit = lane * units_per_lane() + u;
        if (replay_.pending(unit) == 0) continue;
        const Outcome outcome = outcome_of(*tile.env, lane, u);
        replay_.reward(unit, outcome.rewards.data());
        if (outcome.end == End::terminated) replay_.terminate(unit);
        if (outcome.end == End::truncated) {
          store_final(*tile.env, lane, u, replay_.newest(unit));
          replay_.truncate(unit, config_.discount);
        }
      }
    }
  }

  [[nodiscard]] const std::vector<int>& agents() const { return agents_; }
  [[nodiscard]] const typename Words::Buffer::Arrays& replay() const { return replay_; }
  [[nodiscard]] const ObservationState& observation_state() const { return observations_; }

  [[gnu::cold]] void archive(auto& a) {
    a.section("replay-agents");
    a(observations_, replay_, begun_);
    a.fixed(seen_), a.fixed(decided_);
  }

 protected:
  struct Outcome {
    Array<float, Words::each_reward ? Width : 1> rewards;
    End end;
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] int group_size() const { return static_cast<int>(agents_.size()); }
  [[nodiscard]] int units_per_lane() const { return group_size() / Width; }
  [[nodiscard]] int agent(int a) const { return agents_[index(a)]; }
  /// The number of the j-th agent of the unit whose transition is at a place.
  [[nodiscard]] int agent_of(int id, int j) const {
    return agent(replay_.unit_of(id) % units_per_lane() * Width + j);
  }
  [[nodiscard]] static const float* mask_of(const DecidingRows& d, int i) {
    return masked ? d.masks + d.rows[i] * flags : nullptr;
  }

  [[nodiscard, gnu::cold]] Scratch make_scratch(std::size_t rows, std::size_t watched) const {
    Scratch s{};
    s.memory = FloatArena({{&s.actions, index(action_words) * tile_rows},
                           {&s.observed, watched * Observation::words},
                           {&s.masks, masked ? watched * flags : 0}});
    s.rows.reserve(rows);
    return s;
  }
  [[nodiscard, gnu::cold]] Scratch make_watching_scratch(int lanes) const {
    const std::size_t rows = index(lanes) * agents_.size();
    return make_scratch(rows, rows);
  }

  /// Begins the transitions of the tile's units that decide. choose(scratch, deciding rows) writes the
  /// actions of up to 64 of their rows to the scratch; they are kept and handed to the environment.
  template <class Choose>
  void act_by(LaneTile<E>& tile, Choose&& choose) {
    Scratch& s = scratch_[index(tile.worker)];
    s.rows.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int u = 0; u < units_per_lane(); ++u) begin_transition(tile, s, lane, lane * units_per_lane() + u);
    }
    for_tiles(s.rows, [&](const int* rows, int count) {
      Array<int, tile_rows> places{};
      for (int i = 0; i < count; ++i) places[i] = places_[index(rows[i])];
      choose(s, deciding(tile, replay_.observations.data, places.data(), rows, masks_.data(), count));
      for (int i = 0; i < count; ++i) {
        float* kept = &replay_.actions.data[std::ptrdiff_t{places[i]} * action_words];
        for (int k = 0; k < action_words; ++k) kept[k] = s.actions[k * tile_rows + i];
        hand_over(tile, rows[i], s.actions + i);
      }
    });
  }
  /// The same without learning, in an environment of the caller's.
  template <class Choose>
  void play_by(LaneTile<E>& tile, Scratch& s, Choose&& choose) const {
    s.rows.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = lane * group_size() + a;
        if (!tile.env->deciding(lane, agent(a))) continue;
        tile.env->observe_agent(lane, agent(a), Row{s.observed + row * Observation::words});
        if constexpr (masked) read_mask(*tile.env, lane, a, s.masks + row * flags);
        s.rows.push_back(row);
      }
    }
    for_tiles(s.rows, [&](const int* rows, int count) {
      choose(s, deciding(tile, s.observed, rows, rows, s.masks, count));
      for (int i = 0; i < count; ++i) hand_over(tile, rows[i], s.actions + i);
    });
  }

  /// Learns as many times as steps have been made since the last call, in steps of `update_every`.
  template <class Learn>
  void catch_up(const Clock& clock, Learn&& learn) {
    const auto every = static_cast<std::uint64_t>(config_.update_every);
    const auto before = begun_ * static_cast<std::uint64_t>(lanes_);
    const std::uint64_t owed = clock.steps / every - before / every;
    learn_observations(clock);
    begun_ = clock.batch_steps;
    replay_.settle();
    if (clock.steps < static_cast<std::uint64_t>(config_.learning_starts) || replay_.size() == 0) return;
    for (std::uint64_t i = 0; i < owed; ++i) learn();
  }

  /// Network inputs: observations base[ids[i]], seen by agents number who[i].
  void gather_features(const float* base, int stride, const int* ids, const int* who, int count,
                       float* tile) const {
    if constexpr (stored_as_features<Observation>) {
      observations_.template gather<Arch>(base, stride, ids, count, Observation::words, tile);
    } else {
      gather_expanded<Observation>(base, stride, ids, count, tile);
    }
    if constexpr (id_features > 0) {
      float* one_hot = tile + Observation::features * tile_rows;
      std::fill_n(one_hot, id_features * tile_rows, 0.f);
      for (int i = 0; i < tile_rows; ++i) one_hot[who[std::min(i, count - 1)] * tile_rows + i] = 1.f;
    }
  }

 private:
  template <class F>
  static void for_tiles(const std::vector<int>& rows, F&& f) {
    for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
      f(rows.data() + first, static_cast<int>(std::min<std::size_t>(tile_rows, rows.size() - first)));
    }
  }
  [[nodiscard]] DecidingRows deciding(const LaneTile<E>& tile, const float* observations, const int* places,
                                      const int* rows, const float* masks, int count) const {
    DecidingRows d{observations, places, rows, masks, count, {}, {}, {}};
    for (int i = 0; i < count; ++i) {
      d.who[i] = agent(rows[i] % group_size());
      d.lanes[i] = tile.env->global_lane(rows[i] / group_size());
      d.streams[i] = static_cast<std::uint32_t>(d.who[i]);
    }
    return d;
  }
  /// Hands an action, word k at words[k * 64], to the environment; numbers of a Box in its own unit.
  void hand_over(LaneTile<E>& tile, int row, const float* words) const {
    auto& joint = tile.actions[row / group_size() - tile.first];
    const int who = agent(row % group_size());
    if constexpr (Action::kind == SpaceKind::box) {
      Array<float, action_words> scaled{};
      for (int k = 0; k < action_words; ++k) {
        const Interval<Action, float> interval(k);
        scaled[k] = interval.middle() + .5f * interval.length() * words[k * tile_rows];
      }
      MultiAgentEnv<E>::set_action(joint, who, In<float>{scaled.data()});
    } else {
      MultiAgentEnv<E>::set_action(joint, who, In<float>{words, tile_rows});
    }
  }

  /// Adds what was seen since the last update to the statistics of observations.
  void learn_observations([[maybe_unused]] const Clock& clock) {
    if constexpr (normalizes) {
      const int steps = static_cast<int>(clock.batch_steps - begun_);
      const int rows = static_cast<int>(places_.size());
      observations_.learn(row_major(seen_.data(), steps, rows, int{Observation::words}),
                          [&](std::ptrdiff_t step, std::ptrdiff_t row) {
                            return decided_[static_cast<std::size_t>(step * rows + row)] != 0;
                          });
    }
  }

  /// The legal actions of the a-th agent here. Error: there is none.
  void read_mask(const MultiAgentEnv<E>& env, int lane, int a, float* mask) const {
    if constexpr (discrete) {
      env.legal_agent(lane, agent(a), Row{mask}, flags);
      if (std::all_of(mask, mask + flags, [](float flag) { return flag == 0.f; })) {
        throw Error("no action is legal",
                    "lane " + std::to_string(lane) + ", agent " + std::to_string(agent(a)) + ", step " +
                        std::to_string(env.steps_in_episode(lane)) + " of its episode",
                    "at least one flag that `legal` leaves set; or an agent that is not acting");
      }
    } else {
      *mask = 1;
    }
  }

  /// Begins a transition if the unit decides, and completes the one that this decision follows on.
  void begin_transition(LaneTile<E>& tile, Scratch& s, int lane, int unit) {
    const MultiAgentEnv<E>& env = *tile.env;
    const int first = unit % units_per_lane() * Width;
    if (env.steps_in_episode(lane) == 0) replay_.drop(unit);  // cut off from outside
    bool decides = false;
    for (int j = 0; j < Width; ++j) decides = decides || env.deciding(lane, agent(first + j));
    if constexpr (normalizes) std::fill_n(&decided_[seen_at(tile, lane, first)], Width, char{0});
    if (!decides) return;
    const int id = replay_.begin(unit, config_.discount);
    for (int j = 0; j < Width; ++j) {
      const int row = lane * group_size() + first + j;
      float* observed = &replay_.observations.data[(std::ptrdiff_t{id} * Width + j) * Observation::words];
      float* mask = masked ? masks_.data() + index(row) * flags : nullptr;
      if (!env.deciding(lane, agent(first + j))) {
        std::fill_n(observed, Observation::words, 0.f);
        if constexpr (masked) std::fill_n(mask, flags, 0.f);
        replay_.actions(id, j, 0) = ReplayArrays::no_action;
        continue;
      }
      env.observe_agent(lane, agent(first + j), Row{observed});
      if constexpr (masked) read_mask(env, lane, first + j, mask);
      if constexpr (normalizes) {
        const std::size_t at = seen_at(tile, lane, first + j);
        std::copy_n(observed, Observation::words, seen_.data() + at * Observation::words);
        decided_[at] = 1;
      }
      places_[index(row)] = id * Width + j;
      s.rows.push_back(row);
    }
    if constexpr (state_words > 0) env.state(lane, Row{&replay_.states(id, 0)});
    replay_.link(unit, masked ? masks_.data() + index(lane * group_size() + first) * flags : nullptr);
  }
  /// Where a row of this interval is kept for the statistics of observations.
  [[nodiscard]] std::size_t seen_at(const LaneTile<E>& tile, int lane, int a) const {
    const std::size_t rows = index(lanes_) * agents_.size();
    return static_cast<std::size_t>(tile.step - begun_) * rows + index(lane * group_size() + a);
  }

  /// What the step brought the u-th unit of a lane: the reward that its members share, or that of each; and
  /// the end of the episode or of its last member.
  [[nodiscard]] Outcome outcome_of(const MultiAgentEnv<E>& env, int lane, int u) const {
    Outcome outcome{{}, End::none};
    bool anyone = false, rewarded = false;
    for (int j = 0; j < Width; ++j) {
      const int who = agent(u * Width + j);
      const End end = env.end(lane, who);
      anyone = anyone || env.alive(lane, who);
      if (end != End::none) outcome.end = std::max(outcome.end, end);
      if constexpr (Words::each_reward) {
        outcome.rewards[j] = env.reward(lane, who);
      } else if (!rewarded && (env.alive(lane, who) || end != End::none)) {
        outcome.rewards[0] = env.reward(lane, who), rewarded = true;
      }
    }
    if (anyone) outcome.end = End::none;
    return outcome;
  }

  /// What a unit sees of an episode that was cut off, as what follows the transition at `id`.
  void store_final(const MultiAgentEnv<E>& env, int lane, int u, int id) {
    for (int j = 0; j < Width; ++j) {
      const int who = agent(u * Width + j);
      env.observe_agent(lane, who, Row{&replay_.next_observations(id, j, 0)});
      if constexpr (masked) {
        float* mask = &replay_.next_masks(id, j, 0);
        const bool acts = env.end(lane, who) == End::truncated && (Width == 1 || env.acting(lane, who));
        if constexpr (discrete) {
          env.legal_agent(lane, who, Row{mask}, flags);
        } else {
          *mask = 1;
        }
        if (!acts) std::fill_n(mask, flags, 0.f);
      }
    }
    if constexpr (state_words > 0) env.state(lane, Row{&replay_.next_states(id, 0)});
  }

 protected:
  Config config_;
  std::vector<int> agents_;
  std::uint64_t seed_;
  ObservationState observations_;
  typename Words::Buffer::Arrays replay_;
  int lanes_ = 0;

 private:
  FixedArray<int> places_;       // [row]: where in the replay its observation is
  FixedArray<float> masks_;      // [row][flags]: legal now
  FixedArray<Scratch> scratch_;  // [worker]
  AlignedVector<float> seen_;    // [interval][row][words], for statistics
  FixedArray<char> decided_;     // [interval][row]
  std::uint64_t begun_ = 0;      // batch step of the last update
};

}  // namespace polis::internal
