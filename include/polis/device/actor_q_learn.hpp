// One update of an actor with Q-critics on a device; see algorithm/actor_q_update.hpp for what is computed. A
// block of threads has a tile of the sample, and one network's weights at a time.
#pragma once

#include <polis/device/actor_q_data.hpp>
#include <polis/device/step.hpp>

namespace polis::internal {

/// What the kernels of critics and actor have in common: where things lie in shared memory, and passes.
template <class Device>
struct ActorQTile {
  using E = typename Device::E;
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;
  using Head = typename Device::Head;

  static constexpr int larger(int x, int y) { return x > y ? x : y; }
  static constexpr int inputs_at = 0;  // of the actor
  static constexpr int critic_inputs_at = inputs_at + Actor::input_tile;
  static constexpr int outputs_at = critic_inputs_at + Critic::input_tile;  // of the actor
  static constexpr int d_outputs_at = outputs_at + Actor::output_tile;
  static constexpr int values_at = d_outputs_at + Actor::output_tile;
  static constexpr int d_values_at = values_at + Critic::output_tile;
  static constexpr int d_inputs_at = d_values_at + Critic::output_tile;  // of a critic
  static constexpr int hidden_at = d_inputs_at + Critic::input_tile;     // of one network at a time
  static constexpr int rows_at =
      hidden_at + larger(Actor::hidden_size, Critic::hidden_size);  // several numbers a row: [10][64]
  static constexpr int log_probs = rows_at, best = rows_at + tile_rows, least = rows_at + 2 * tile_rows;
  static constexpr int sums_at = rows_at + 3 * tile_rows;  // [sums][64]
  static constexpr int tiles = sums_at + (ActorQSums::numbers + 1) * tile_rows;
  static constexpr int packed = larger(Actor::packed_size, Critic::packed_size);
  static constexpr bool weights_fit = tiles + 2 * packed <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? 2 * packed : 0);
  static constexpr int spilled = weights_fit ? 0 : 2 * packed;
  static constexpr int threads = 256;

  /// Where the block has a network's weights, and their gradient behind them.
  template <class Block>
  POLIS_HD static float* weights_of(const ActorQData<Device>& d, const Block& block, float* memory) {
    return weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * spilled;
  }
  /// The rows of the sample that are this block's.
  POLIS_HD static int rows_of(const ActorQData<Device>& d, int block) {
    return sampled_rows(d.batch, block, tile_rows);
  }
  /// What actor and critics see of each row's transition, or of what follows it.
  template <class Block>
  POLIS_HD static void see(const ActorQData<Device>& d, Block& block, float* memory, bool next) {
    using Observation = typename Device::Observation;
    const int first = block.index() * tile_rows, rows = rows_of(d, block.index());
    const float* const from = next ? d.replay.next_observations.data : d.replay.observations.data;
    block.each(tile_rows, [&](int i) {
      float *const inputs = memory + inputs_at + i, *const critic_inputs = memory + critic_inputs_at + i;
      if (i >= rows) {
        clear_row(inputs, Actor::inputs);
        return clear_row(critic_inputs, Critic::inputs);
      }
      const int id = d.ids[first + i], agent = d.agent_of(id, 0);
      const float* const words = from + static_cast<std::ptrdiff_t>(id) * Observation::words;
      place_features<Observation, Device::ids>(words, agent, inputs);
      place_features<Observation, Device::ids>(words, agent, critic_inputs);
    });
  }
  /// The uniform numbers of a row of the sample: of what follows, then of the actor's own action.
  POLIS_HD static Array<float, 2 * Head::noise + 1> uniforms(const ActorQData<Device>& d, int update,
                                                             int place) {
    Array<float, 2 * Head::noise + 1> numbers{};
    Random random(d.seed, d.number_of(update), static_cast<std::uint32_t>(place), 0, Purpose::noise);
    for (int k = 0; k < 2 * Head::noise; ++k) numbers[k] = random.uniform();
    return numbers;
  }
  POLIS_HD static Out<float> action_of(float* memory, int row) {
    return {memory + critic_inputs_at + Device::actions_at * tile_pitch + row, tile_pitch};
  }
  POLIS_HD static void add(float* memory, int which, int row, float value) {
    memory[sums_at + which * tile_rows + row] += value;
  }
};

