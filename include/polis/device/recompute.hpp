// What estimates that depend on the policy at hand (V-trace) are made anew from before an epoch: the
// rollout's values and the ratios of its decisions, by the weights of now. As OnPolicyUpdate::estimate_anew.
#pragma once

#include <polis/device/on_policy_data.hpp>
#include <polis/objective/objective.hpp>

namespace polis::internal {

/// Blocks of threads share out tiles of 64 samples: every decision, and for the critic also what agents see
/// after the last step, which the collection left behind the last slot.
template <class Device>
struct RecomputeKernel {
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;

  static constexpr int threads = 256;

  // Shared memory, in floats: tiles, then the weights of one network at a time.
  static constexpr int larger(int x, int y) { return x > y ? x : y; }
  static constexpr int outputs_at = larger(Actor::input_tile, Critic::input_tile);
  static constexpr int hidden_at = outputs_at + larger(Actor::output_tile, Critic::output_tile);
  static constexpr int tiles = padded_to(8, hidden_at + larger(Actor::hidden_size, Critic::hidden_size));
  static constexpr int weights = larger(Actor::packed_size, Critic::packed_size);
  static constexpr bool weights_fit = tiles + weights <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? weights : 0);
  static constexpr int packed = weights_fit ? 0 : weights;

  OnPolicyData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.goes_on()) return;
    const int decisions = d.slots() * d.rows();
    evaluate<Actor, false>(block, memory, d.weights.values, decisions);
    evaluate<Critic, true>(block, memory, d.weights.values + Device::ActorNetwork::parameters,
                           decisions + d.rows());
  }

 private:
  template <class Network, bool critic, class Block>
  POLIS_HD void evaluate(Block& block, float* memory, const float* from, int samples) const {
    float* const own =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * packed;
    Network::pack(block, from, own);
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    for (int tile = block.index(); tile * tile_rows < samples; tile += block.blocks()) {
      const int first = tile * tile_rows;
      block.each(tile_rows, [&](int i) {
        if (!counts(first + i, samples)) return clear_row(memory + i, Network::inputs);
        place_sample<critic>(d, first + i, memory + i);
      });
      Network::forward(block, own, memory, memory + outputs_at, memory + hidden_at);
      block.each(tile_rows, [&](int i) {
        if (!counts(first + i, samples)) return;
        if constexpr (critic) {
          d.rollout.values.data[first + i] = value_of(d, memory[outputs_at + i]);
        } else {
          take_ratio(memory + outputs_at + i, first + i);
        }
      });
    }
  }
  /// Whether a sample is a decision, or what an agent sees that acts on.
  [[nodiscard]] POLIS_HD bool counts(int sample, int samples) const {
    if (sample >= samples) return false;
    const int after = sample - d.slots() * d.rows();
    return after < 0 ? d.rollout.decided.data[sample] != 0 : d.decides(after);
  }
  POLIS_HD void take_ratio(const float* outputs, int sample) const {
    const auto at = static_cast<std::ptrdiff_t>(sample);
    In<float> mask;
    if constexpr (Device::mask_size > 0) mask = {d.rollout.masks.data + at * Device::mask_size};
    const float log_prob = Device::Distribution::template log_prob<float>(
        {outputs, tile_pitch}, {d.weights.values + Device::free_at}, mask,
        {d.rollout.actions.data + at * Device::words});
    d.ratios[at] = math::exp(log_ratio(PolicySample<float>{log_prob, d.rollout.log_probs.data[at], 0}));
  }
};

}  // namespace polis::internal
