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
#include <polis/normalization/observations.hpp>

namespace polis::internal {

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
  static constexpr bool keeps_masks = discrete && HasLegalActions<E> && Words::learns_by_masks;  // its own
  static constexpr bool normalizes =
      !std::is_same_v<typename Words::ObservationNormalization, RawObservations>;
  static constexpr bool in_episodes = keeps_episodes<typename Words::Buffer>;
  static constexpr int carry_size = carry_size_of<Tiles>();
  using ObservationState = typename Words::ObservationNormalization::State;

  /// Scratch memory of one thread.
  struct Scratch {
    Tiles tiles;
    float* actions;                     // [action_words][64], chosen
    float *observed, *masks, *carries;  // [row][...], of a run that is only watched
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
    typename Words::Buffer::Arrays::Shape shape;
    shape.units = lanes_ * units_per_lane();
    shape.capacity = std::max(1, config_.buffer.capacity / shape.units);
    if constexpr (in_episodes) {
      shape.longest = longest_interval_ = config_.buffer.longest;
      shape.carry = carry_size;
      interval_ = 1, counted_ = 0;
    } else {
      shape.n_step = config_.n_step;
      shape.own_mask = keeps_masks ? flags : 0;
      interval_ = longest_interval_ = std::max(1, config_.update_every / lanes_);
    }
    shape.width = Width, shape.observation = Observation::words, shape.action = action_words;
    shape.mask = masked ? flags : 0, shape.state = state_words;
    shape.rewards = Words::each_reward ? Width : 1;
    auto buffer = config_.buffer;
    if constexpr (requires { buffer.file; })  // a file for each set of weights
      if (agents_.front() > 0) buffer.file += '.' + std::to_string(agents_.front());
    replay_ = typename Words::Buffer::Arrays(buffer, shape);
    const std::size_t rows = index(lanes_) * agents_.size();
    places_ = FixedArray<int>(rows);
    masks_ = FixedArray<float>(rows * (masked ? flags : 0));
    carries_ = AlignedVector<float>(rows * carry_size);
    scratch_ = FixedArray<Scratch>(index(threads), [&](std::size_t) { return make_scratch(rows, 0); });
    if constexpr (normalizes) {
      seen_ = AlignedVector<float>(index(longest_interval_) * rows * Observation::words);
      decided_ = FixedArray<char>(index(longest_interval_) * rows);
    }
    begun_ = 0;
  }

