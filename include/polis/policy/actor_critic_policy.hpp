// The native actor-critic policy: one network for the distribution of actions, one for the value, and the
// free weights of the distribution (log standard deviations).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/distribution.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/row_major.hpp>
#include <polis/policy/actor_critic_workspace.hpp>
#include <polis/policy/carries.hpp>
#include <polis/policy/opponent_model.hpp>
#include <polis/policy/policy.hpp>

namespace polis {

/// How the weights of an actor-critic policy begin.
template <class Initialization>
struct ActorCriticConfig {
  typename Initialization::Config initialization{};
  float policy_gain = .01f;  ///< gain of the actor's output layer: a first policy close to uniform; and of a
                             ///< model of other agents
  float value_gain = 1.f;    ///< gain of the critic's output layer
  float log_std = 0.f;       ///< first log standard deviation of Gaussian actions
  static void fields(auto& self, auto&& visit) {
    visit("initialization", self.initialization);
    visit("policy_gain", self.policy_gain);
    visit("value_gain", self.value_gain);
    visit("log_std", self.log_std);
  }
};

/// An actor and a critic without common weights. `Dist` turns the actor's outputs into a distribution.
///
/// Features: [Features][64] for the actor, [CriticFeatures][64] for the critic. Weights lie in the order
/// actor, critic, free weights of the distribution, model. A critic with several outputs is a counterfactual
/// one: it has a value for each action of a Categorical. A `Model` of other agents makes an embedding of the
/// actor's features, which the actor, and the critic if it sees the same, have for inputs behind them.
template <class Actor, class Critic, class Dist, class Initialization,
          class Model = internal::NoModelOfOthers>
class ActorCriticPolicy {
  static constexpr bool models = Model::models, model_in_critic = Model::in_critic;

 public:
  using Workspace = internal::ActorCriticWorkspace<Actor, Critic, Dist, Model>;
  static constexpr int features = Actor::inputs - Model::width;
  static constexpr int critic_features = Critic::inputs - (model_in_critic ? Model::width : 0);
  static constexpr int carry_size = Actor::carry_size + Critic::carry_size + Model::carry_size;
  /// Words of what the other agents do; see ModelsOpponents.
  static constexpr int other_words = Model::words;
  static constexpr int noise = Dist::noise, words = Dist::words, mask_size = Dist::mask_size;
  static constexpr bool counterfactual = Critic::outputs > 1;
  /// Whether it measures how far it is from another policy; see MeasuresDivergence.
  static constexpr bool measures = Workspace::measures;
  /// Whether actor and critic can be evaluated apart; see EvaluatesParts.
  static constexpr bool parts = carry_size == 0 && !models && !counterfactual;
  /// See TurnsWeightsFor. Where both networks learn row-major all passes are by turned weights, so that
  /// outputs are the same bits in each of them; else the actor's may serve few rows.
  template <class Arch>
  static constexpr bool learns_turned = internal::learn_by_rows<Arch, Actor, Critic>;
  template <class Arch>
  static constexpr bool turns = learns_turned<Arch> || TurnsWeights<Actor>;
  template <class Arch>
  static constexpr bool acts_turned(int rows) {
    return learns_turned<Arch> || (TurnsWeights<Actor> && rows <= internal::turned_rows<Arch>);
  }
  static_assert(Actor::outputs == Dist::inputs && (!counterfactual || Critic::outputs == Dist::inputs));

  using Config = ActorCriticConfig<Initialization>;
  using ActorNetwork = Actor;
  using CriticNetwork = Critic;
  using DistributionType = Dist;
  using Parameters = FlatParameters;

  explicit ActorCriticPolicy(const Config& config = {}) : config_(config) {}

  [[nodiscard, gnu::cold]] static Layout layout() {
    Layout layout;
    append(layout, "actor.", Actor::layout());
    append(layout, "critic.", Critic::layout());
    if constexpr (Dist::weights > 0)
      append(layout, std::string("log_std"), Dist::weights, 1, BlockKind::free);
    if constexpr (models) append(layout, "opponent_model.", Model::layout());
    return layout;
  }

