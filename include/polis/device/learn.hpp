// One optimizer step on a device: the gradient of a minibatch in parts, their sum, and the step.
#pragma once

#include <cmath>

#include <polis/device/on_policy_data.hpp>
#include <polis/device/step.hpp>

namespace polis::internal {

/// The gradient of the losses of a minibatch: each block of threads adds up that of some tiles of samples.
template <class Device>
struct GradientKernel {
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;
  using Distribution = typename Device::Distribution;
  using Objective = typename Device::Objective;

  static constexpr int threads = 256;
  static constexpr int free_weights = Device::free_weights;

  // Shared memory, in floats: tiles, then one network's weights and their gradient. Actor and critic have it
  // one after the other, so that two blocks find room where both networks at once would leave it to one.
  static constexpr int larger(int x, int y) { return x > y ? x : y; }
  static constexpr int outputs_at = larger(Actor::input_tile, Critic::input_tile);
  static constexpr int output_floats = larger(Actor::output_tile, Critic::output_tile);
  static constexpr int d_outputs_at = outputs_at + output_floats;
  static constexpr int hidden_at = d_outputs_at + output_floats;
  static constexpr int free_at = hidden_at + larger(Actor::hidden_size, Critic::hidden_size);
  static constexpr int sums_at =
      free_at + free_weights * tile_pitch;  // behind the free weights' gradient by rows
  static constexpr int ids_at = sums_at + 2 * DeviceSums::numbers * tile_rows;  // sums by rows, double
  static constexpr int tiles = padded_to(8, ids_at + tile_rows);
  static constexpr int packed_weights = larger(Actor::packed_size, Critic::packed_size);
  static constexpr bool weights_fit = tiles + 2 * packed_weights <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? 2 * packed_weights : 0);
  static constexpr int packed = weights_fit ? 0 : 2 * packed_weights;

