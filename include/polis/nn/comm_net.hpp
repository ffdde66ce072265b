// CommNet (Sukhbaatar, Szlam and Fergus 2016, "Learning multiagent communication with backpropagation",
// section 3): one module for all agents, and rounds of messages between them before they act.
//
//   h_j = f(W_e x_j + b_e),   c_j = mean of m_i over the others,   h_j <- f(W h_j + C c_j + b)   each round
//
// The gradient flows through the messages, so that agents learn what to tell from what it brings the others.
// Messages m_i are the hidden states themselves, or bits: m_i = 1 where u_i = M h_i + d is positive, else 0.
// Bits are what a channel can carry in play; training goes through them by the straight-through estimator
// (Bengio, Leonard and Courville 2013), which takes the derivative of sigmoid(u_i) for that of the step, as
// DIAL's discretise/regularise unit (Foerster et al. 2016) does without its noise.
//
// Inputs are the agents' observations one after the other, as Together<E> shows them. Where the outputs
// divide among the agents each gets its share of them, from its own h_j; else all are of the mean of h.
#pragma once

#include <algorithm>
#include <string>

#include <polis/core/gemm.hpp>
#include <polis/core/math.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dense.hpp>
#include <polis/nn/network.hpp>

namespace polis {

/// In inputs of `Agents` agents; hidden states of `Width`; `Rounds` of messages, of `Bits` bits or, with 0,
/// of the hidden state. Blocks: "encoder.", "round0.", "message0." where there are bits, ..., "output.".
template <int In, int Out, Activation Act, int Agents, int Width, int Rounds, int Bits>
struct CommNetwork {
  static_assert(Agents > 1 && Rounds >= 0 && Bits >= 0, "several agents talk");
  static_assert(In % Agents == 0, "inputs are those of the agents, as many of each: Together<E>");
  static constexpr int inputs = In, outputs = Out, carry_size = 0;
  static constexpr int seen = In / Agents, heard = Bits > 0 ? Bits : Width;
  /// Whether each agent has outputs of its own.
  static constexpr bool shared_out = Out % Agents == 0;
  static constexpr int said = shared_out ? Out / Agents : Out;

  using Encoder = Dense<seen, Width>;
  using Round = Dense<Width + heard, Width>;
  using Message = Dense<Width, Bits == 0 ? 1 : Bits>;
  using Decoder = Dense<Width, said>;

  static constexpr int message_parameters = Bits > 0 ? Message::parameters : 0;
  static constexpr int parameters =
      Encoder::parameters + Rounds * (Round::parameters + message_parameters) + Decoder::parameters;

  // The cache: of each level and agent the hidden state and behind it what the agent hears; of each level and
  // agent what the activation keeps; of each round and agent the numbers u; the mean of the last level.
  static constexpr int level_floats = (Width + heard) * tile_rows;
  static constexpr int kept_floats = Act::keeps_input ? Width * tile_rows : 0;
  static constexpr int kept_begin = (Rounds + 1) * Agents * level_floats;
  static constexpr int bits_begin = kept_begin + (Rounds + 1) * Agents * kept_floats;
  static constexpr int mean_begin = bits_begin + Rounds * Agents * Bits * tile_rows;
  static constexpr int cache_size = mean_begin + (shared_out ? 0 : Width * tile_rows);
  // The scratch: a gradient of each agent's level, one of each agent's inputs of a round, of its bits.
  static constexpr int turned = std::max({Encoder::scratch_size, Round::scratch_size, Decoder::scratch_size});
  static constexpr int scratch_size =
      Agents * (Width * tile_rows + level_floats) + (Bits + Width) * tile_rows + turned;

  static Layout layout() {
    Layout layout;
    Encoder::append_to(layout, "encoder.", BlockKind::hidden_weight);
    for (int k = 0; k < Rounds; ++k) {
      Round::append_to(layout, "round" + std::to_string(k) + ".", BlockKind::hidden_weight);
      if constexpr (Bits > 0)
        Message::append_to(layout, "message" + std::to_string(k) + ".", BlockKind::hidden_weight);
    }
    Decoder::append_to(layout, "output.", BlockKind::output_weight);
    return layout;
  }

