// Scratch memory of the native actor-critic policy: one for each thread.
#pragma once

#include <algorithm>
#include <cstddef>

#include <polis/core/arena.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/distribution/distribution.hpp>
#include <polis/nn/network.hpp>
#include <polis/nn/row_major.hpp>

namespace polis::internal {

/// For tiles of up to so many time steps; see ActorCriticPolicy for the parameters.
template <class Actor, class Critic, class Dist, class Model>
struct ActorCriticWorkspace {
  static constexpr int carry_size = Actor::carry_size + Critic::carry_size + Model::carry_size;
  static constexpr bool counterfactual = Critic::outputs > 1;
  static constexpr bool measures = HasDivergence<Dist> && carry_size == 0;

  float *actor_cache, *critic_cache;      // [steps][cache_size]
  float *logits, *d_logits;               // [steps][inputs][64]; one step
  float* action_values;                   // [inputs][64] of a counterfactual critic, or their derivatives
  float *free_weights, *d_free_weights;   // [weights][64]
  float *carry, *carry_before, *d_carry;  // [carry_size][64]
  float *magnet_logits, *magnet_free;     // [inputs][64] and [weights][64] of another policy
  float *turned_actor, *turned_critic;    // the networks' weights
  float* turned_scratch;                  // for few rows
  float* scratch;
  FloatArena memory;
  [[no_unique_address]] typename Model::Workspace model;

  [[nodiscard, gnu::cold]] static ActorCriticWorkspace make(int steps) {
    const auto count = static_cast<std::size_t>(steps);
    const auto tile = [](int n) { return static_cast<std::size_t>(n) * tile_rows; };
    ActorCriticWorkspace w{};
    w.memory = FloatArena({{&w.actor_cache, count * Actor::cache_size},
                           {&w.critic_cache, count * Critic::cache_size},
                           {&w.logits, count * tile(Dist::inputs)},
                           {&w.d_logits, tile(Dist::inputs)},
                           {&w.action_values, counterfactual ? tile(Dist::inputs) : 0},
                           {&w.free_weights, tile(Dist::weights)},
                           {&w.d_free_weights, tile(Dist::weights)},
                           {&w.carry, tile(carry_size)},
                           {&w.carry_before, tile(carry_size)},
                           {&w.d_carry, tile(carry_size)},
                           {&w.magnet_logits, measures ? tile(Dist::inputs) : 0},
                           {&w.magnet_free, measures ? tile(Dist::weights) : 0},
                           {&w.turned_actor, std::max(TurnedFloats<Actor>::weights, rows_of<Actor>().turned)},
                           {&w.turned_critic, rows_of<Critic>().turned},
                           {&w.turned_scratch, TurnedFloats<Actor>::scratch},
                           {&w.scratch, std::max(scratch_of<Actor>(), scratch_of<Critic>())}});
    if constexpr (Model::models) w.model = Model::workspace(steps);
    return w;
  }

 private:
  struct RowFloats {
    std::size_t turned = 0, scratch = 0;
  };
  /// What a network needs to learn row-major.
  template <class N>
  static constexpr RowFloats rows_of() {
    if (!learn_by_rows<Simd, Actor, Critic>) return {};
    return {RowMajor<N, Simd>::turned_size, RowMajor<N, Simd>::scratch_size};
  }
  template <class N>
  static constexpr std::size_t scratch_of() {
    return std::max(std::size_t{N::scratch_size}, rows_of<N>().scratch);
  }
};

}  // namespace polis::internal
