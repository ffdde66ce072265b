// Agents that act by an actor, whose actions a Q-critic values: the collecting half. The learning half is
// actor_q_update.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/critic_views.hpp>
#include <polis/algorithm/q_agents.hpp>
#include <polis/algorithm/replay_agents.hpp>
#include <polis/core/random.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/nn/ensemble.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/policy/actor.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// The networks of a sentence for a role. A critic's inputs are what it sees, the number of the agent that it
/// values where it sees for several, and their actions.
template <class Words, class E, int R, int Width>
struct ActorQNetworks {
  using Observation = typename RoleOf<E, R>::Observation;
  using Action = typename RoleOf<E, R>::Action;
  using Head = typename Words::Actor::template head<Action>;
  static constexpr int features = Observation::features + Words::AgentIds::template features<E>;
  using Actor = typename Words::Network::template network<features, Head::inputs, typename Words::Activation>;

  static constexpr int seen() {
    if constexpr (Words::Critic::needs_state) {
      return E::State::features;
    } else {
      return Words::joint ? Width * Observation::features : features;
    }
  }
  static constexpr int ids_at = seen(), ids = Words::joint ? Width : 0;
  static constexpr int actions_at = ids_at + ids;
  /// Of an expectation the agent's own action is no input but an output each.
  static constexpr int action_inputs = (Head::expected ? Width - 1 : Width) * Head::features;
  static constexpr int values = Head::expected ? Head::features : 1;
  using OneCritic = typename Words::Network::template network<actions_at + action_inputs, values,
                                                              typename Words::Activation>;
  using Critics = EnsembleNetwork<OneCritic, Words::Critics::count>;

  static constexpr int words = Action::words;
  static constexpr int noise_draws = Words::Exploration::template draws<words>;
  static constexpr int draws = std::max(Head::noise + noise_draws, words);
  struct Tiles : ChoosingTiles<Actor, draws> {
    alignas(cache_line) float actions[Head::features * tile_rows] = {};
    alignas(cache_line) float masks[Head::features * tile_rows] = {};
  };
};

/// f(r) for the first row r of every register of `rows` rows.
template <class Arch, class F>
[[gnu::always_inline]] inline void for_registers(int rows, F&& f) {
  for (int r = 0; r < rows; r += batch_width<Batch<Arch>>) f(r);
}

