// The collection of an actor with Q-critics: each block of threads takes some lanes through the steps between
// two looks at whether it is time to learn, and stores their transitions.
#pragma once

#include <polis/device/off_policy_data.hpp>

namespace polis::internal {

template <class Device>
struct StoreKernel {
  using E = typename Device::E;
  using Actor = typename Device::Actor;
  using Head = typename Device::Head;
  using Action = typename Device::Action;
  using Observation = typename Device::Observation;
  using Exploration = typename Device::Exploration;

  static constexpr int threads = 256, agents = Device::agents, words = Device::words;
  static constexpr int lanes_of_block = agents < tile_rows ? tile_rows / agents : 1;
  static constexpr int outputs_at = Actor::input_tile, hidden_at = outputs_at + Actor::output_tile;
  static constexpr int tiles = hidden_at + Actor::hidden_size;
  static constexpr bool weights_fit = tiles + Actor::packed_size <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? Actor::packed_size : 0);
  static constexpr int spilled = weights_fit ? 0 : Actor::packed_size;

  ActorQData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    float* const weights =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * spilled;
    Actor::pack(block, d.actor.values, weights);
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    const int first = block.index() * lanes_of_block;
    const int lanes = d.lane_count - first < lanes_of_block ? d.lane_count - first : lanes_of_block;
    for (int step = 0; step < d.steps; ++step) {
      block.each(lanes, [&](int i) { d.actions[first + i] = Actions<E>{}; });
      for (int row = 0; row < lanes * agents; row += tile_rows) {
        const int left = lanes * agents - row;
        act(block, memory, weights, step, first * agents + row, left < tile_rows ? left : tile_rows);
      }
      block.each(lanes, [&](int i) {
        d.lanes[first + i].advance(d.actions[first + i], d.streams_of(first + i), d.env, d.data);
      });
      block.each(lanes * agents, [&](int i) { record(first * agents + i); });
      block.each(lanes, [&](int i) { renew_lane(block, d, first + i, step); });
    }
  }

 private:
  POLIS_HD bool decides(int row) const {
    const Lane<E>& lane = d.lanes[row / agents];
    return lane.lives(row % agents) && acting<0>(lane.env, row % agents);
  }
  /// Begins the transitions of up to 64 rows that decide, and chooses their actions.
  template <class Block>
  POLIS_HD void act(Block& block, float* memory, const float* weights, int step, int first, int rows) const {
    ReplayViews replay = d.replay;
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + i;
      const int row = first + i, agent = row % agents;
      if (i < rows && d.lanes[row / agents].episode.length == 0) {
        replay.drop(row);
        for (int k = 0; k < Device::noise_memory; ++k) d.noise[row * Device::noise_memory + k] = 0;
      }
      if (i >= rows || !decides(row)) return clear_row(inputs, Actor::inputs);
      const Lane<E>& lane = d.lanes[row / agents];
      const int id = replay.begin(row, d.discount);
      float* const seen = &replay.observations(id, 0, 0);
      observe<0>(lane.env, agent, Row{seen}, lane.view(d.env, d.data));
      replay.link(row, nullptr);
      place_features<Observation, Device::ids>(seen, agent, inputs);
    });
    Actor::forward(block, weights, memory, memory + outputs_at, memory + hidden_at);
    block.each(rows, [&](int i) {
      const int row = first + i, agent = row % agents;
      if (!decides(row)) return;
      float* const kept = &replay.actions(replay.newest(row), 0, 0);
      choose(In<float>{memory + outputs_at + i, tile_pitch}, step, row, kept);
      Array<float, words> scaled{};
      for (int k = 0; k < words; ++k) {
        const Interval<Action, float> interval(k);
        scaled[k] = interval.middle() + .5f * interval.length() * kept[k];
      }
      set_action<E>(d.actions[row / agents], agent, In<float>{scaled.data()});
    });
  }
  POLIS_HD void choose(In<float> outputs, int step, int row, float* action) const {
    Random random(d.seed, d.progress->batch_step + static_cast<std::uint64_t>(step),
                  d.streams_of(row / agents).lane, static_cast<std::uint32_t>(row % agents),
                  Purpose::exploration);
    Array<float, Device::Networks::draws> uniforms{};
    for (int k = 0; k < Device::Networks::draws; ++k) uniforms[k] = random.uniform();
    if (step < d.progress->random_steps) {
      for (int k = 0; k < words; ++k) action[k] = 2 * uniforms[k] - 1;
      return;
    }
    Head::template sample<float>(d.head, outputs, {}, In<float>{uniforms.data()}, Out<float>{action});
    Exploration::template perturb<words>(d.exploration, In<float>{uniforms.data() + Head::noise},
                                         d.noise + row * Device::noise_memory, Out<float>{action});
  }
  POLIS_HD void record(int row) const {
    ReplayViews replay = d.replay;
    if (replay.pending(row) == 0) return;
    const Lane<E>& lane = d.lanes[row / agents];
    const int agent = row % agents;
    const End end = lane.ends[agent];
    const float reward = lane.lives(agent) || end != End::none ? lane.rewards[agent] : 0.f;
    replay.reward(row, &reward);
    if (lane.lives(agent)) return;
    if (end == End::terminated) replay.terminate(row);
    if (end == End::truncated) {
      observe<0>(lane.env, agent, Row{replay.following(row).observations}, lane.view(d.env, d.data));
      replay.truncate(row, d.discount);
    }
  }
};