  OnPolicyData<Device> d;
  int minibatch, epoch;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.learns_from(minibatch)) return;
    const auto [range, samples] = d.samples_of(minibatch);
    block.each(ids_at, [=](int i) { memory[i] = 0; });
    AdvantageScale scale{.samples = static_cast<double>(samples)};
    scale.valued = scale.samples;
    if (d.normalize_advantages) normalize(scale);
    float* const to = d.weights.partial + static_cast<std::ptrdiff_t>(block.index()) * Device::parameters;
    add_tiles<Actor, false>(block, memory, range, d.weights.values, to,
                            [&](int rows) { policy_losses(block, memory, scale, rows); });
    add_tiles<Critic, true>(block, memory, range, d.weights.values + Device::ActorNetwork::parameters,
                            to + Device::ActorNetwork::parameters,
                            [&](int rows) { value_losses(block, memory, scale, rows); });
    block.each(free_weights, [=](int k) {
      float sum = 0;
      for (int i = 0; i < tile_rows; ++i) sum += memory[free_at + k * tile_pitch + i];
      to[Device::free_at + k] = sum;
    });
    const double* const by_row = sums(memory);
    double* const so_far = &d.sums[block.index()].policy;
    const bool begins = minibatch == 0 && epoch == 0;
    const bool anew = minibatch == 0 && Device::estimates_anew;
    const double samples_here = scale.samples;
    block.each(DeviceSums::numbers, [=](int k) {
      double sum = 0;
      for (int i = 0; i < tile_rows; ++i) sum += by_row[(k == 10 ? 3 : k) * tile_rows + i];
      if (k == 10 && samples_here > 0) sum /= samples_here;
      const bool of_returns = k >= 5 && k < 10;
      so_far[k] = begins || (anew && of_returns) ? sum : so_far[k] + sum;
    });
  }

 private:
  static_assert(sizeof(DeviceSums) == DeviceSums::numbers * sizeof(double));

  POLIS_HD static double* sums(float* memory) { return reinterpret_cast<double*>(memory + sums_at); }
  POLIS_HD static int* samples(float* memory) { return reinterpret_cast<int*>(memory + ids_at); }

  POLIS_HD void normalize(AdvantageScale& scale) const {
    double sum = 0, squares = 0;
    for (int i = 0; i < Device::parts_of_sums; ++i) {
      const AdvantageSums& part = d.advantages[minibatch * Device::parts_of_sums + i];
      sum += part.sum, squares += part.squares;
    }
    scale.normalize(sum, squares);
  }
  /// The gradient of one network's losses on this block's tiles, whose derivatives `losses(rows)` leaves.
  template <class Network, bool critic, class Block, class Losses>
  POLIS_HD void add_tiles(Block& block, float* memory, const typename OnPolicyData<Device>::Range& range,
                          const float* from, float* to, const Losses& losses) const {
    float* const weights =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * packed;
    float* const gradient = weights + packed_weights;
    Network::pack(block, from, weights);
    block.each(Network::packed_size, [=](int i) { gradient[i] = 0; });
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    const int count = (range.to - range.from + tile_rows - 1) / tile_rows;
    for (int tile = block.index(); tile < count; tile += block.blocks()) {
      const int first = range.from + tile * tile_rows;
      const int rows = range.to - first < tile_rows ? range.to - first : tile_rows;
      gather<Network, critic>(block, memory, first, rows);
      Network::forward(block, weights, memory, memory + outputs_at, memory + hidden_at);
      losses(rows);
      Network::backward(block, weights, gradient, memory, memory + d_outputs_at, memory + hidden_at);
    }
    Network::unpack(block, gradient, to);
  }
  template <class Network, bool critic, class Block>
  POLIS_HD void gather(Block& block, float* memory, int first, int rows) const {
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + i;
      if (i >= rows) return clear_row(inputs, Network::inputs);
      samples(memory)[i] = d.order[first + i];
      place_sample<critic>(d, d.order[first + i], inputs);
    });
  }
  template <class Block>
  POLIS_HD void policy_losses(Block& block, float* memory, const AdvantageScale& scale, int rows) const {
    const float weight = static_cast<float>(1. / scale.samples);
    block.each(tile_rows, [&](int i) {
      const Out<float> d_logits{memory + d_outputs_at + i, tile_pitch};
      for (int k = 0; k < Actor::outputs; ++k) d_logits.set(k, 0.f);
      if (i >= rows) return;
      const auto id = static_cast<std::ptrdiff_t>(samples(memory)[i]);
      const In<float> logits{memory + outputs_at + i, tile_pitch}, free{d.weights.values + Device::free_at};
      In<float> mask;
      if constexpr (Device::mask_size > 0) mask = {d.rollout.masks.data + id * Device::mask_size};
      const In<float> action{d.rollout.actions.data + id * Device::words};
      const Evaluation<float> now = Distribution::template evaluate<float>(logits, free, mask, action);
      const float advantage = (d.rollout.advantages.data[id] - scale.mean) * scale.inverse_deviation;
      const PolicyLoss<float> loss = Objective::template policy_loss<float>(
          d.objective, {now.log_prob, d.rollout.log_probs.data[id], advantage});
      Distribution::template backward<float>(logits, free, mask, action, loss.d_log_prob * weight,
                                             -weight * d.entropy_coefficient, d_logits,
                                             Out<float>{memory + free_at + i, tile_pitch});
      add(memory, i, 0, loss.loss), add(memory, i, 2, now.entropy);
      add(memory, i, 3, loss.kl), add(memory, i, 4, loss.clipped);
    });
  }
  template <class Block>
  POLIS_HD void value_losses(Block& block, float* memory, const AdvantageScale& scale, int rows) const {
    const float weight = d.value_coefficient / static_cast<float>(scale.valued);
    block.each(tile_rows, [&](int i) {
      const Out<float> d_values{memory + d_outputs_at + i, tile_pitch};
      for (int k = 0; k < Critic::outputs; ++k) d_values.set(k, 0.f);
      if (i >= rows) return;
      const auto id = static_cast<std::ptrdiff_t>(samples(memory)[i]);
      const float target = d.rollout.returns.data[id], before = d.rollout.values.data[id];
      float output_before = before, output_target = target;
      if constexpr (Device::normalizes_values) {
        output_before = d.values->output(before), output_target = d.values->target(target);
      }
      const ValueLoss<float> loss = Objective::template value_loss<float>(d.objective, memory[outputs_at + i],
                                                                          output_before, output_target);
      d_values.set(0, loss.d_value * weight);
      add(memory, i, 1, loss.loss);
      if (epoch > 0 && !Device::estimates_anew) return;
      const float error = target - before;
      add(memory, i, 5, 1.f), add(memory, i, 6, target), add(memory, i, 7, target * target);
      add(memory, i, 8, error), add(memory, i, 9, error * error);
    });
  }
  POLIS_HD static void add(float* memory, int row, int which, float value) {
    sums(memory)[which * tile_rows + row] += static_cast<double>(value);
  }
};

