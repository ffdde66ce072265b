// The tiles that actors and Q-critics learn on: what the networks see of a sample, and what they make of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/actor_q_agents.hpp>
#include <polis/algorithm/pass_weights.hpp>

namespace polis::internal {

/// The steps of an update that concern one tile of transitions; which of them follow which is
/// actor_q_update.hpp's.
template <class Words, class E, int R, int Width, class Arch>
class ActorQTiles : public ActorQAgents<Words, E, R, Width, Arch> {
  using Base = ActorQAgents<Words, E, R, Width, Arch>;

 public:
  using typename Base::Actor, typename Base::Head, typename Base::Networks, typename Base::Observation;
  using Critics = typename Networks::Critics;
  /// Those whose value the actor climbs: the least of all, or the first.
  using Climbed = EnsembleNetwork<typename Networks::OneCritic, Head::cautious ? Words::Critics::count : 1>;
  using Base::Base;

 protected:
  using ActorWeights = PassWeights<Actor, Arch>;
  using CriticWeights = PassWeights<Critics, Arch>;
  using Base::config_, Base::index, Base::replay_;
  static constexpr bool joint = Words::joint, expected = Head::expected;
  static constexpr int critic_count = Words::Critics::count;
  static constexpr int values = Networks::values, action_features = Head::features;
  static constexpr int flags = Base::flags;

  /// Tiles of one thread.
  struct Workspace {
    float *input, *d_input, *own;      // of the critics; of the actor where that is not part of it
    float* d_picked;                   // actions' gradient of the rows where one critic is the least
    float *outputs, *d_outputs;        // of the actor: [Width][...]; [...]
    float *actions, *masks;            // [Width][features], [flags]
    float *values, *d_values, *least;  // [critics][values], the least of them: [values]
    float *log_probs, *next, *climbed, *d_rows;  // [Width], [Width], [1], [1]
    float *uniforms, *actor_cache, *critic_cache, *scratch;
    FloatArena memory;
  };

  [[gnu::cold]] static Workspace workspace() {
    const auto tile = [](int n) { return index(n) * tile_rows; };
    Workspace s{};
    s.memory = FloatArena({{&s.input, tile(Critics::inputs)},
                           {&s.d_input, tile(Critics::inputs)},
                           {&s.own, tile(joint ? Networks::features : 0)},
                           {&s.d_picked, tile(action_features)},
                           {&s.outputs, tile(Head::inputs) * Width},
                           {&s.d_outputs, tile(Head::inputs)},
                           {&s.actions, tile(action_features) * Width},
                           {&s.masks, tile(flags)},
                           {&s.values, tile(Critics::outputs)},
                           {&s.d_values, tile(Critics::outputs)},
                           {&s.least, tile(values)},
                           {&s.log_probs, tile(Width)},
                           {&s.next, tile(Width)},
                           {&s.climbed, tile(1)},
                           {&s.d_rows, tile(1)},
                           {&s.uniforms, tile(2 * Head::noise)},
                           {&s.actor_cache, index(Actor::cache_size)},
                           {&s.critic_cache, index(Critics::cache_size)},
                           {&s.scratch, index(std::max({Actor::scratch_size, Critics::scratch_size,
                                                        RowMajor<Actor, Arch>::scratch_size,
                                                        RowMajor<Critics, Arch>::scratch_size}))}});
    return s;
  }
  /// Up to 64 transitions of the sample, and whether what follows them is meant.
  struct Rows {
    const int* ids;
    int first, count;
  };

  [[nodiscard]] std::uint32_t stream(int j) const {
    return static_cast<std::uint32_t>(this->agents_.front() + j);
  }

