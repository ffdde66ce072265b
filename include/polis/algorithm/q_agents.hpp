// Agents that act by the values of their actions and remember what came of it: the collecting half of
// Q-learning.
//
// Each agent of each lane is a row. What decides, and what a transition is of, is a unit: one row, or all of
// a lane's rows where a mixer joins them. The learning half is q_update.hpp.
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
#include <polis/core/random.hpp>
#include <polis/core/transpose.hpp>
#include <polis/exploration/epsilon_greedy.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// The features of the state that a mixer sees; 0 where it sees none.
template <class Mixer, class E>
constexpr int mixer_state_features() {
  if constexpr (Mixer::needs_state) {
    return E::State::features;
  } else {
    return 0;
  }
}

/// `Words` is the sentence (q_learning.hpp): its slots and Config. `R` is the role whose spaces the agents
/// have, `Width` the agents of a unit.
template <class Words, class E, int R, int Width, class Arch>
class QAgents {
 public:
  using Observation = typename RoleOf<E, R>::Observation;
  using Config = typename Words::Config;
  static constexpr int actions = RoleOf<E, R>::Action::size;
  static constexpr int id_features = Words::AgentIds::template features<E>;
  static constexpr int features = Observation::features + id_features;
  using Network = typename Words::Network::template network<features, actions, typename Words::Activation>;
  static constexpr int state_features = mixer_state_features<typename Words::Mixer, E>();
  using Mixer = typename Words::Mixer::template mixer<Width, state_features>;
  using ObservationState = typename Words::ObservationNormalization::State;
  using Exploration = typename Words::Exploration;
  /// Whether flags are stored with what follows: which actions are legal, and in a team who acts at all.
  static constexpr bool masked = HasLegalActions<E> || Words::Mixer::joint;
  static constexpr bool normalizes =
      !std::is_same_v<typename Words::ObservationNormalization, RawObservations>;

  /// Scratch memory of one thread.
  struct Scratch {
    float *features, *values, *cache, *uniforms;  // tiles
    float *observed, *masks;                      // [row][...], of a run that is only watched
    FloatArena memory;
    std::vector<int> rows;
  };
  struct Memory {
    Scratch scratch;
  };

