// Mixers: what stands between the values of agents' actions and the loss.
//
// A value mixer makes one value Q_tot of a team's joint action out of its agents' values Q_i, so that one
// shared reward teaches all of them (value decomposition). It never decreases in any Q_i: then each agent's
// greedy action is its part of the greedy joint action (Rashid et al. 2018, equation 4), and nobody has to
// search the joint actions.
#pragma once

#include <concepts>

#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

/// A mixer of a fixed number of agents, stateless like a network (nn/network.hpp), on tiles:
/// - `forward<Arch>(w, q, state, total, cache, rows)`: total[1] from q[agents] and state[state_features].
/// - `backward<Arch>(w, dw, q, state, d_total, d_q, cache, scratch, rows)` adds the weights' gradient to `dw`
///   and writes that of q to `d_q`. Padding rows hold zero d_total.
template <class M>
concept MixerModel = requires(const float* in, float* out, int rows) {
  requires M::agents > 0;
  requires M::parameters >= 0;
  requires M::cache_size >= 0;
  requires M::scratch_size >= 0;
  { M::layout() } -> std::same_as<Layout>;
  M::template forward<Simd>(in, in, in, out, out, rows);
  M::template backward<Simd>(in, out, in, in, in, out, in, out, rows);
};

/// A mixer word says whether it joins the agents of a team (`joint`: they need one reward), whether it sees
/// the state (`needs_state`), and which model mixes so many agents.
template <class W>
concept Mixer = std::same_as<typename W::word, word::Mixer> && requires {
  { W::joint } -> std::convertible_to<bool>;
  { W::needs_state } -> std::convertible_to<bool>;
  requires MixerModel<typename W::template mixer<2, 3>>;
};

/// The sum of the values.
template <int Agents>
struct SumMixer {
  static constexpr int agents = Agents;
  static constexpr int parameters = 0, cache_size = 0, scratch_size = 0;

  static Layout layout() { return {}; }

  template <class Arch>
  static void forward(const float* /*w*/, const float* q, const float* /*state*/, float* total,
                      float* /*cache*/, int rows) {
    for (int i = 0; i < rows; ++i) {
      float sum = q[i];
      for (int agent = 1; agent < Agents; ++agent) sum += q[agent * tile_rows + i];
      total[i] = sum;
    }
  }
  template <class Arch>
  static void backward(const float* /*w*/, float* /*dw*/, const float* /*q*/, const float* /*state*/,
                       const float* d_total, float* d_q, const float* /*cache*/, float* /*scratch*/,
                       int rows) {
    for (int agent = 0; agent < Agents; ++agent) {
      for (int i = 0; i < rows; ++i) d_q[agent * tile_rows + i] = d_total[i];
    }
  }
};

/// No mixing: every agent learns from its own rewards (Tan 1993, independent Q-learning).
struct Independent {
  using word = word::Mixer;
  static constexpr bool joint = false, needs_state = false;
  template <int Agents, int StateFeatures>
  using mixer = SumMixer<Agents>;
};

}  // namespace polis
