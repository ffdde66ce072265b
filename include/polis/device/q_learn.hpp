// One update of Q-learning on a device; see algorithm/q_transitions.hpp for what is computed. A block of
// threads has as many transitions of the sample as their agents fill a tile of rows with: agent j of the
// block's i-th transition is row i * width + j.
#pragma once

#include <polis/device/q_data.hpp>
#include <polis/device/step.hpp>

namespace polis::internal {

/// The gradient of the losses on a sample.
template <class Device>
struct QGradientKernel {
  using E = typename Device::E;
  using Network = typename Device::Network;
  using Mixer = typename Device::Mixer;
  using Observation = typename Device::Observation;

  static constexpr int threads = 256, width = Device::width;
  static constexpr int units_of_block = width < tile_rows ? tile_rows / width : 1;
  static constexpr int larger(int x, int y) { return x > y ? x : y; }
  static constexpr int state_features() {
    if constexpr (Device::state_words > 0) {
      return padded_to_four(E::State::features);
    } else {
      return 0;
    }
  }

  // Shared memory, in floats: tiles, then one network's weights and their gradient.
  static constexpr int values_at = Network::input_tile;
  static constexpr int next_values_at = values_at + Network::output_tile;
  static constexpr int state_at = next_values_at + Network::output_tile;
  static constexpr int mixer_at = state_at + state_features() * tile_pitch;
  static constexpr int hidden_at = mixer_at + Mixer::memory_size;
  static constexpr int rows_at = hidden_at + larger(Network::hidden_size, Mixer::hidden_size);
  static constexpr int q = rows_at, d_q = q + tile_rows;                                 // [row]
  static constexpr int total = d_q + tile_rows, next_total = total + tile_rows;          // [unit]
  static constexpr int d_total = next_total + tile_rows, sums_at = d_total + tile_rows;  // [2][unit]
  static constexpr int tiles = sums_at + 2 * tile_rows;
  static constexpr int packed = larger(Network::packed_size, Mixer::packed_size);
  static constexpr bool weights_fit = tiles + 2 * packed <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? 2 * packed : 0);
  static constexpr int spilled = weights_fit ? 0 : 2 * packed;

