// Mixers by one block of threads, over the joint transitions of a tile: those that mixer/ has for the CPU.
//
// A unit is a joint transition: its agents' values stand side by side, q[unit * agents + agent]. Of each
// network one at a time has its weights, and their gradient, in the block's scratch memory.
#pragma once

#include <polis/core/math.hpp>
#include <polis/device/network.hpp>
#include <polis/mixer/mixer.hpp>
#include <polis/mixer/qmix.hpp>

namespace polis::internal {

/// Memory that networks have one after the other.
struct BlockScratch {
  float *hidden, *weights, *gradient;
};

/// y = Network(x), by weights that are not packed yet.
template <class Network, class Block>
POLIS_HD void forward_once(Block& block, const BlockScratch& s, const float* w, const float* x, float* y) {
  Network::pack(block, w, s.weights);
  Network::forward(block, s.weights, x, y, s.hidden);
}
/// dw = the gradient of a loss with derivatives dy, dw in the network's own order.
template <class Network, class Block>
POLIS_HD void backward_once(Block& block, const BlockScratch& s, const float* w, const float* x,
                            const float* dy, float* dw) {
  Network::pack(block, w, s.weights);
  block.each(Network::packed_size, [=](int i) { s.gradient[i] = 0; });
  Network::forward_hidden(block, s.weights, x, s.hidden);
  Network::backward(block, s.weights, s.gradient, x, dy, s.hidden);
  Network::unpack(block, s.gradient, dw);
}

/// - `forward(block, scratch, w, q, state, memory, total, units)`: total[unit] from q and the states' tile.
/// - `backward(block, scratch, w, q, state, memory, d_total, d_q, dw, units)`: right after it; d_q and dw are
///   written.
template <class Mixer>
struct BlockMixer;
template <class Mixer>
inline constexpr bool has_block_mixer = false;
template <int Agents>
inline constexpr bool has_block_mixer<SumMixer<Agents>> = true;
template <int Agents, int StateFeatures, int Embed, int Hyper>
inline constexpr bool has_block_mixer<QmixMixer<Agents, StateFeatures, Embed, Hyper>> = true;

template <int Agents>
struct BlockMixer<SumMixer<Agents>> {
  static constexpr int memory_size = 0, hidden_size = 0, packed_size = 0;

  template <class Block>
  POLIS_HD static void forward(Block& block, const BlockScratch&, const float* /*w*/, const float* q,
                               const float* /*state*/, float* /*memory*/, float* total, int units) {
    block.each(units, [=](int unit) {
      float sum = q[unit * Agents];
      for (int agent = 1; agent < Agents; ++agent) sum += q[unit * Agents + agent];
      total[unit] = sum;
    });
  }
  template <class Block>
  POLIS_HD static void backward(Block& block, const BlockScratch&, const float* /*w*/, const float* /*q*/,
                                const float* /*state*/, float* /*memory*/, const float* d_total, float* d_q,
                                float* /*dw*/, int units) {
    block.each(units * Agents, [=](int i) { d_q[i] = d_total[i / Agents]; });
  }
};

/// The hypernetworks' outputs lie in `memory`, and are turned into their gradients where they stand.
template <int Agents, int StateFeatures, int Embed, int Hyper>
struct BlockMixer<QmixMixer<Agents, StateFeatures, Embed, Hyper>> {
  using Mixer = QmixMixer<Agents, StateFeatures, Embed, Hyper>;
  using W1 = BlockMlp<typename Mixer::W1>;
  using B1 = BlockMlp<typename Mixer::B1>;
  using W2 = BlockMlp<typename Mixer::W2>;
  using V = BlockMlp<typename Mixer::V>;