/// How many transitions are kept of each unit and of those before it.
template <class Device>
struct EndsKernel {
  static constexpr int threads = 256, shared = 2 * threads;
  ActorQData<Device> d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<std::uint64_t*>(memory);
    const int units = d.rows(), each = (units + threads - 1) / threads;
    block.each(threads, [&](int thread) {
      std::uint64_t sum = 0;
      for (int u = thread * each; u < (thread + 1) * each && u < units; ++u) sum += d.replay.kept(u);
      sums[thread] = sum;
    });
    block.once([=] { sum_before(sums, threads, std::uint64_t{0}); });
    block.each(threads, [&](int thread) {
      std::uint64_t end = sums[thread];
      for (int u = thread * each; u < (thread + 1) * each && u < units; ++u)
        d.ends[u] = end += d.replay.kept(u);
    });
  }
};

/// Draws the sample of one update, as UniformReplay::sample does.
template <class Device>
struct DrawKernel {
  static constexpr int threads = 256, shared = 0;
  ActorQData<Device> d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (!d.learns(update)) return;
    block.each_of_grid(d.batch, [&](int i) {
      const int units = d.rows();
      const auto size = static_cast<std::uint32_t>(d.ends[units - 1]);
      const auto number = static_cast<std::uint32_t>(i);
      const Philox::Counter words =
          Philox::block(Philox::counter(number / 4, static_cast<std::uint32_t>(d.number_of(update)), 0, 0,
                                        Purpose::permutation),
                        Philox::key(d.seed));
      const std::uint64_t product = std::uint64_t{words[static_cast<int>(number % 4)]} * size;
      auto drawn = product >> 32;
      if (static_cast<std::uint32_t>(product) <
          (0u - size) % size) {  // one in a million: of a stream of its own
        Random other(d.seed, d.number_of(update), number + 1, 0, Purpose::permutation);
        drawn = static_cast<std::uint64_t>(other.integer(static_cast<int>(size)));
      }
      int low = 0, high = units - 1;  // the first unit that ends behind it
      while (low < high) {
        const int middle = (low + high) / 2;
        if (d.ends[middle] > drawn) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      d.ids[i] = d.replay.place(low, d.replay.completed(low) - (d.ends[low] - drawn));
    });
  }
};

}  // namespace polis::internal