/// The gradient of the critics' losses on a sample.
template <class Device>
struct CriticKernel {
  using Tile = ActorQTile<Device>;
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;
  using Head = typename Device::Head;
  static constexpr int threads = Tile::threads, shared = Tile::shared;
  static constexpr int parameters = Device::CriticNetwork::parameters;

  ActorQData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.learns(update)) return;
    const int rows = Tile::rows_of(d, block.index()), first = block.index() * tile_rows;
    float* const weights = Tile::weights_of(d, block, memory);
    float* const gradient = weights + Tile::packed;
    block.each(Tile::tiles, [=](int i) { memory[i] = 0; });
    value_next(block, memory, first, rows);
    Tile::see(d, block, memory, false);
    block.each(rows, [&](int i) {
      const float* const kept = &d.replay.actions(d.ids[first + i], 0, 0);
      for (int k = 0; k < Device::words; ++k) Tile::action_of(memory, i).set(k, kept[k]);
    });
    for (int k = 0; k < Device::critic_count; ++k) {
      Critic::pack(block, d.critics.values + k * parameters, weights);
      block.each(Critic::packed_size, [=](int i) { gradient[i] = 0; });
      Critic::forward(block, weights, memory + Tile::critic_inputs_at, memory + Tile::values_at,
                      memory + Tile::hidden_at);
      block.each(rows, [&](int i) { add_error(memory, i, first); });
      Critic::backward(block, weights, gradient, memory + Tile::critic_inputs_at, memory + Tile::d_values_at,
                       memory + Tile::hidden_at);
      Critic::unpack(
          block, gradient,
          d.critics.partial + static_cast<std::ptrdiff_t>(block.index()) * Device::critics + k * parameters);
    }
    report_rows(block, memory + Tile::sums_at, 2, &d.critic_sums[block.index()].critic_loss);
  }

 private:
  /// least[row] = what the target critics make of what follows, less its entropy's worth.
  template <class Block>
  POLIS_HD void value_next(Block& block, float* memory, int first, int rows) const {
    float* const weights = Tile::weights_of(d, block, memory);
    Tile::see(d, block, memory, true);
    Actor::pack(block, Head::targeted ? d.target_actor : d.actor.values, weights);
    Actor::forward(block, weights, memory + Tile::inputs_at, memory + Tile::outputs_at,
                   memory + Tile::hidden_at);
    block.each(rows, [&](int i) {
      const auto uniforms = Tile::uniforms(d, update, first + i);
      memory[Tile::log_probs + i] =
          Head::template next<float>(d.head, In<float>{memory + Tile::outputs_at + i, tile_pitch}, {},
                                     In<float>{uniforms.data()}, Tile::action_of(memory, i));
    });
    const float alpha = d.temperature();
    for (int k = 0; k < Device::critic_count; ++k) {
      Critic::pack(block, d.target_critics + k * parameters, weights);
      Critic::forward(block, weights, memory + Tile::critic_inputs_at, memory + Tile::values_at,
                      memory + Tile::hidden_at);
      block.each(rows, [&](int i) {
        float& least = memory[Tile::least + i];
        const float value = memory[Tile::values_at + i];
        least = k == 0 ? value : math::min(least, value);
        if (Head::entropic && k == Device::critic_count - 1) least -= alpha * memory[Tile::log_probs + i];
      });
    }
  }
  POLIS_HD void add_error(float* memory, int i, int first) const {
    const int id = d.ids[first + i];
    const float mean = 1.f / static_cast<float>(d.batch);
    const float target = d.replay.rewards(id, 0) + d.replay.discounts.data[id] * memory[Tile::least + i];
    const float value = memory[Tile::values_at + i];
    const auto loss = Device::Objective::error_loss(d.objective, value - target);
    memory[Tile::d_values_at + i] = mean * loss.d_error;
    Tile::add(memory, 0, i, mean * loss.loss);
    Tile::add(memory, 1, i, value * mean / static_cast<float>(Device::critic_count));
  }
};

/// The gradient of the actor's and the temperature's losses on the same sample.
template <class Device>
struct ActorKernel {
  using Tile = ActorQTile<Device>;
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;
  using Head = typename Device::Head;
  static constexpr int threads = Tile::threads, shared = Tile::shared;
  static constexpr int parameters = Device::CriticNetwork::parameters;