  /// Fresh weights: networks by `Initialization`, the distribution's own by its Config.
  [[nodiscard, gnu::cold]] Parameters parameters(Random& random) const {
    Parameters result(layout());
    const auto values = result.values();
    initialize<Initialization>(config_.initialization, Actor::layout(), values.subspan(0, Actor::parameters),
                               config_.policy_gain, random);
    initialize<Initialization>(config_.initialization, Critic::layout(),
                               values.subspan(Actor::parameters, Critic::parameters), config_.value_gain,
                               random);
    if constexpr (Dist::weights > 0)
      Dist::initialize({.log_std = config_.log_std}, values.data() + free_offset);
    if constexpr (models) {
      Model::template initialize<Initialization>(config_.initialization, values.subspan(model_offset),
                                                 config_.policy_gain, random);
    }
    return result;
  }

  [[nodiscard, gnu::cold]] Workspace workspace(int steps) const { return Workspace::make(steps); }

  /// Turns the weights in the workspace; see TurnsWeightsFor.
  template <class Arch>
    requires(turns<Arch>)
  void turn(const Parameters& weights, Workspace& w) const {
    if constexpr (learns_turned<Arch>) {
      internal::RowMajor<Actor, Arch>::turn(weights.data(), w.turned_actor);
      internal::RowMajor<Critic, Arch>::turn(weights.data() + Actor::parameters, w.turned_critic);
    } else {
      Actor::turn(weights.data(), w.turned_actor);
    }
  }

  /// Samples an action for each row (uniforms: [noise][64]), or with `uniforms` null takes the mode. Writes
  /// actions [words][64] and, unless null, log_prob [64]; advances the actor's part of the carry.
  template <class Arch>
  void act(const Parameters& weights, Workspace& w, const PolicyBatch& batch, const float* uniforms,
           float* carry, float* actions, float* log_prob) const {
    spread_free_weights(weights, w.free_weights);
    const float* const seen = see<Arch>(weights, w, batch.features, carry, 0, batch.rows);
    forward_to_act<Arch>(weights, w, batch, seen, carry);
    for_registers<Arch>(batch.rows, [&](auto at, int row) {
      using T = decltype(at);
      const auto logits = In<T>{w.logits + row, tile_rows};
      const auto free = In<T>{w.free_weights + row, tile_rows};
      const auto mask = batch.masks ? In<T>{batch.masks + row, tile_rows} : In<T>{};
      const auto action = Out<T>{actions + row, tile_rows};
      if (uniforms) {
        Dist::template sample<T>(logits, free, mask, In<T>{uniforms + row, tile_rows}, action);
      } else {
        Dist::template mode<T>(logits, free, mask, action);
      }
      if (!log_prob) return;
      const auto taken = In<T>{actions + row, tile_rows};
      Load<T>::store(log_prob + row, Dist::template log_prob<T>(logits, free, mask, taken));
    });
  }

  /// The value of each row, [64]; advances the critic's part of the carry (the Critic::carry_size rows behind
  /// the actor's).
  template <class Arch>
    requires(!counterfactual)
  void value(const Parameters& weights, Workspace& w, const PolicyBatch& batch, float* carry,
             float* values) const {
    const float* seen = batch.critic_features;
    if constexpr (model_in_critic) {  // what `act` has just seen, if the encoder has a memory
      seen = Model::carry_size > 0 && batch.features ? w.model.seen
                                                     : see<Arch>(weights, w, seen, carry, 0, batch.rows);
    }
    CriticPasses<Arch>::forward(weights.data() + Actor::parameters, if_by_rows<Arch>(batch, w.turned_critic),
                                seen, carry ? carry + Actor::carry_size * tile_rows : nullptr, values,
                                w.critic_cache, batch.rows);
  }

  /// What another policy's weights make of a batch: from there the next `evaluate` measures divergences.
  template <class Arch>
    requires measures
  void attract(const Parameters& magnet, Workspace& w, const PolicyBatch& batch) const {
    const float* const seen = see<Arch>(magnet, w, batch.features, nullptr, 0, batch.rows);
    Actor::template forward<Arch>(magnet.data(), seen, nullptr, w.magnet_logits, w.actor_cache, batch.rows);
    spread_free_weights(magnet, w.magnet_free);
  }