/// Adds up the gradients of all blocks of this rank, in their order, and the squares of the sum.
template <class Device>
struct SumKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  OnPolicyData<Device> d;
  int minibatch, parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (d.samples_of(minibatch).samples > 0) {
      sum_gradient<Device::parameters>(block, memory, d.weights, parts);
    } else if (d.ranks > 1) {  // what is added up over them all the same does not grow
      block.each_of_grid(Device::parameters, [&](int i) {
        if (std::abs(d.weights.gradient[i]) < 1e30f) d.weights.gradient[i] = 0;
      });
    }
  }
};

/// The squares of the gradient of all ranks.
template <class Device>
struct NormKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  OnPolicyData<Device> d;
  int minibatch;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (d.samples_of(minibatch).samples == 0) return;
    square_gradient<Device::parameters>(block, memory, d.weights,
                                        [&](int at) { return d.weights.gradient[at]; });
  }
};

/// The step along the clipped gradient; none along one that is not finite.
template <class Device>
struct StepKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  OnPolicyData<Device> d;
  int minibatch, blocks_of_sum;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    const int samples = d.samples_of(minibatch).samples;
    if (samples == 0) return;
    const double norm = step_along<typename Device::Optimizer, Device::parameters>(
        block, memory, d.weights, d.optimizer, d.progress->learning_rate, d.max_gradient_norm, blocks_of_sum);
    if (block.index() > 0) return;
    block.once([&] {
      DeviceStatus& status = *d.status;
      status.samples += samples, status.gradient_norm += norm, ++status.steps;
      if (!is_finite_norm(norm)) status.failure = DeviceStatus::gradient;
    });
  }
};

/// What this rank's part of the minibatches so far came to.
template <class Device>
struct TotalsKernel {
  static constexpr int threads = 32, shared = 0;
  OnPolicyData<Device> d;
  int parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (d.status->all_units > 0) add_up(block, d, parts);
  }
  template <class Block>
  POLIS_HD static void add_up(Block& block, const OnPolicyData<Device>& d, int parts) {
    block.each(DeviceSums::numbers, [&](int k) {
      double sum = 0;
      for (int part = 0; part < parts; ++part) sum += (&d.sums[part].policy)[k];
      (&d.status->sums.policy)[k] = sum;
    });
  }
};

/// What the minibatches so far came to, and whether the policy has moved too far for another epoch. `parts`
/// is 0 where the totals are there, those of all ranks.
template <class Device>
struct EpochKernel {
  static constexpr int threads = 32, shared = 0;
  OnPolicyData<Device> d;
  int parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    DeviceStatus& status = *d.status;
    if (status.all_units <= 0 || status.stopped) return;
    if (parts > 0) TotalsKernel<Device>::add_up(block, d, parts);
    block.once([&] {
      const double kl = (status.sums.batch_kl - status.kl_before) / d.minibatches();
      status.kl_before = status.sums.batch_kl;
      if (d.target_kl > 0 && kl > static_cast<double>(d.target_kl)) status.stopped = 1;
    });
  }
};

}  // namespace polis::internal