  /// The part of the critics' inputs that they see, of the transitions or of what follows.
  void see(Workspace& s, const Rows& rows, bool next) const {
    const float* const observations = next ? replay_.next_observations.data : replay_.observations.data;
    if constexpr (Words::Critic::needs_state) {
      using State = typename E::State;
      gather_elements<Arch, State>(next ? replay_.next_states.data : replay_.states.data, State::words,
                                   rows.ids, rows.count, s.input);
    } else if constexpr (joint) {
      for (int j = 0; j < Width; ++j) {
        this->gather_observations(observations + j * Observation::words, Width * Observation::words, rows.ids,
                                  rows.count, s.input + j * Observation::features * tile_rows);
      }
    } else {
      gather_own(s, rows, 0, next, s.input);
    }
  }
  void gather_own(const Workspace&, const Rows& rows, int j, bool next, float* to) const {
    const float* const observations = next ? replay_.next_observations.data : replay_.observations.data;
    Array<int, tile_rows> who{};
    for (int i = 0; i < rows.count && Base::id_features > 0; ++i) who[i] = this->agent_of(rows.ids[i], j);
    this->gather_features(observations + j * Observation::words, Width * Observation::words, rows.ids,
                          who.data(), rows.count, to);
  }
  /// outputs[j] of the actor; returns its inputs, which are the first of the critics' where those see no
  /// more.
  float* run_actor(Workspace& s, const Rows& rows, int j, const ActorWeights& weights, bool next) const {
    float* const inputs = joint ? s.own : s.input;
    if constexpr (joint) gather_own(s, rows, j, next, inputs);
    weights.forward(inputs, outputs_of(s, j), s.actor_cache, rows.count);
    return inputs;
  }
  /// actions[j] and log_probs[j] of a sample from outputs[j].
  void sample(Workspace& s, const Rows& rows, int j, bool next) const {
    using T = Batch<Arch>;
    if constexpr (Head::noise > 0) {
      Array<std::uint32_t, tile_rows> lanes{}, streams{};
      for (int i = 0; i < rows.count; ++i) {
        lanes[i] = static_cast<std::uint32_t>(rows.first + i), streams[i] = stream(j);
      }
      philox_uniform_tile<Arch>(this->seed_, sample_number_, Purpose::noise, lanes.data(), streams.data(),
                                rows.count, 2 * Head::noise, s.uniforms);
    }
    const float* const masks = masks_of(s, rows, j, next);
    for_registers<Arch>(rows.count, [&](int r) {
      const In<T> outputs{outputs_of(s, j) + r, tile_rows};
      const In<T> mask{masks ? masks + r : nullptr, tile_rows};
      const Out<T> action{action_of(s, j) + r, tile_rows};
      const T log_prob =
          next
              ? Head::template next<T>(config_.actor, outputs, mask, In<T>{s.uniforms + r, tile_rows}, action)
              : Head::template sample<T>(config_.actor, outputs, mask,
                                         In<T>{s.uniforms + Head::noise * tile_rows + r, tile_rows}, action);
      Load<T>::store(s.log_probs + j * tile_rows + r, log_prob);
    });
  }
  /// Flags of what the j-th agent may do [flags][64]; null where nothing is ever illegal. Where it does not
  /// act nothing is, and what comes of it is not used.
  const float* masks_of(Workspace& s, const Rows& rows, int j, bool next) const {
    if constexpr (Base::keeps_masks) {
      for (int i = 0; i < rows.count; ++i) {
        this->set_mask(s.masks, i,
                       next ? &replay_.next_masks(rows.ids[i], j, 0) : &replay_.masks(rows.ids[i], j, 0));
      }
      return s.masks;
    } else {
      return nullptr;
    }
  }
  /// Mean value and log-probability (minus the entropy) of the j-th agent's policy under `least`.
  void expect(Workspace& s, const Rows& rows, int j, bool next, float* means) const {
    using T = Batch<Arch>;
    const float* const masks = masks_of(s, rows, j, next);
    for_registers<Arch>(rows.count, [&](int r) {
      const auto e = Head::template expectation<T>(In<T>{outputs_of(s, j) + r, tile_rows},
                                                   In<T>{masks ? masks + r : nullptr, tile_rows},
                                                   In<T>{s.least + r, tile_rows});
      Load<T>::store(means + r, e.mean);
      Load<T>::store(s.log_probs + j * tile_rows + r, -e.entropy);
    });
  }
  void expect_backward(Workspace& s, const Rows& rows, int j, float alpha) const {
    using T = Batch<Arch>;
    const float* const masks = masks_of(s, rows, j, false);
    for_registers<Arch>(rows.count, [&](int r) {
      const T d = -Load<T>::load(s.d_rows + r);
      Head::template expectation_backward<T>(
          In<T>{outputs_of(s, j) + r, tile_rows}, In<T>{masks ? masks + r : nullptr, tile_rows},
          In<T>{s.least + r, tile_rows}, d, T(alpha) * d, Out<T>{s.d_outputs + r, tile_rows});
    });
  }

