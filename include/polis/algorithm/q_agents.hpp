// Agents that act by the values of their actions: the collecting half of Q-learning. The learning half is
// q_update.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/replay_agents.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/random.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/exploration/epsilon_greedy.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// Tiles of one thread for the choice of actions by a network that needs `draws` random numbers a row.
template <class Network, int draws>
struct ChoosingTiles {
  static constexpr int carry_size = Network::carry_size;
  float *features, *outputs, *cache, *uniforms, *carry;
  FloatArena memory;

  ChoosingTiles() {
    const auto tile = [](int n) { return static_cast<std::size_t>(n) * tile_rows; };
    memory = FloatArena({{&features, tile(Network::inputs)},
                         {&outputs, tile(Network::outputs)},
                         {&cache, static_cast<std::size_t>(Network::cache_size)},
                         {&uniforms, tile(draws)},
                         {&carry, tile(carry_size)}});
  }
};

/// The networks of a Q-learning sentence for a role.
template <class Words, class E, int R, int Width>
struct QNetworks {
  using Role = RoleOf<E, R>;
  static constexpr int features = Role::Observation::features + Words::AgentIds::template features<E>;
  static constexpr int actions = Role::Action::size;
  using Network = typename Words::Network::template network<features, actions, typename Words::Activation>;
  static constexpr int state_features = Words::template state_features<E>();
  using Mixer = typename Words::Mixer::template mixer<Width, state_features>;
  using Tiles = ChoosingTiles<Network, Words::Exploration::draws>;
};

template <class Words, class E, int R, int Width, class Arch>
class QAgents : public ReplayAgents<Words, E, R, Width, Arch, typename QNetworks<Words, E, R, Width>::Tiles> {
  using Networks = QNetworks<Words, E, R, Width>;
  using Base = ReplayAgents<Words, E, R, Width, Arch, typename Networks::Tiles>;

 public:
  using Base::carry_size;
  using typename Base::Config, typename Base::Observation, typename Base::Scratch;
  static constexpr int actions = Networks::actions;
  static constexpr int state_features = Networks::state_features;
  using Network = typename Networks::Network;
  using Mixer = typename Networks::Mixer;
  using Exploration = typename Words::Exploration;

  struct Memory {
    Scratch scratch;
  };

  [[gnu::cold]] QAgents(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed), weights_(layout()) {
    Random random(seed, 0, 0, static_cast<std::uint32_t>(this->agents_.front()), Purpose::initialization);
    initialize<typename Words::Initialization>(config.initialization, weights_.layout(), weights_.values(),
                                               1.f, random);
    explores_ = Exploration::amount(config.exploration, 0);
  }

  /// Chooses actions for the rows of the tile that decide, and begins their units' transitions.
  void act(LaneTile<E>& tile) {
    this->act_by(tile, [&](Scratch& s, const DecidingRows& rows) {
      choose(s, rows, tile.step, explores_, Purpose::exploration);
    });
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const { return {this->make_watching_scratch(lanes)}; }

  /// Acts without learning, in an environment of the caller's: greedily, or as it explores now.
  [[gnu::noinline]] void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    this->play_by(tile, memory.scratch, [&](Scratch& s, const DecidingRows& rows) {
      choose(s, rows, tile.step, how == Play::greedy ? 0.f : explores_, Purpose::evaluation);
    });
  }

  [[nodiscard]] FlatParameters& weights() { return weights_; }
  [[nodiscard]] const FlatParameters& weights() const { return weights_; }

  /// Saves or restores all that `play` depends on: the policy, for pools of opponents.
  [[gnu::cold]] void archive_policy(auto& a) { a(weights_, this->observations_, explores_); }
  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a(weights_, explores_);
  }

 protected:
  /// The mixer's part of the weights.
  static const float* mixer_part(const FlatParameters& weights) {
    return weights.data() + Network::parameters;
  }

  /// Chooses the actions of up to 64 rows.
  void choose(Scratch& s, const DecidingRows& rows, std::uint64_t step, float amount, Purpose purpose) const {
    const typename Networks::Tiles& t = s.tiles;
    this->gather_features(rows.observations, Observation::words, rows.places, rows.who.data(), rows.count,
                          t.features);
    if constexpr (carry_size > 0)
      gather_tile<Arch>(rows.carries, carry_size, rows.rows, rows.count, carry_size, t.carry);
    Network::template forward<Arch>(weights_.data(), t.features, t.carry, t.outputs, t.cache, rows.count);
    if constexpr (carry_size > 0)
      scatter_tile(t.carry, rows.count, carry_size, rows.carries, carry_size, rows.rows);
    philox_uniform_tile<Arch>(this->seed_, step, purpose, rows.lanes.data(), rows.streams.data(), rows.count,
                              Exploration::draws, t.uniforms);
    for (int i = 0; i < rows.count; ++i) {
      s.actions[i] = static_cast<float>(Exploration::choose(amount, In<float>{t.outputs + i, tile_rows},
                                                            Base::mask_of(rows, i), actions,
                                                            In<float>{t.uniforms + i, tile_rows}));
    }
  }

 private:
  static Layout layout() {
    Layout layout;
    append(layout, "agent.", Network::layout());
    append(layout, "mixer.", Mixer::layout());
    return layout;
  }

 protected:
  FlatParameters weights_;
  float explores_ = 1;  // how much, as training has gone on
};

}  // namespace polis::internal