template <class Words, class E, int R, int Width, class Arch>
class ActorQAgents
    : public ReplayAgents<Words, E, R, Width, Arch, typename ActorQNetworks<Words, E, R, Width>::Tiles> {
 public:
  using Networks = ActorQNetworks<Words, E, R, Width>;
  using Base = ReplayAgents<Words, E, R, Width, Arch, typename Networks::Tiles>;
  using typename Base::Config, typename Base::Observation, typename Base::Scratch;
  using Head = typename Networks::Head;
  using Actor = typename Networks::Actor;
  using Exploration = typename Words::Exploration;
  static constexpr int words = Networks::words;
  static constexpr int noise_memory = Exploration::template memory<words>;

  struct Memory {
    Scratch scratch;
    FixedArray<float> noise;  // [row][noise_memory]
  };

  [[gnu::cold]] ActorQAgents(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed), weights_(layout()) {
    Random random(seed, 0, 0, static_cast<std::uint32_t>(this->agents_.front()), Purpose::initialization);
    initialize<typename Words::Initialization>(config.initialization, weights_.layout(), weights_.values(),
                                               1.f, random);
    if constexpr (Head::entropic) *log_temperature() = std::log(config.actor.temperature);
  }

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    Base::prepare(env, threads);
    noise_ = FixedArray<float>(rows_of(env.lanes()) * noise_memory);
  }

  /// Chooses actions for the rows of the tile that decide, and begins their units' transitions. Before
  /// learning starts they are uniform over the legal ones.
  void act(LaneTile<E>& tile) {
    const bool started =
        tile.step * static_cast<std::uint64_t>(this->lanes_) >= static_cast<std::uint64_t>(learning_starts());
    this->act_by(tile, [&](Scratch& s, const DecidingRows& rows) {
      if (started) {
        choose(tile, s, rows, noise_.data(), Play::sampled, Purpose::exploration);
      } else {
        choose_uniformly(tile, s, rows);
      }
    });
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const {
    return {this->make_watching_scratch(lanes), FixedArray<float>(rows_of(lanes) * noise_memory)};
  }

  /// Acts without learning, in an environment of the caller's: greedily, or as it explores now.
  [[gnu::noinline]] void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    this->play_by(tile, memory.scratch, [&](Scratch& s, const DecidingRows& rows) {
      choose(tile, s, rows, memory.noise.data(), how, Purpose::evaluation);
    });
  }

  /// The actor's weights; the last of an actor with a temperature is its logarithm.
  [[nodiscard]] FlatParameters& weights() { return weights_; }
  [[nodiscard]] const FlatParameters& weights() const { return weights_; }
  [[nodiscard]] float temperature() const {
    if constexpr (Head::entropic) {
      return std::exp(weights_.data()[Actor::parameters]);
    } else {
      return 0;
    }
  }

  /// Saves or restores all that `play` depends on: the policy, for pools of opponents.
  [[gnu::cold]] void archive_policy(auto& a) { a(weights_, this->observations_); }
  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a(weights_);
    a.fixed(noise_);
  }

 protected:
  /// Puts the legality flags [flags] of a row in a tile; null: all are legal.
  static void set_mask(float* tile, int row, const float* mask) {
    for (int k = 0; k < Head::features; ++k) tile[k * tile_rows + row] = mask ? mask[k] : 1.f;
  }

 private:
  static Layout layout() {
    Layout layout;
    append(layout, "actor.", Actor::layout());
    if constexpr (Head::entropic) append(layout, "log_temperature", 1, 1, BlockKind::free);
    return layout;
  }
  [[nodiscard]] float* log_temperature() { return weights_.data() + Actor::parameters; }
  [[nodiscard]] int learning_starts() const { return this->config_.learning_starts; }
  [[nodiscard]] std::size_t rows_of(int lanes) const {
    return static_cast<std::size_t>(lanes) * this->agents_.size();
  }

  /// Chooses the actions of up to 64 rows; noise [row][noise_memory] goes on from step to step.
  void choose(const LaneTile<E>& tile, Scratch& s, const DecidingRows& rows, float* noise, Play how,
              Purpose purpose) const {
    typename Networks::Tiles& t = s.tiles;
    this->gather_features(rows.observations, Observation::words, rows.places, rows.who.data(), rows.count,
                          t.features);
    Actor::template forward<Arch>(weights_.data(), t.features, nullptr, t.outputs, t.cache, rows.count);
    const bool sampled = how == Play::sampled;
    if (sampled) draw(tile, s, rows, purpose);
    const float* masks = nullptr;
    if constexpr (Base::discrete && Base::masked) {
      for (int i = 0; i < rows.count; ++i) set_mask(t.masks, i, Base::mask_of(rows, i));
      masks = t.masks;
    }
    using T = Batch<Arch>;
    for_registers<Arch>(rows.count, [&](int r) {
      const In<T> outputs{t.outputs + r, tile_rows}, mask{masks ? masks + r : nullptr, tile_rows};
      const Out<T> action{t.actions + r, tile_rows};
      if (sampled) {
        Head::template sample<T>(this->config_.actor, outputs, mask, In<T>{t.uniforms + r, tile_rows},
                                 action);
      } else {
        Head::template greedy<T>(this->config_.actor, outputs, mask, action);
      }
    });
    for (int i = 0; i < rows.count; ++i) {
      const Out<float> action{t.actions + i, tile_rows};
      if (sampled && Networks::noise_draws > 0) {
        float* const memory = noise + rows.rows[i] * noise_memory;
        if (tile.env->steps_in_episode(rows.rows[i] / this->group_size()) == 0) {
          std::fill_n(memory, noise_memory, 0.f);
        }
        Exploration::template perturb<words>(this->config_.exploration,
                                             In<float>{t.uniforms + Head::noise * tile_rows + i, tile_rows},
                                             memory, action);
      }
      write_words(In<float>{action.data, tile_rows}, s.actions + i);
    }
  }
  void choose_uniformly(const LaneTile<E>& tile, Scratch& s, const DecidingRows& rows) const {
    draw(tile, s, rows, Purpose::exploration);
    for (int i = 0; i < rows.count; ++i) {
      const In<float> uniforms{s.tiles.uniforms + i, tile_rows};
      if constexpr (Base::discrete) {
        s.actions[i] = static_cast<float>(uniform_action(Base::mask_of(rows, i), Base::flags, uniforms[0]));
      } else {
        for (int k = 0; k < words; ++k) s.actions[k * tile_rows + i] = 2 * uniforms[k] - 1;
      }
    }
  }
  void draw(const LaneTile<E>& tile, Scratch& s, const DecidingRows& rows, Purpose purpose) const {
    philox_uniform_tile<Arch>(this->seed_, tile.step, purpose, rows.lanes.data(), rows.streams.data(),
                              rows.count, Networks::draws, s.tiles.uniforms);
  }
  /// The words of an action, word k at words[k * 64], from the critic's inputs for it.
  static void write_words(In<float> action, float* to) {
    if constexpr (Base::discrete) {
      *to = static_cast<float>(greedy_action(action, nullptr, Head::features));
    } else {
      for (int k = 0; k < words; ++k) to[k * tile_rows] = action[k];
    }
  }

 protected:
  [[nodiscard]] FixedArray<float>& noise() { return noise_; }

  FlatParameters weights_;

 private:
  FixedArray<float> noise_;  // [row][noise_memory]
};

}  // namespace polis::internal