  ActorQData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (!d.moves_actor(update)) return;
    const int rows = Tile::rows_of(d, block.index()), first = block.index() * tile_rows;
    float* const weights = Tile::weights_of(d, block, memory);
    float* const gradient = weights + Tile::packed;
    block.each(Tile::tiles, [=](int i) { memory[i] = 0; });
    Tile::see(d, block, memory, false);
    Actor::pack(block, d.actor.values, weights);
    Actor::forward(block, weights, memory + Tile::inputs_at, memory + Tile::outputs_at,
                   memory + Tile::hidden_at);
    block.each(rows, [&](int i) {
      const auto uniforms = Tile::uniforms(d, update, first + i);
      memory[Tile::log_probs + i] =
          Head::template sample<float>(d.head, In<float>{memory + Tile::outputs_at + i, tile_pitch}, {},
                                       In<float>{uniforms.data() + Head::noise}, Tile::action_of(memory, i));
    });
    climb(block, memory, rows);
    block.each(rows, [&](int i) { losses(memory, i, first); });
    // Its hidden layers, which the critics' have taken the place of, are made anew: two would not find room.
    Actor::pack(block, d.actor.values, weights);
    Actor::forward(block, weights, memory + Tile::inputs_at, memory + Tile::outputs_at,
                   memory + Tile::hidden_at);
    block.each(Actor::packed_size, [=](int i) { gradient[i] = 0; });
    Actor::backward(block, weights, gradient, memory + Tile::inputs_at, memory + Tile::d_outputs_at,
                    memory + Tile::hidden_at);
    float* const to = d.actor.partial + static_cast<std::ptrdiff_t>(block.index()) * Device::actor;
    Actor::unpack(block, gradient, to);
    if constexpr (Head::entropic) {
      block.once([=] {
        float sum = 0;
        for (int i = 0; i < tile_rows; ++i) sum += memory[Tile::sums_at + 4 * tile_rows + i];
        to[Device::ActorNetwork::parameters] = sum;
      });
    }
    report_rows(block, memory + Tile::sums_at + 2 * tile_rows, 2, &d.actor_sums[block.index()].actor_loss);
  }

 private:
  /// The value that the actor climbs, least[row], and its gradient with respect to the critics' inputs.
  template <class Block>
  POLIS_HD void climb(Block& block, float* memory, int rows) const {
    float* const weights = Tile::weights_of(d, block, memory);
    const auto value = [&](int k) {
      Critic::pack(block, d.critics.values + k * parameters, weights);
      Critic::forward(block, weights, memory + Tile::critic_inputs_at, memory + Tile::values_at,
                      memory + Tile::hidden_at);
    };
    for (int k = 0; k < Device::climbed; ++k) {
      value(k);
      block.each(rows, [&](int i) {
        const float here = memory[Tile::values_at + i];
        if (k > 0 && !(here < memory[Tile::least + i])) return;
        memory[Tile::least + i] = here, memory[Tile::best + i] = static_cast<float>(k);
      });
    }
    const float mean = 1.f / static_cast<float>(d.batch);
    for (int k = 0; k < Device::climbed; ++k) {
      if (Device::climbed > 1) value(k);
      block.each(tile_rows, [&](int i) {
        const bool climbs = i < rows && memory[Tile::best + i] == static_cast<float>(k);
        memory[Tile::d_values_at + i] = climbs ? -mean : 0.f;
      });
      Critic::input_gradient(block, weights, memory + Tile::d_values_at, memory + Tile::d_inputs_at,
                             memory + Tile::hidden_at);
      block.each(rows, [&](int i) {
        if (memory[Tile::best + i] != static_cast<float>(k)) return;
        const Out<float> to = action_gradient(memory, i);
        const In<float> from{memory + Tile::d_inputs_at + Device::actions_at * tile_pitch + i, tile_pitch};
        for (int w = 0; w < Device::words; ++w) to.set(w, from[w]);
      });
    }
  }
  // The actions' gradient lies with the outputs' until the head turns it into theirs.
  POLIS_HD static Out<float> action_gradient(float* memory, int row) {
    return {memory + Tile::d_outputs_at + row, tile_pitch};
  }
  POLIS_HD void losses(float* memory, int i, int first) const {
    const float mean = 1.f / static_cast<float>(d.batch), alpha = d.temperature();
    const auto uniforms = Tile::uniforms(d, update, first + i);
    Array<float, Device::words> d_action{};
    for (int w = 0; w < Device::words; ++w) d_action[w] = action_gradient(memory, i)[w];
    const Out<float> action = Tile::action_of(memory, i);
    Head::template backward<float>(d.head, In<float>{memory + Tile::outputs_at + i, tile_pitch}, {},
                                   In<float>{uniforms.data() + Head::noise},
                                   In<float>{action.data, tile_pitch}, In<float>{d_action.data()},
                                   alpha * mean, Out<float>{memory + Tile::d_outputs_at + i, tile_pitch});
    const float log_prob = memory[Tile::log_probs + i];
    Tile::add(memory, 2, i, mean * (alpha * log_prob - memory[Tile::least + i]));
    Tile::add(memory, 3, i, -mean * log_prob);
    Tile::add(memory, 4, i, -mean * alpha * (log_prob + d.target_entropy));
  }
};