  [[gnu::cold]] QAgents(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : config_(config),
        agents_(std::move(agents)),
        seed_(seed),
        observations_(config.observations, Observation::words),
        weights_(layout()) {
    Random random(seed_, 0, 0, static_cast<std::uint32_t>(agents_.front()), Purpose::initialization);
    initialize<typename Words::Initialization>(config.initialization, weights_.layout(), weights_.values(),
                                               1.f, random);
    explores_ = Exploration::amount(config_.exploration, 0);
  }

  /// Sizes everything for the lanes of `env` and this number of threads.
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    lanes_ = env.lanes();
    ReplayShape shape;
    shape.units = lanes_ * units_per_lane();
    shape.capacity = std::max(1, config_.buffer.capacity / shape.units);
    shape.n_step = config_.n_step;
    shape.width = Width;
    shape.observation = Observation::words;
    shape.mask = masked ? actions : 0;
    if constexpr (Words::Mixer::needs_state) shape.state = E::State::words;
    replay_ = typename Words::Buffer::Arrays(config_.buffer, shape);
    const std::size_t rows = index(lanes_) * agents_.size();
    places_ = FixedArray<int>(rows);
    masks_ = FixedArray<float>(rows * (masked ? actions : 0));
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

  /// Chooses actions for the rows of the tile that decide, and begins their units' transitions.
  void act(LaneTile<E>& tile) {
    Scratch& s = scratch_[index(tile.worker)];
    s.rows.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int u = 0; u < units_per_lane(); ++u) begin_transition(tile, s, lane, lane * units_per_lane() + u);
    }
    for_tiles(s.rows, [&](const int* rows, int count) {
      Array<int, tile_rows> places{};
      for (int i = 0; i < count; ++i) places[i] = places_[index(rows[i])];
      const auto mask = [this](int row) { return masked ? masks_.data() + index(row) * actions : nullptr; };
      choose(tile, s, replay_.observations.data, places.data(), rows, count, explores_, Purpose::exploration,
             mask);
      for (int i = 0; i < count; ++i) {
        const int row = rows[i];
        replay_.actions.data[places[i]] = static_cast<float>(MultiAgentEnv<E>::chosen(
            tile.actions[row / group_size() - tile.first], agent(row % group_size())));
      }
    });
  }

  /// Adds the rewards of the step just made, and completes the transitions of episodes that ended.
  void record(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int u = 0; u < units_per_lane(); ++u) {
        const int unit = lane * units_per_lane() + u;
        if (replay_.pending(unit) == 0) continue;
        const Outcome outcome = outcome_of(*tile.env, lane, u);
        replay_.reward(unit, outcome.reward);
        if (outcome.end == End::terminated) replay_.terminate(unit);
        if (outcome.end == End::truncated) {
          store_final(*tile.env, lane, u, replay_.newest(unit));
          replay_.truncate(unit, config_.discount);
        }
      }
    }
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const {
    const std::size_t rows = index(lanes) * agents_.size();
    return {make_scratch(rows, rows)};
  }

  /// Acts without learning, in an environment of the caller's: greedily, or as it explores now.
  [[gnu::noinline]] void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    Scratch& s = memory.scratch;
    s.rows.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = lane * group_size() + a;
        if (!tile.env->deciding(lane, agent(a))) continue;
        tile.env->observe_agent(lane, agent(a), Row{s.observed + row * Observation::words});
        if constexpr (masked) read_mask(*tile.env, lane, a, s.masks + row * actions);
        s.rows.push_back(row);
      }
    }
    for_tiles(s.rows, [&](const int* rows, int count) {
      const auto mask = [&s](int row) { return masked ? s.masks + row * actions : nullptr; };
      choose(tile, s, s.observed, rows, rows, count, how == Play::greedy ? 0.f : explores_,
             Purpose::evaluation, mask);
    });
  }

  [[nodiscard]] const std::vector<int>& agents() const { return agents_; }
  [[nodiscard]] FlatParameters& weights() { return weights_; }
  [[nodiscard]] const FlatParameters& weights() const { return weights_; }
  [[nodiscard]] const typename Words::Buffer::Arrays& replay() const { return replay_; }
  [[nodiscard]] const ObservationState& observation_state() const { return observations_; }

  [[gnu::cold]] void archive(auto& a) {
    a.section("q-agents");
    a(weights_, observations_, replay_, begun_, explores_);
    a.fixed(seen_), a.fixed(decided_);
  }

 protected:
  struct Outcome {
    float reward;
    End end;
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] int group_size() const { return static_cast<int>(agents_.size()); }
  [[nodiscard]] int units_per_lane() const { return group_size() / Width; }
  [[nodiscard]] int agent(int a) const { return agents_[index(a)]; }

  static Layout layout() {
    Layout layout;
    append(layout, "agent.", Network::layout());
    append(layout, "mixer.", Mixer::layout());
    return layout;
  }

  [[nodiscard, gnu::cold]] Scratch make_scratch(std::size_t rows, std::size_t watched) const {
    Scratch s{};
    s.memory = FloatArena({{&s.features, index(features) * tile_rows},
                           {&s.values, index(actions) * tile_rows},
                           {&s.cache, index(Network::cache_size)},
                           {&s.uniforms, index(Exploration::draws) * tile_rows},
                           {&s.observed, watched * Observation::words},
                           {&s.masks, masked ? watched * actions : 0}});
    s.rows.reserve(rows);
    return s;
  }

  template <class F>
  static void for_tiles(const std::vector<int>& rows, F&& f) {
    for (std::size_t first = 0; first < rows.size(); first += tile_rows) {
      f(rows.data() + first, static_cast<int>(std::min<std::size_t>(tile_rows, rows.size() - first)));
    }
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

  /// The legal actions of the a-th agent here. Error: there is none.
  void read_mask(const MultiAgentEnv<E>& env, int lane, int a, float* mask) const {
    env.legal_agent(lane, agent(a), Row{mask}, actions);
    if (std::all_of(mask, mask + actions, [](float flag) { return flag == 0.f; })) {
      throw Error("no action is legal",
                  "lane " + std::to_string(lane) + ", agent " + std::to_string(agent(a)) + ", step " +
                      std::to_string(env.steps_in_episode(lane)) + " of its episode",
                  "at least one flag that `legal` leaves set; or an agent that is not acting");
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
      float* mask = masked ? masks_.data() + index(row) * actions : nullptr;
      if (!env.deciding(lane, agent(first + j))) {
        std::fill_n(observed, Observation::words, 0.f);
        if constexpr (masked) std::fill_n(mask, actions, 0.f);
        replay_.actions(id, j) = -1;
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
    if constexpr (Words::Mixer::needs_state) env.state(lane, Row{&replay_.states(id, 0)});
    replay_.link(unit, masked ? masks_.data() + index(lane * group_size() + first) * actions : nullptr);
  }
  /// Where a row of this interval is kept for the statistics of observations.
  [[nodiscard]] std::size_t seen_at(const LaneTile<E>& tile, int lane, int a) const {
    const std::size_t rows = index(lanes_) * agents_.size();
    return static_cast<std::size_t>(tile.step - begun_) * rows + index(lane * group_size() + a);
  }

  /// Chooses actions for up to 64 rows by their observations base[places[i]].
  template <class Mask>
  void choose(LaneTile<E>& tile, Scratch& s, const float* base, const int* places, const int* rows, int count,
              float amount, Purpose purpose, const Mask& mask) const {
    Array<std::uint32_t, tile_rows> lanes{}, streams{};
    Array<int, tile_rows> who{};
    for (int i = 0; i < count; ++i) {
      who[i] = agent(rows[i] % group_size());
      lanes[i] = tile.env->global_lane(rows[i] / group_size());
      streams[i] = static_cast<std::uint32_t>(who[i]);
    }
    gather_features(base, Observation::words, places, who.data(), count, s.features);
    Network::template forward<Arch>(weights_.data(), s.features, nullptr, s.values, s.cache, count);
    philox_uniform_tile<Arch>(seed_, tile.step, purpose, lanes.data(), streams.data(), count,
                              Exploration::draws, s.uniforms);
    for (int i = 0; i < count; ++i) {
      const auto action =
          static_cast<float>(Exploration::choose(amount, In<float>{s.values + i, tile_rows}, mask(rows[i]),
                                                 actions, In<float>{s.uniforms + i, tile_rows}));
      MultiAgentEnv<E>::set_action(tile.actions[rows[i] / group_size() - tile.first], who[i],
                                   In<float>{&action});
    }
  }

  /// What the step brought the u-th unit of a lane: of a team the reward that its members share, and the end
  /// of the episode or of its last member.
  [[nodiscard]] Outcome outcome_of(const MultiAgentEnv<E>& env, int lane, int u) const {
    Outcome outcome{0, End::none};
    bool anyone = false, rewarded = false;
    for (int j = 0; j < Width; ++j) {
      const int who = agent(u * Width + j);
      const End end = env.end(lane, who);
      anyone = anyone || env.alive(lane, who);
      if (end != End::none) outcome.end = std::max(outcome.end, end);
      if (!rewarded && (env.alive(lane, who) || end != End::none)) {
        outcome.reward = env.reward(lane, who), rewarded = true;
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
        env.legal_agent(lane, who, Row{mask}, actions);
        const bool acts = env.end(lane, who) == End::truncated && (Width == 1 || env.acting(lane, who));
        if (!acts) std::fill_n(mask, actions, 0.f);
      }
    }
    if constexpr (Words::Mixer::needs_state) env.state(lane, Row{&replay_.next_states(id, 0)});
  }

  Config config_;
  std::vector<int> agents_;
  std::uint64_t seed_;
  ObservationState observations_;
  FlatParameters weights_;
  typename Words::Buffer::Arrays replay_;
  FixedArray<int> places_;       // [row]: where in the replay its observation is
  FixedArray<float> masks_;      // [row][actions]: legal now
  FixedArray<Scratch> scratch_;  // [worker]
  AlignedVector<float> seen_;    // [interval][row][words], for statistics
  FixedArray<char> decided_;     // [interval][row]
  int lanes_ = 0;
  float explores_ = 1;       // how much, as training has gone on
  std::uint64_t begun_ = 0;  // batch step of the last update
};

}  // namespace polis::internal