  static constexpr int largest(int a, int b, int c) { return a > b ? (a > c ? a : c) : (b > c ? b : c); }
  static constexpr int w1_at = 0, h_at = w1_at + W1::output_tile;  // h: b1(s), then the hidden layer
  static constexpr int w2_at = h_at + B1::output_tile, v_at = w2_at + W2::output_tile;
  static constexpr int memory_size = v_at + V::output_tile;
  static constexpr int hidden_size = largest(W1::hidden_size, W2::hidden_size, V::hidden_size);
  static constexpr int packed_size =
      largest(W1::packed_size, W2::packed_size, largest(V::packed_size, B1::packed_size, 0));

  template <class Block>
  POLIS_HD static void forward(Block& block, const BlockScratch& s, const float* w, const float* q,
                               const float* state, float* memory, float* total, int units) {
    float *const w1 = memory + w1_at, *const h = memory + h_at, *const w2 = memory + w2_at;
    forward_once<W1>(block, s, w, state, w1);
    forward_once<B1>(block, s, w + Mixer::b1_at, state, h);
    forward_once<W2>(block, s, w + Mixer::w2_at, state, w2);
    forward_once<V>(block, s, w + Mixer::v_at, state, memory + v_at);
    block.each(units * Embed, [=](int i) {
      const int unit = i % units, e = i / units, at = e * tile_pitch + unit;
      float x = h[at];
      for (int agent = 0; agent < Agents; ++agent)
        x = math::fma(math::abs(w1[(agent * Embed + e) * tile_pitch + unit]), q[unit * Agents + agent], x);
      h[at] = x > 0.f ? x : math::exp(x) - 1.f;
    });
    block.each(units, [=](int unit) {
      float sum = memory[v_at + unit];
      for (int e = 0; e < Embed; ++e)
        sum = math::fma(math::abs(w2[e * tile_pitch + unit]), h[e * tile_pitch + unit], sum);
      total[unit] = sum;
    });
  }

  template <class Block>
  POLIS_HD static void backward(Block& block, const BlockScratch& s, const float* w, const float* q,
                                const float* state, float* memory, const float* d_total, float* d_q,
                                float* dw, int units) {
    float *const w1 = memory + w1_at, *const h = memory + h_at, *const w2 = memory + w2_at;
    block.each(tile_rows * Embed, [=](int i) {
      const int unit = i % tile_rows, at = i / tile_rows * tile_pitch + unit;
      const float above = unit < units ? d_total[unit] : 0.f, y = unit < units ? h[at] : 0.f, weight = w2[at];
      w2[at] = above * y * sign(weight);
      // elu's derivative: 1, or exp(x), which is y + 1
      h[at] = above * math::abs(weight) * (y > 0.f ? 1.f : y + 1.f);
    });
    block.each(units * Agents, [=](int i) {
      const int unit = i / Agents, agent = i % Agents;
      float slope = 0;
      for (int e = 0; e < Embed; ++e)
        slope = math::fma(h[e * tile_pitch + unit], math::abs(w1[(agent * Embed + e) * tile_pitch + unit]),
                          slope);
      d_q[i] = slope;
    });
    block.each(tile_rows * Embed * Agents, [=](int i) {
      const int unit = i % tile_rows, output = i / tile_rows, e = output % Embed, agent = output / Embed;
      float& weight = w1[output * tile_pitch + unit];
      weight = unit < units ? h[e * tile_pitch + unit] * q[unit * Agents + agent] * sign(weight) : 0.f;
    });
    block.each(V::output_tile, [=](int i) { memory[v_at + i] = i < units ? d_total[i] : 0.f; });
    backward_once<W1>(block, s, w, state, w1, dw);
    backward_once<B1>(block, s, w + Mixer::b1_at, state, h, dw + Mixer::b1_at);
    backward_once<W2>(block, s, w + Mixer::w2_at, state, w2, dw + Mixer::w2_at);
    backward_once<V>(block, s, w + Mixer::v_at, state, memory + v_at, dw + Mixer::v_at);
  }

 private:
  POLIS_HD static float sign(float x) { return x > 0.f ? 1.f : x < 0.f ? -1.f : 0.f; }
};

}  // namespace polis::internal