  /// values = what critics with these weights say of the j-th agent, by what they see and the agents'
  /// actions.
  template <class Valuing = Critics>
  void value_agent(Workspace& s, const Rows& rows, int j, const CriticWeights& weights) const {
    if constexpr (joint) {
      std::fill_n(s.input + Networks::ids_at * tile_rows, Width * tile_rows, 0.f);
      std::fill_n(s.input + (Networks::ids_at + j) * tile_rows, tile_rows, 1.f);
    }
    float* to = s.input + Networks::actions_at * tile_rows;
    for (int k = 0; k < Width; ++k) {
      if (expected && k == j) continue;
      to = std::copy_n(action_of(s, k), action_features * tile_rows, to);
    }
    weights.template forward<Valuing>(s.input, s.values, s.critic_cache, rows.count);
  }
  /// The least of the critics' values.
  void least_values(Workspace& s, int count) const {
    using T = Batch<Arch>;
    for (int v = 0; v < values; ++v) {
      for_registers<Arch>(count, [&](int r) {
        T least = Load<T>::load(s.values + v * tile_rows + r);
        for (int k = 1; k < critic_count; ++k) {
          least = math::min(least, Load<T>::load(s.values + (k * values + v) * tile_rows + r));
        }
        Load<T>::store(s.least + v * tile_rows + r, least);
      });
    }
  }
  /// The critics' gradient with respect to the j-th agent's action, of the value that the actor climbs:
  /// d_input and climbed. Of every row it is the gradient of the critic whose value is the least.
  void climb(Workspace& s, int count, int j, const CriticWeights& weights) const {
    Array<int, tile_rows> best{};
    std::copy_n(s.values, tile_rows, s.climbed);
    for (int k = 1; k < Climbed::outputs; ++k) {
      const float* const value = s.values + k * tile_rows;
      for (int i = 0; i < tile_rows; ++i) {
        best[i] = value[i] < s.climbed[i] ? k : best[i];
        s.climbed[i] = std::min(value[i], s.climbed[i]);
      }
    }
    if constexpr (RowMajor<Climbed, Arch>::possible) {
      if (weights.by_rows()) return climb_picked(s, count, j, best, weights);
    }
    std::fill_n(s.d_values, Climbed::outputs * tile_rows, 0.f);
    for (int i = 0; i < count; ++i) s.d_values[best[i] * tile_rows + i] = -s.d_rows[i];
    Climbed::template backward<Arch>(weights.values(), nullptr, s.input, s.d_values, s.d_input, nullptr,
                                     s.critic_cache, s.scratch, count);
  }
  /// The same with each critic going back over the rows alone where it is the least.
  void climb_picked(Workspace& s, int count, int j, const Array<int, tile_rows>& best,
                    const CriticWeights& weights) const {
    using Critic = typename Networks::OneCritic;
    using Passes = RowMajor<Critic, Arch>;
    constexpr int size = action_features;
    const int first = Networks::actions_at + j * size;
    std::fill_n(s.d_input + first * tile_rows, size * tile_rows, 0.f);
    for (int k = 0; k < Climbed::outputs; ++k) {
      Array<int, tile_rows> picked{};
      int rows = 0;
      std::fill_n(s.d_values, tile_rows, 0.f);
      for (int i = 0; i < count; ++i) {  // which is the least is a toss: no branch
        s.d_values[rows] = -s.d_rows[i], picked[rows] = i;
        rows += best[i] == k ? 1 : 0;
      }
      if (rows < tile_rows) s.d_values[rows] = 0.f;
      float* const cache = s.critic_cache + k * Critic::cache_size;
      Passes::pick(cache, picked.data(), rows);
      Passes::backward(weights.values() + k * Critic::parameters, weights.turned() + k * Passes::turned_size,
                       nullptr, nullptr, s.d_values, s.d_picked, first, size, cache, s.scratch, rows);
      for (int f = 0; f < size; ++f) {
        for (int i = 0; i < rows; ++i) {
          s.d_input[(first + f) * tile_rows + picked[i]] = s.d_picked[f * tile_rows + i];
        }
      }
    }
  }
  /// actions[j] = what the j-th agent did; zeros where it did not act.
  void take_kept_action(Workspace& s, const Rows& rows, int j) const {
    for (int i = 0; i < rows.count; ++i) {
      if (acts(rows.ids[i], j)) {
        expand<typename Base::Action>(In<float>{&replay_.actions(rows.ids[i], j, 0)},
                                      Out<float>{action_of(s, j) + i, tile_rows});
      } else {
        clear_action(s, i, j);
      }
    }
  }
  static void clear_action(Workspace& s, int i, int j) {
    for (int k = 0; k < action_features; ++k) action_of(s, j)[k * tile_rows + i] = 0;
  }
  [[nodiscard]] bool acts(int id, int j) const { return !joint || replay_.actions(id, j, 0) != no_action; }
  [[nodiscard]] bool acts_next(int id, int j) const {
    for (int k = 0; k < flags; ++k) {
      if (replay_.next_masks(id, j, k) != 0.f) return true;
    }
    return false;
  }

  static float* outputs_of(const Workspace& s, int j) { return s.outputs + j * Head::inputs * tile_rows; }
  static float* action_of(const Workspace& s, int j) { return s.actions + j * action_features * tile_rows; }

  std::uint64_t sample_number_ = 0;  // the update whose sample is drawn
};

}  // namespace polis::internal