  /// Log-probability and entropy of the actions taken and the value, for every time step and row. Keeps in
  /// the workspace what `backward` needs.
  template <class Arch, class Outputs = PolicyOutputs>
  void evaluate(const Parameters& weights, Workspace& w, const PolicyBatch& batch, const Outputs& out) const {
    spread_free_weights(weights, w.free_weights);
    if constexpr (carry_size > 0) std::copy_n(batch.carry, carry_size * tile_rows, w.carry);
    for (int t = 0; t < batch.steps; ++t) {
      if constexpr (carry_size > 0) {
        internal::clear_started(batch, t, carry_size, w.carry);
        std::copy_n(w.carry, carry_size * tile_rows, w.carry_before);
      }
      float* logits = w.logits + t * Dist::inputs * tile_rows;
      const float* const seen =
          see<Arch>(weights, w, batch.features + t * features * tile_rows, w.carry, t, batch.rows);
      if (acts(batch)) {
        ActorPasses<Arch>::forward(weights.data(), if_by_rows<Arch>(batch, w.turned_actor), seen, w.carry,
                                   logits, w.actor_cache + t * Actor::cache_size, batch.rows);
      }
      if (values(batch)) {
        CriticPasses<Arch>::forward(weights.data() + Actor::parameters,
                                    if_by_rows<Arch>(batch, w.turned_critic), critic_inputs(batch, w, t),
                                    w.carry + Actor::carry_size * tile_rows,
                                    counterfactual ? w.action_values : out.value + t * tile_rows,
                                    w.critic_cache + t * Critic::cache_size, batch.rows);
      }
      if (!acts(batch)) continue;
      if constexpr (carry_size > 0) internal::keep_undecided(batch, t, carry_size, w.carry_before, w.carry);
      if constexpr (models) {
        if (out.prediction_loss)
          Model::template predict<Arch>(weights.data() + model_offset, w.model, batch, t, out);
      }
      for_registers<Arch>(batch.rows, [&](auto at, int row) {
        using T = decltype(at);
        const auto free = In<T>{w.free_weights + row, tile_rows};
        const auto result = Dist::template evaluate<T>(In<T>{logits + row, tile_rows}, free,
                                                       mask<T>(batch, t, row), action<T>(batch, t, row));
        Load<T>::store(out.log_prob + t * tile_rows + row, result.log_prob);
        Load<T>::store(out.entropy + t * tile_rows + row, result.entropy);
        if constexpr (counterfactual) compare_actions<T>(w, batch, logits, t, row, out);
        if constexpr (std::is_same_v<Outputs, MagnetOutputs>) {
          const T distance = Dist::template divergence<T>(
              In<T>{logits + row, tile_rows}, free, In<T>{w.magnet_logits + row, tile_rows},
              In<T>{w.magnet_free + row, tile_rows}, mask<T>(batch, t, row));
          Load<T>::store(out.divergence + row, distance);
        }
      });
    }
  }