  template <class Arch>
  static void forward(const float* w, const float* x, float* /*carry*/, float* y, float* cache, int rows) {
    for (int j = 0; j < Agents; ++j) {
      Encoder::template forward<Arch, Act>(w, x + j * seen * tile_rows, level(cache, 0, j), kept(cache, 0, j),
                                           rows);
    }
    for (int k = 0; k < Rounds; ++k) {
      tell<Arch>(w, cache, k, rows);
      for (int j = 0; j < Agents; ++j) {
        Round::template forward<Arch, Act>(w + round_at(k), level(cache, k, j), level(cache, k + 1, j),
                                           kept(cache, k + 1, j), rows);
      }
    }
    if constexpr (shared_out) {
      for (int j = 0; j < Agents; ++j) {
        Decoder::template forward<Arch, Identity>(w + decoder_at, level(cache, Rounds, j),
                                                  y + j * said * tile_rows, nullptr, rows);
      }
    } else {
      float* const mean = cache + mean_begin;
      each<Arch>(Width, rows, [&](int at) {
        Batch<Arch> total(0.f);
        for (int j = 0; j < Agents; ++j)
          total = total + Batch<Arch>::load_aligned(level(cache, Rounds, j) + at);
        (total * Batch<Arch>(1.f / Agents)).store_aligned(mean + at);
      });
      Decoder::template forward<Arch, Identity>(w + decoder_at, mean, y, nullptr, rows);
    }
  }

  template <class Arch>
  static void backward(const float* w, float* dw, const float* x, const float* dy, float* dx,
                       float* /*d_carry*/, const float* cache, float* scratch, int rows) {
    float* const inner = scratch + Agents * Width * tile_rows;  // [agent]: gradients of a round's inputs
    float* const bits = inner + Agents * level_floats;
    float* const spare = bits + Bits * tile_rows;
    float* const turn = spare + Width * tile_rows;
    const auto of = [scratch](int j) { return scratch + j * Width * tile_rows; };

    if constexpr (shared_out) {
      for (int j = 0; j < Agents; ++j) {
        const float* const d = dy + j * said * tile_rows;
        Decoder::template weight_gradient<Arch>(dw + decoder_at, level(cache, Rounds, j), d, turn, rows);
        Decoder::template input_gradient<Arch, Act>(w + decoder_at, d, of(j), derivative(cache, Rounds, j),
                                                    rows);
      }
    } else {
      Decoder::template weight_gradient<Arch>(dw + decoder_at, cache + mean_begin, dy, turn, rows);
      Decoder::template input_gradient<Arch, Identity>(w + decoder_at, dy, spare, nullptr, rows);
      for (int j = 0; j < Agents; ++j) {
        const float* const kept_here = derivative(cache, Rounds, j);
        each<Arch>(Width, rows, [&](int at) {
          const Batch<Arch> slope = Act::derivative(Batch<Arch>::load_aligned(kept_here + at));
          const Batch<Arch> d = Batch<Arch>::load_aligned(spare + at) * Batch<Arch>(1.f / Agents) * slope;
          d.store_aligned(of(j) + at);
        });
      }
    }
    for (int k = Rounds - 1; k >= 0; --k) {
      for (int j = 0; j < Agents; ++j) {
        Round::template weight_gradient<Arch>(dw + round_at(k), level(cache, k, j), of(j), turn, rows);
        Round::template input_gradient<Arch, Identity>(w + round_at(k), of(j), inner + j * level_floats,
                                                       nullptr, rows);
      }
      hear_back<Arch>(w, dw, cache, k, inner, bits, turn, rows);
      for (int j = 0; j < Agents; ++j) {
        const float* const from = inner + j * level_floats;
        const float* const kept_here = derivative(cache, k, j);
        each<Arch>(Width, rows, [&](int at) {
          const Batch<Arch> slope = Act::derivative(Batch<Arch>::load_aligned(kept_here + at));
          (Batch<Arch>::load_aligned(from + at) * slope).store_aligned(of(j) + at);
        });
      }
    }
    for (int j = 0; j < Agents; ++j) {
      Encoder::template weight_gradient<Arch>(dw, x + j * seen * tile_rows, of(j), turn, rows);
      if (dx) {
        Encoder::template input_gradient<Arch, Identity>(w, of(j), dx + j * seen * tile_rows, nullptr, rows);
      }
    }
  }

 private:
  static constexpr int round_at(int k) {
    return Encoder::parameters + k * (Round::parameters + message_parameters);
  }
  static constexpr int message_at(int k) { return round_at(k) + Round::parameters; }
  static constexpr int decoder_at = Encoder::parameters + Rounds * (Round::parameters + message_parameters);