  QData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.learns(update)) return;
    const int first = block.index() * units_of_block,
              units = sampled_rows(d.batch, block.index(), units_of_block);
    float* const weights =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * spilled;
    const BlockScratch scratch{memory + hidden_at, weights, weights + packed};
    const float* const own = d.weights.values;
    block.each(tiles, [=](int i) { memory[i] = 0; });

    see(block, memory, first, units, d.replay.next_observations, d.replay.next_states);
    forward_once<Network>(block, scratch, d.target, memory, memory + next_values_at);
    if (d.double_q) forward_once<Network>(block, scratch, own, memory, memory + values_at);
    block.each(units * width, [&](int row) { value_next(memory, first, row); });
    Mixer::forward(block, scratch, d.target + Device::mixer_at, memory + q, memory + state_at,
                   memory + mixer_at, memory + next_total, units);

    see(block, memory, first, units, d.replay.observations, d.replay.states);
    forward_once<Network>(block, scratch, own, memory, memory + values_at);
    block.each(units * width, [&](int row) {
      const int action = action_of(first, row);
      memory[q + row] = action < 0 ? 0.f : memory[values_at + action * tile_pitch + row];
    });
    Mixer::forward(block, scratch, own + Device::mixer_at, memory + q, memory + state_at, memory + mixer_at,
                   memory + total, units);
    block.each(units, [&](int unit) { add_loss(memory, first, unit); });

    float* const to = d.weights.partial + static_cast<std::ptrdiff_t>(block.index()) * Device::parameters;
    Mixer::backward(block, scratch, own + Device::mixer_at, memory + q, memory + state_at, memory + mixer_at,
                    memory + d_total, memory + d_q, to + Device::mixer_at, units);
    block.each(Network::output_tile, [=](int i) { memory[values_at + i] = 0; });
    block.each(units * width, [&](int row) {
      const int action = action_of(first, row);
      if (action >= 0) memory[values_at + action * tile_pitch + row] = memory[d_q + row];
    });
    backward_once<Network>(block, scratch, own, memory, memory + values_at, to);
    report_rows(block, memory + sums_at, 2, &d.sums[block.index()].loss);
  }

 private:
  /// Inputs of all rows, and the state of all units.
  template <class Block>
  POLIS_HD void see(Block& block, float* memory, int first, int units,
                    const ArrayView<float, 3>& observations, const ArrayView<float, 2>& states) const {
    block.each(tile_rows, [&](int row) {
      float* const inputs = memory + row;
      if (row >= units * width) return clear_row(inputs, Network::inputs);
      const int id = d.ids[first + row / width], j = row % width;
      place_features<Observation, Device::ids>(&observations(id, j, 0), d.agent_of(id, j), inputs);
    });
    if constexpr (Device::state_words > 0) {
      block.each(tile_rows, [&](int unit) {
        float* const inputs = memory + state_at + unit;
        if (unit >= units) return clear_row(inputs, state_features());
        expand<typename E::State>(In<float>{&states(d.ids[first + unit], 0)}, Out<float>{inputs, tile_pitch});
      });
    }
  }
  /// What the row's agent did; -1 if it did not act.
  POLIS_HD int action_of(int first, int row) const {
    return static_cast<int>(d.replay.actions(d.ids[first + row / width], row % width, 0));
  }
  /// q[row] = the target network's value of what the agent would do next; 0 if it does not act.
  POLIS_HD void value_next(float* memory, int first, int row) const {
    const float* mask = nullptr;
    if constexpr (Device::flags > 0) mask = &d.replay.next_masks(d.ids[first + row / width], row % width, 0);
    const float* const chooser = memory + (d.double_q ? values_at : next_values_at) + row;
    const int best = greedy_action(In<float>{chooser, tile_pitch}, mask, Device::actions);
    memory[q + row] = best < 0 ? 0.f : memory[next_values_at + best * tile_pitch + row];
  }
  POLIS_HD void add_loss(float* memory, int first, int unit) const {
    const int id = d.ids[first + unit];
    const float mean = 1.f / static_cast<float>(d.batch), value = memory[total + unit];
    const float target =
        d.reward_scale * d.replay.rewards(id, 0) + d.replay.discounts.data[id] * memory[next_total + unit];
    const auto loss = Device::Objective::error_loss(d.objective, value - target);
    memory[d_total + unit] = mean * loss.d_error;
    memory[sums_at + unit] = mean * loss.loss;
    memory[sums_at + tile_rows + unit] = mean * value;
  }
};

/// Adds up the blocks' gradients in their order, and the squares of the sum.
template <class Device>
struct QSumKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  QData<Device> d;
  int update, parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.learns(update)) return;
    sum_gradient<Device::parameters>(block, memory, d.weights, parts);
  }
};

/// The step along the clipped gradient.
template <class Device>
struct QStepKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  QData<Device> d;
  int update, blocks_of_sum;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.learns(update)) return;
    const double norm = step_along<typename Device::Optimizer, Device::parameters>(
        block, memory, d.weights, d.optimizer, d.progress->learning_rate, d.max_gradient_norm, blocks_of_sum);
    if (block.index() > 0) return;
    block.once([&] {
      ++d.status->updates, d.status->gradient_norm += norm;
      if (!is_finite_norm(norm)) d.status->bad = 1;
    });
  }
};

/// The target network's step.
template <class Device>
struct QFollowKernel {
  using Target = typename Device::Words::Target;
  static constexpr int threads = 256, shared = 0;
  QData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (!d.learns(update)) return;
    block.each_of_grid(Device::parameters, [&](int i) {
      d.target[i] = Target::followed(d.following, d.number_of(update) + 1, d.weights.values[i], d.target[i]);
    });
  }
};

/// Adds up what the blocks' samples came to, for the host.
template <class Device>
struct QReportKernel {
  static constexpr int threads = 32, shared = 0;
  QData<Device> d;
  int parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.once([&] {
      for (int i = 0; i < parts; ++i)
        d.status->sums.loss += d.sums[i].loss, d.status->sums.value += d.sums[i].value;
    });
  }
};

}  // namespace polis::internal