  /// Adds the gradient of a loss whose derivatives with respect to the outputs of the last `evaluate` are
  /// `d`. Derivatives of log-probability and entropy must be zero where nothing was decided.
  template <class Arch, class Outputs = PolicyOutputs>
  void backward(const Parameters& weights, Workspace& w, const PolicyBatch& batch, const Outputs& d,
                Parameters& gradient) const {
    std::fill_n(w.d_carry, carry_size * tile_rows, 0.f);
    std::fill_n(w.d_free_weights, Dist::weights * tile_rows, 0.f);
    for (int t = batch.steps - 1; t >= 0; --t) {
      const float* logits = w.logits + t * Dist::inputs * tile_rows;
      for_registers<Arch>(acts(batch) ? batch.rows : 0, [&](auto at, int row) {
        using T = decltype(at);
        Dist::template backward<T>(
            In<T>{logits + row, tile_rows}, In<T>{w.free_weights + row, tile_rows}, mask<T>(batch, t, row),
            action<T>(batch, t, row), Load<T>::load(d.log_prob + t * tile_rows + row),
            Load<T>::load(d.entropy + t * tile_rows + row), Out<T>{w.d_logits + row, tile_rows},
            Out<T>{w.d_free_weights + row, tile_rows});
        if constexpr (std::is_same_v<Outputs, MagnetOutputs>) {
          Dist::template add_divergence_gradient<T>(
              In<T>{logits + row, tile_rows}, In<T>{w.free_weights + row, tile_rows},
              In<T>{w.magnet_logits + row, tile_rows}, In<T>{w.magnet_free + row, tile_rows},
              mask<T>(batch, t, row), Load<T>::load(d.divergence + row), Out<T>{w.d_logits + row, tile_rows},
              Out<T>{w.d_free_weights + row, tile_rows});
        }
      });
      if constexpr (carry_size > 0)
        internal::split_carry_gradient(batch, t, carry_size, w.carry_before, w.d_carry);
      if constexpr (counterfactual) spread_value_gradient<Arch>(batch, d.value + t * tile_rows, t, w);
      // The critic first: of a single step, its hidden units are still in the first cache.
      if (values(batch))
        CriticPasses<Arch>::backward(
            weights.data() + Actor::parameters, if_by_rows<Arch>(batch, w.turned_critic),
            gradient.data() + Actor::parameters, critic_inputs(batch, w, t),
            counterfactual ? w.action_values : d.value + t * tile_rows, d_inputs<model_in_critic>(w, d, 1),
            w.d_carry + Actor::carry_size * tile_rows, w.critic_cache + t * Critic::cache_size, w.scratch,
            batch.rows);
      if (acts(batch))
        ActorPasses<Arch>::backward(weights.data(), if_by_rows<Arch>(batch, w.turned_actor), gradient.data(),
                                    actor_inputs(batch, w, t), w.d_logits, d_inputs<models>(w, d, 0),
                                    w.d_carry, w.actor_cache + t * Actor::cache_size, w.scratch, batch.rows);
      if constexpr (models) {
        Model::template backward<Arch>(weights.data() + model_offset, gradient.data() + model_offset, w.model,
                                       batch, t, d, model_carry(w.d_carry));
      }
      if constexpr (carry_size > 0) {
        for (int i = 0; i < carry_size * tile_rows; ++i) w.d_carry[i] += w.carry_before[i];
        internal::clear_started(batch, t, carry_size, w.d_carry);
      }
    }
    for (int k = 0; k < Dist::weights; ++k) {
      float total = 0;
      for (int row = 0; row < batch.rows; ++row) total += w.d_free_weights[k * tile_rows + row];
      gradient.data()[free_offset + static_cast<std::size_t>(k)] += total;
    }
  }

 private:
  static bool acts(const PolicyBatch& batch) { return !parts || batch.part != PolicyPart::critic; }
  static bool values(const PolicyBatch& batch) { return !parts || batch.part != PolicyPart::actor; }

  template <class Arch>
  using ActorPasses = internal::Passes<Actor, Arch>;
  template <class Arch>
  using CriticPasses = internal::Passes<Critic, Arch>;
  /// The turned weights of a batch that goes row-major, else null.
  template <class Arch>
  static const float* if_by_rows(const PolicyBatch& batch, const float* turned) {
    return learns_turned<Arch> && batch.turned ? turned : nullptr;
  }
  template <class Arch>
  static void forward_to_act(const Parameters& weights, Workspace& w, const PolicyBatch& batch,
                             const float* seen, float* carry) {
    if constexpr (TurnsWeights<Actor> && !learns_turned<Arch>) {
      if (batch.turned)
        return Actor::template forward_turned<Arch>(w.turned_actor, seen, w.logits, w.turned_scratch,
                                                    batch.rows);
    }
    ActorPasses<Arch>::forward(weights.data(), if_by_rows<Arch>(batch, w.turned_actor), seen, carry, w.logits,
                               w.actor_cache, batch.rows);
  }