  /// Steps of every lane between two looks at whether it is time to learn; of episodes, about those in which
  /// an update's come in.
  [[nodiscard]] int interval() const { return interval_; }
  [[nodiscard]] bool due(const Clock& clock) const {
    return clock.batch_steps >= begun_ + static_cast<std::uint64_t>(interval_);
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
          store_final(*tile.env, lane, u, replay_.following(unit));
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
    a(observations_, replay_, begun_, interval_, counted_);
    a.fixed(carries_), a.fixed(seen_), a.fixed(decided_);
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
                           {&s.masks, masked ? watched * flags : 0},
                           {&s.carries, watched * carry_size}});
    s.rows.reserve(rows);
    return s;
  }
  [[nodiscard, gnu::cold]] Scratch make_watching_scratch(int lanes) const {
    return make_scratch(index(lanes) * agents_.size(), index(lanes) * agents_.size());
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
      choose(s, deciding(tile, replay_.observations.data, places.data(), rows, masks_.data(), carries_.data(),
                         count));
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
        if (tile.env->steps_in_episode(lane) == 0) forget(s.carries, row, 1);
        if (!tile.env->deciding(lane, agent(a))) continue;
        tile.env->observe_agent(lane, agent(a), Row{s.observed + row * Observation::words});
        if constexpr (masked) read_mask(*tile.env, lane, a, s.masks + row * flags);
        s.rows.push_back(row);
      }
    }
    for_tiles(s.rows, [&](const int* rows, int count) {
      choose(s, deciding(tile, s.observed, rows, rows, s.masks, s.carries, count));
      for (int i = 0; i < count; ++i) hand_over(tile, rows[i], s.actions + i);
    });
  }

  /// Learns as often as what came in since the last call is worth, in steps or episodes of `update_every`.
  template <class Learn>
  void catch_up(const Clock& clock, Learn&& learn) {
    const auto every = static_cast<std::uint64_t>(config_.update_every);
    std::uint64_t before = begun_ * static_cast<std::uint64_t>(lanes_), now = clock.steps, least = 1;
    learn_observations(clock);
    begun_ = clock.batch_steps;
    replay_.settle();
    if constexpr (in_episodes) {
      before = std::exchange(counted_, replay_.total()), now = counted_;
      least = static_cast<std::uint64_t>(config_.batch);
      // As many steps as an update's episodes take, by all that there have been.
      const std::uint64_t expected = now > 0 ? every * clock.batch_steps / now : 1;
      interval_ = static_cast<int>(std::clamp<std::uint64_t>(expected, 1, index(longest_interval_)));
    }
    const std::uint64_t owed = now / every - before / every;
    if (clock.steps < static_cast<std::uint64_t>(config_.learning_starts) || replay_.size() < least) return;
    for (std::uint64_t i = 0; i < owed; ++i) learn();
  }

  /// Network inputs: observations base[ids[i]].
  void gather_observations(const float* base, int stride, const int* ids, int count, float* tile) const {
    if constexpr (stored_as_features<Observation>) {
      observations_.template gather<Arch>(base, stride, ids, count, Observation::words, tile);
    } else {
      gather_expanded<Observation>(base, stride, ids, count, tile);
    }
  }
  /// The same, seen by agents who[i].
  void gather_features(const float* base, int stride, const int* ids, const int* who, int count,
                       float* tile) const {
    gather_observations(base, stride, ids, count, tile);
    if constexpr (id_features > 0) {
      float* one_hot = tile + Observation::features * tile_rows;
      std::fill_n(one_hot, id_features * tile_rows, 0.f);
      for (int i = 0; i < tile_rows; ++i) one_hot[who[std::min(i, count - 1)] * tile_rows + i] = 1.f;
    }
  }

 private:
  [[nodiscard]] DecidingRows deciding(const LaneTile<E>& tile, const float* observations, const int* places,
                                      const int* rows, const float* masks, float* carries, int count) const {
    DecidingRows d{observations, places, rows, masks, carries, count, {}, {}, {}};
    for (int i = 0; i < count; ++i) {
      d.who[i] = agent(rows[i] % group_size());
      d.lanes[i] = tile.env->global_lane(rows[i] / group_size());
      d.streams[i] = static_cast<std::uint32_t>(d.who[i]);
    }
    return d;
  }
  /// Hands an action, word k at words[k * 64], to the environment.
  void hand_over(LaneTile<E>& tile, int row, const float* words) const {
    set_scaled_action<Action, MultiAgentEnv<E>>(tile.actions[row / group_size() - tile.first],
                                                agent(row % group_size()), words);
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
    const int first_row = lane * group_size() + first;
    if (replay_.pending(unit) == 0) forget(carries_.data(), first_row, Width);
    const int id = replay_.begin(unit, config_.discount);
    if constexpr (carry_size > 0) {
      const float* from = &carries_[index(first_row) * carry_size];
      if (replay_.starts(unit)) std::copy_n(from, Width * carry_size, replay_.first_carries(unit));
    }
    for (int j = 0; j < Width; ++j) {
      const int row = first_row + j;
      float* observed = &replay_.observations.data[(std::ptrdiff_t{id} * Width + j) * Observation::words];
      float* mask = masked ? masks_.data() + index(row) * flags : nullptr;
      if (!env.deciding(lane, agent(first + j))) {
        std::fill_n(observed, Observation::words, 0.f);
        if constexpr (masked) std::fill_n(mask, flags, 0.f);
        replay_.actions(id, j, 0) = no_action;
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
    float* const mask = masked ? masks_.data() + index(first_row) * flags : nullptr;
    if constexpr (keeps_masks) std::copy_n(mask, Width * flags, &replay_.masks(id, 0, 0));
    replay_.link(unit, mask);
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

  /// What a unit sees of an episode that was cut off, as what follows its last decision.
  template <class Following>
  void store_final(const MultiAgentEnv<E>& env, int lane, int u, const Following& to) {
    for (int j = 0; j < Width; ++j) {
      const int who = agent(u * Width + j);
      env.observe_agent(lane, who, Row{to.observations + j * Observation::words});
      if constexpr (masked) {
        float* mask = to.masks + j * flags;
        const bool acts = env.end(lane, who) == End::truncated && (Width == 1 || env.acting(lane, who));
        if constexpr (discrete) {
          env.legal_agent(lane, who, Row{mask}, flags);
        } else {
          *mask = 1;
        }
        if (!acts) std::fill_n(mask, flags, 0.f);
      }
    }
    if constexpr (state_words > 0) env.state(lane, Row{to.state});
  }
  /// `rows` rows begin an episode: nothing of the one before is carried into it.
  static void forget(float* carries, int row, int rows) {
    if constexpr (carry_size > 0)
      std::fill_n(carries + index(row) * carry_size, index(rows) * carry_size, 0.f);
  }

 protected:
  Config config_;
  std::vector<int> agents_;
  std::uint64_t seed_;
  ObservationState observations_;
  typename Words::Buffer::Arrays replay_;
  int lanes_ = 0;
  std::uint64_t begun_ = 0;  // batch step of the last update

 private:
  FixedArray<int> places_;        // [row]: where in the replay its observation is
  FixedArray<float> masks_;       // [row][flags]: legal now
  FixedArray<Scratch> scratch_;   // [worker]
  AlignedVector<float> carries_;  // [row][carry_size], as of now
  AlignedVector<float> seen_;     // [interval][row][words], for statistics
  FixedArray<char> decided_;      // [interval][row]
  int interval_ = 1, longest_interval_ = 1;
  std::uint64_t counted_ = 0;  // episodes that were complete then
};

}  // namespace polis::internal