/// Whose turn a step is.
enum class ActorQPart { critics, actor };

/// Adds up the blocks' gradients in their order, and the squares of the sum.
template <class Device, ActorQPart part>
struct ActorQSumKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  static constexpr int parameters = part == ActorQPart::critics ? Device::critics : Device::actor;
  ActorQData<Device> d;
  int update, parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (part == ActorQPart::critics ? !d.learns(update) : !d.moves_actor(update)) return;
    const DeviceWeights& w = part == ActorQPart::critics ? d.critics : d.actor;
    sum_gradient<parameters>(block, memory, w, parts);
  }
};

/// The step along the clipped gradient.
template <class Device, ActorQPart part>
struct ActorQStepKernel {
  static constexpr int threads = step_threads, shared = step_memory;
  static constexpr int parameters = part == ActorQPart::critics ? Device::critics : Device::actor;
  ActorQData<Device> d;
  int update, blocks_of_sum;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    if (part == ActorQPart::critics ? !d.learns(update) : !d.moves_actor(update)) return;
    const DeviceWeights& w = part == ActorQPart::critics ? d.critics : d.actor;
    const double norm = step_along<typename Device::Optimizer, parameters>(
        block, memory, w, part == ActorQPart::critics ? d.optimizer : d.actor_optimizer,
        part == ActorQPart::critics ? d.progress->critic_rate : d.progress->actor_rate, d.max_gradient_norm,
        blocks_of_sum);
    if (block.index() > 0) return;
    block.once([&] {
      ActorQStatus& s = *d.status;
      if constexpr (part == ActorQPart::critics) {
        ++s.updates, s.critic_norm += norm;
        if (!is_finite_norm(norm)) s.bad_critics = 1;
      } else {
        ++s.actor_updates, s.actor_norm += norm;
        if (!is_finite_norm(norm)) s.bad_actor = 1;
      }
    });
  }
};

/// The targets' step after the actor's.
template <class Device>
struct FollowKernel {
  using Target = typename Device::Words::Target;
  static constexpr int threads = 256, shared = 0;
  ActorQData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (!d.moves_actor(update)) return;
    const std::uint64_t count = (d.number_of(update) + 1) / static_cast<std::uint64_t>(d.actor_every);
    block.each_of_grid(Device::critics, [&](int i) {
      d.target_critics[i] = Target::followed(d.target, count, d.critics.values[i], d.target_critics[i]);
    });
    if constexpr (Device::Head::targeted) {
      block.each_of_grid(Device::actor, [&](int i) {
        d.target_actor[i] = Target::followed(d.target, count, d.actor.values[i], d.target_actor[i]);
      });
    }
  }
};

/// Adds up what the blocks' samples came to, for the host.
template <class Device>
struct ActorQReportKernel {
  static constexpr int threads = 32, shared = 0;
  ActorQData<Device> d;
  int parts;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each(ActorQSums::numbers, [&](int k) {
      double sum = 0;
      for (int i = 0; i < parts; ++i) {
        const ActorQSums& from = k < 2 ? d.critic_sums[i] : d.actor_sums[i];
        sum += (&from.critic_loss)[k];
      }
      (&d.status->sums.critic_loss)[k] = sum;
    });
  }
};

}  // namespace polis::internal