  static constexpr std::size_t free_offset = Actor::parameters + Critic::parameters;
  static constexpr std::size_t model_offset = free_offset + Dist::weights;

  /// What the actor sees of the features of time step t: with a model, also their embedding.
  template <class Arch>
  static const float* see(const Parameters& weights, Workspace& w, const float* x, float* carry, int t,
                          int rows) {
    if constexpr (models) {
      return Model::template see<Arch>(weights.data() + model_offset, w.model, x, model_carry(carry), t,
                                       rows);
    } else {
      return x;
    }
  }
  static float* model_carry(float* carry) {
    return carry ? carry + (Actor::carry_size + Critic::carry_size) * tile_rows : nullptr;
  }
  /// What actor and critic saw of time step t.
  static const float* actor_inputs(const PolicyBatch& batch, const Workspace& w, int t) {
    if constexpr (models) {
      return w.model.seen + t * Model::seen_size;
    } else {
      return batch.features + t * features * tile_rows;
    }
  }
  static const float* critic_inputs(const PolicyBatch& batch, const Workspace& w, int t) {
    if constexpr (model_in_critic) {
      return w.model.seen + t * Model::seen_size;
    } else {
      return batch.critic_features + t * critic_features * tile_rows;
    }
  }
  /// Where the gradient of what a network saw goes on: into the embedding, unless that is detached.
  template <bool embedded>
  static float* d_inputs(Workspace& w, const PolicyOutputs& d, int which) {
    if constexpr (embedded) {
      return d.detached ? nullptr : w.model.d_seen + which * Model::seen_size;
    } else {
      return nullptr;
    }
  }

  /// Calls f with a register's type and first row for every register of rows.
  template <class Arch, class F>
  static void for_registers(int rows, F&& f) {
    constexpr int lanes = static_cast<int>(Batch<Arch>::size);
    for (int row = 0; row < rows; row += lanes) f(Batch<Arch>{}, row);
  }
  template <class T>
  static In<T> mask(const PolicyBatch& batch, int t, int row) {
    return batch.masks ? In<T>{batch.masks + t * mask_size * tile_rows + row, tile_rows} : In<T>{};
  }
  template <class T>
  static In<T> action(const PolicyBatch& batch, int t, int row) {
    return {batch.actions + t * words * tile_rows + row, tile_rows};
  }
  /// The value of the action taken, and the mean over all of them.
  template <class T>
  static void compare_actions(const Workspace& w, const PolicyBatch& batch, const float* logits, int t,
                              int row, const PolicyOutputs& out) {
    const auto values = In<T>{w.action_values + row, tile_rows};
    const T taken = action<T>(batch, t, row)[0];
    T value(0.f);
    for (int i = 0; i < Critic::outputs; ++i) {
      value = math::select(taken == math::constant<T>(i), values[i], value);
    }
    Load<T>::store(out.value + t * tile_rows + row, value);
    if (!out.baseline) return;
    Load<T>::store(out.baseline + t * tile_rows + row,
                   Dist::template mean<T>(In<T>{logits + row, tile_rows}, mask<T>(batch, t, row), values));
  }
  /// The derivative of the value of the action taken is that of one of the critic's outputs.
  template <class Arch>
  static void spread_value_gradient(const PolicyBatch& batch, const float* d_value, int t, Workspace& w) {
    for_registers<Arch>(tile_rows, [&](auto at, int row) {
      using T = decltype(at);
      const T zero(0.f), d = Load<T>::load(d_value + row), taken = action<T>(batch, t, row)[0];
      for (int i = 0; i < Critic::outputs; ++i) {
        Load<T>::store(w.action_values + i * tile_rows + row,
                       math::select(taken == math::constant<T>(i), d, zero));
      }
    });
  }
  static void spread_free_weights(const Parameters& weights, float* free) {
    for (int k = 0; k < Dist::weights; ++k) {
      std::fill_n(free + k * tile_rows, tile_rows, weights.data()[free_offset + static_cast<std::size_t>(k)]);
    }
  }

  Config config_;
};

}  // namespace polis
