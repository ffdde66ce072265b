// The models of intrinsic curiosity (shaping/curiosity.hpp): features of observations, which action led from
// one to the next, and what an action leads to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/random.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/optimizer.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

/// Writes an action as the networks see it: an index one-hot, numbers as they are.
template <class S>
struct ActionFeatures {
  static constexpr bool indices = S::kind == SpaceKind::discrete || S::kind == SpaceKind::multi_discrete;
  static void write(const typename S::Element& action, Out<float> to) {
    if constexpr (S::kind == SpaceKind::discrete) {
      const auto index = static_cast<float>(action);
      expand<S>(In<float>{&index}, to);
    } else {
      float words[S::words];
      for (int i = 0; i < S::words; ++i) words[i] = static_cast<float>(action[i]);
      expand<S>(In<float>{words}, to);
    }
  }
};
template <class... S>
struct ActionFeatures<Tuple<S...>> {
  static constexpr bool indices = false;
  static void write(const TupleElement<S...>& action, Out<float> to) { rest<S...>(action, to); }

 private:
  template <class First, class... Rest>
  static void rest(const TupleElement<First, Rest...>& action, Out<float> to) {
    ActionFeatures<First>::write(action.first, to);
    if constexpr (sizeof...(Rest) > 0) rest<Rest...>(action.rest, to.from(First::features));
  }
};

/// The three models of the agents of one role, and what they learn from. `Features` of an observation, hidden
/// layers as the network word `Net` says.
template <class Role, int Features, class Net>
class CuriosityModels {
  using Observation = typename Role::Observation;
  using Action = typename Role::Action;
  static constexpr int seen = Observation::features, acted = Action::features;

 public:
  using Encoder = typename Net::template network<seen, Features, Relu>;
  using Inverse = typename Net::template network<2 * Features, acted, Relu>;
  using Forward = typename Net::template network<Features + acted, Features, Relu>;
  static_assert(Encoder::carry_size == 0, "curiosity's models have no memory");
  static constexpr std::size_t inverse_at = Encoder::parameters,
                               forward_at = inverse_at + Inverse::parameters,
                               parameters = forward_at + Forward::parameters;
  /// Floats of a sample: what was seen, what was seen next, what was done.
  static constexpr int sample_words = 2 * seen + acted;

  CuriosityModels() : layout_(layout()), weights_(parameters), gradient_(parameters), optimizer_({}, 0) {}
  [[gnu::cold]] CuriosityModels(const Adam::Config& config, int role)
      : layout_(layout()), weights_(parameters), gradient_(parameters), optimizer_(config, parameters) {
    Random random(0, static_cast<std::uint32_t>(role), 0, 0, Purpose::initialization);
    initialize<Orthogonal>({}, layout_, std::span(weights_.data(), parameters), 1.f, random);
  }

  [[nodiscard]] std::span<float> weights() { return {weights_.data(), parameters}; }
  [[nodiscard]] std::span<const float> gradient() const { return {gradient_.data(), parameters}; }

  /// Half the squared distance of what the forward model foresaw from the features of what came.
  [[nodiscard]] float surprise(const float* sample) const {
    Tiles t(1);
    t.load(sample, 0);
    encode(t, 1);
    foresee(t, 1);
    float sum = 0;
    for (int f = 0; f < Features; ++f) {
      const float miss = t.foreseen[f * tile_rows] - t.next[f * tile_rows];
      sum += miss * miss;
    }
    return .5f * sum;
  }

  struct Losses {
    double inverse = 0, forward = 0;
  };
  /// Adds the gradient of the mean loss of `count` samples, each `weight` in it; up to 64 of them.
  Losses add_gradient(const float* const* samples, int count, float weight, float forward_share) {
    Tiles t(count);
    for (int i = 0; i < count; ++i) t.load(samples[i], i);
    encode(t, count);
    foresee(t, count);
    Losses sums;
    for (int i = 0; i < count; ++i) {
      for (int f = 0; f < Features; ++f) {
        const int at = f * tile_rows + i;
        const float miss = t.foreseen[at] - t.next[at];
        t.d_foreseen[at] = forward_share * weight * miss;
        sums.forward += static_cast<double>(.5f * weight * miss * miss);
      }
    }
    Forward::template backward<Simd>(weights_.data() + forward_at, gradient_.data() + forward_at,
                                     t.pair_forward, t.d_foreseen, nullptr, nullptr, t.forward_cache,
                                     t.scratch, count);
    Inverse::template forward<Simd>(weights_.data() + inverse_at, t.pair, nullptr, t.guess, t.inverse_cache,
                                    count);
    for (int i = 0; i < count; ++i) sums.inverse += guess_loss(t, i, (1 - forward_share) * weight, weight);
    Inverse::template backward<Simd>(weights_.data() + inverse_at, gradient_.data() + inverse_at, t.pair,
                                     t.d_guess, t.d_pair, nullptr, t.inverse_cache, t.scratch, count);
    Encoder::template backward<Simd>(weights_.data(), gradient_.data(), t.observation, t.d_pair, nullptr,
                                     nullptr, t.encoder_cache, t.scratch, count);
    Encoder::template backward<Simd>(weights_.data(), gradient_.data(), t.next_observation,
                                     t.d_pair + Features * tile_rows, nullptr, nullptr, t.next_cache,
                                     t.scratch, count);
    return sums;
  }
  void clear_gradient() { std::fill(gradient_.begin(), gradient_.end(), 0.f); }
  void step(float learning_rate) {
    update_all<Simd>(optimizer_, layout_, weights(), gradient(), learning_rate);
  }