  static float* level(float* cache, int k, int j) { return cache + (k * Agents + j) * level_floats; }
  static const float* level(const float* cache, int k, int j) {
    return cache + (k * Agents + j) * level_floats;
  }
  static float* kept(float* cache, int k, int j) {
    return cache + kept_begin + (k * Agents + j) * kept_floats;
  }
  static float* u(float* cache, int k, int j) {
    return cache + bits_begin + (k * Agents + j) * Bits * tile_rows;
  }
  static const float* u(const float* cache, int k, int j) {
    return cache + bits_begin + (k * Agents + j) * Bits * tile_rows;
  }
  /// What the activation's derivative is a function of.
  static const float* derivative(const float* cache, int k, int j) {
    return Act::keeps_input ? cache + kept_begin + (k * Agents + j) * kept_floats : level(cache, k, j);
  }

  /// body(offset) for every register of `features` rows of a tile.
  template <class Arch, class Body>
  static void each(int features, int rows, Body&& body) {
    constexpr int width = batch_width<Batch<Arch>>;
    for (int f = 0; f < features; ++f) {
      for (int r = 0; r < rows; r += width) body(f * tile_rows + r);
    }
  }

  /// The bit that a number stands for.
  template <class T>
  static T bit(const T& u) {
    return math::select(u > T(0.f), T(1.f), T(0.f));
  }
  /// What agent i says at a place of its message.
  template <class Arch>
  static Batch<Arch> message(const float* cache, int k, int i, int at) {
    if constexpr (Bits > 0) {
      return bit(Batch<Arch>::load_aligned(u(cache, k, i) + at));
    } else {
      return Batch<Arch>::load_aligned(level(cache, k, i) + at);
    }
  }

  /// A round's messages: what each agent hears is written behind its hidden state.
  template <class Arch>
  static void tell(const float* w, float* cache, int k, int rows) {
    if constexpr (Bits > 0) {
      for (int j = 0; j < Agents; ++j) {
        Message::template forward<Arch, Identity>(w + message_at(k), level(cache, k, j), u(cache, k, j),
                                                  nullptr, rows);
      }
    }
    each<Arch>(heard, rows, [&](int at) {
      Batch<Arch> total(0.f);
      for (int i = 0; i < Agents; ++i) total = total + message<Arch>(cache, k, i, at);
      for (int j = 0; j < Agents; ++j) {
        const Batch<Arch> mean = (total - message<Arch>(cache, k, j, at)) * Batch<Arch>(1.f / (Agents - 1));
        mean.store_aligned(level(cache, k, j) + Width * tile_rows + at);
      }
    });
  }

  /// Adds to the gradients of hidden states, `inner` [agent][Width], those through the messages.
  template <class Arch>
  static void hear_back(const float* w, float* dw, const float* cache, int k, float* inner, float* bits,
                        float* turn, int rows) {
    const auto d_heard = [inner](int j, int at) {
      return Batch<Arch>::load_aligned(inner + j * level_floats + Width * tile_rows + at);
    };
    for (int i = 0; i < Agents; ++i) {
      float* const d_hidden = inner + i * level_floats;
      each<Arch>(heard, rows, [&](int at) {
        Batch<Arch> d(0.f);
        for (int j = 0; j < Agents; ++j) {
          if (j != i) d = d + d_heard(j, at);
        }
        d = d * Batch<Arch>(1.f / (Agents - 1));
        if constexpr (Bits > 0) {
          const Batch<Arch> s = math::sigmoid(Batch<Arch>::load_aligned(u(cache, k, i) + at));
          (d * s * (Batch<Arch>(1.f) - s)).store_aligned(bits + at);
        } else {
          (Batch<Arch>::load_aligned(d_hidden + at) + d).store_aligned(d_hidden + at);
        }
      });
      if constexpr (Bits > 0) {
        Message::template weight_gradient<Arch>(dw + message_at(k), level(cache, k, i), bits, turn, rows);
        dense_input_gradient<Arch, Identity, true>(w + message_at(k), bits, d_hidden, Width, Bits, rows);
      }
    }
  }
};

/// The word: agents that exchange messages while they make up their minds.
template <int Agents, int Width, int Rounds = 2, int Bits = 0>
struct CommNet {
  using word = word::Network;
  template <int In, int Out, Activation Act>
  using network = CommNetwork<In, Out, Act, Agents, Width, Rounds, Bits>;
};

}  // namespace polis