  void archive(auto& a) {
    a.fixed(weights());
    a(optimizer_);
  }

  /// A sample's parts.
  static void write_observation(In<float> words, float* sample, bool next) {
    expand<Observation>(words, Out<float>{sample + (next ? seen : 0), 1});
  }
  static void write_action(const typename Action::Element& action, float* sample) {
    ActionFeatures<Action>::write(action, Out<float>{sample + 2 * seen, 1});
  }

 private:
  /// Feature-major tiles. What is read of them is cleared first: the registers that hold the samples.
  struct Tiles {
    alignas(64) float observation[seen * tile_rows], next_observation[seen * tile_rows];
    alignas(64) float pair[2 * Features * tile_rows], pair_forward[(Features + acted) * tile_rows];
    alignas(64) float next[Features * tile_rows], foreseen[Features * tile_rows];
    alignas(64) float d_foreseen[Features * tile_rows], d_pair[2 * Features * tile_rows];
    alignas(64) float guess[acted * tile_rows], d_guess[acted * tile_rows];
    alignas(64) float encoder_cache[Encoder::cache_size + 1], next_cache[Encoder::cache_size + 1];
    alignas(64) float inverse_cache[Inverse::cache_size + 1], forward_cache[Forward::cache_size + 1];
    alignas(
        64) float scratch[std::max({Encoder::scratch_size, Inverse::scratch_size, Forward::scratch_size})];

    explicit Tiles(int rows) {
      constexpr int width = batch_width<Batch<>>;
      const int cleared = (rows + width - 1) / width * width;
      const auto clear = [cleared](float* tile, int features) {
        for (int f = 0; f < features; ++f) std::fill_n(tile + f * tile_rows, cleared, 0.f);
      };
      clear(observation, seen), clear(next_observation, seen), clear(pair_forward, Features + acted);
      clear(d_foreseen, Features), clear(d_guess, acted);
    }
    void load(const float* sample, int row) {
      for (int f = 0; f < seen; ++f) {
        observation[f * tile_rows + row] = sample[f];
        next_observation[f * tile_rows + row] = sample[seen + f];
      }
      for (int f = 0; f < acted; ++f) pair_forward[(Features + f) * tile_rows + row] = sample[2 * seen + f];
    }
  };

  static Layout layout() {
    Layout layout;
    append(layout, "encoder.", Encoder::layout());
    append(layout, "inverse.", Inverse::layout());
    append(layout, "forward.", Forward::layout());
    return layout;
  }
  void encode(Tiles& t, int rows) const {
    Encoder::template forward<Simd>(weights_.data(), t.observation, nullptr, t.pair, t.encoder_cache, rows);
    Encoder::template forward<Simd>(weights_.data(), t.next_observation, nullptr, t.next, t.next_cache, rows);
    std::copy_n(t.next, Features * tile_rows, t.pair + Features * tile_rows);
  }
  void foresee(Tiles& t, int rows) const {
    std::copy_n(t.pair, Features * tile_rows, t.pair_forward);
    Forward::template forward<Simd>(weights_.data() + forward_at, t.pair_forward, nullptr, t.foreseen,
                                    t.forward_cache, rows);
  }
  /// The inverse model's loss on one sample, times `weight`; its derivatives times `factor`.
  static double guess_loss(Tiles& t, int row, float factor, float weight) {
    const auto guess = [&](int f) -> float& { return t.guess[f * tile_rows + row]; };
    const auto done = [&](int f) { return t.pair_forward[(Features + f) * tile_rows + row]; };
    const auto derivative = [&](int f) -> float& { return t.d_guess[f * tile_rows + row]; };
    double loss = 0;
    if constexpr (Action::kind == SpaceKind::discrete) {
      loss = softmax_loss(0, acted, guess, done, derivative);
    } else if constexpr (Action::kind == SpaceKind::multi_discrete) {
      int first = 0;
      for (const int size : Action::sizes) {
        loss += softmax_loss(first, size, guess, done, derivative);
        first += size;
      }
    } else {
      for (int f = 0; f < acted; ++f) {
        const float miss = guess(f) - done(f);
        loss += .5 * static_cast<double>(miss * miss), derivative(f) = miss;
      }
    }
    for (int f = 0; f < acted; ++f) derivative(f) *= factor;
    return static_cast<double>(weight) * loss;
  }
  static double softmax_loss(int first, int count, auto&& logit, auto&& chosen, auto&& derivative) {
    float greatest = logit(first), sum = 0;
    for (int f = first; f < first + count; ++f) greatest = std::max(greatest, logit(f));
    for (int f = first; f < first + count; ++f) sum += std::exp(logit(f) - greatest);
    double loss = 0;
    for (int f = first; f < first + count; ++f) {
      const float log_share = logit(f) - greatest - std::log(sum);
      derivative(f) = std::exp(log_share) - chosen(f);
      if (chosen(f) > 0) loss -= static_cast<double>(log_share);
    }
    return loss;
  }

  Layout layout_;
  AlignedVector<float> weights_, gradient_;
  Adam optimizer_;
};

}  // namespace polis::internal
