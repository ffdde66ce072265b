// The collection of a learner from a replay: each block of threads takes some lanes through the steps between
// two looks at whether it is time to learn, and stores their transitions; then samples are drawn.
//
// What ReplayAgents does on the CPU. How a row chooses is the learner's own: `Device` names the network
// (Acting) that a row's inputs go through, and its data has
// - `acting_weights()`, of that network,
// - `forget(row)`, called when an episode begins,
// - `choose(outputs, mask, step, row, to)`, which leaves the action as it is kept.
#pragma once

#include <polis/device/replay_data.hpp>
#include <polis/distribution/interval.hpp>

namespace polis::internal {

template <class Device>
struct StoreKernel {
  using E = typename Device::E;
  using Acting = typename Device::Acting;
  using Action = typename Device::Action;
  using Observation = typename Device::Observation;

  static constexpr int threads = 256, agents = Device::agents, width = Device::width, words = Action::words;
  static constexpr int lanes_of_block = agents < tile_rows ? tile_rows / agents : 1;
  static constexpr bool masked = Device::flags > 0, discrete = Action::kind == SpaceKind::discrete;
  static constexpr int outputs_at = Acting::input_tile, hidden_at = outputs_at + Acting::output_tile;
  static constexpr int tiles = hidden_at + Acting::hidden_size;
  static constexpr bool weights_fit = tiles + Acting::packed_size <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? Acting::packed_size : 0);
  static constexpr int spilled = weights_fit ? 0 : Acting::packed_size;

  typename Device::Data d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    float* const weights =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * spilled;
    Acting::pack(block, d.acting_weights(), weights);
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    const int first = block.index() * lanes_of_block;
    const int lanes = d.lane_count - first < lanes_of_block ? d.lane_count - first : lanes_of_block;
    const int units = lanes * agents / width, first_unit = first * agents / width;
    for (int step = 0; step < d.steps; ++step) {
      block.each(lanes, [&](int i) { d.actions[first + i] = Actions<E>{}; });
      begin(block, first_unit, units);
      for (int row = 0; row < lanes * agents; row += tile_rows) {
        const int left = lanes * agents - row;
        act(block, memory, weights, step, first * agents + row, left < tile_rows ? left : tile_rows);
      }
      advance_lanes(block, d, first, lanes);
      block.each(units, [&](int i) { record(first_unit + i); });
      block.each(lanes, [&](int i) { renew_lane(block, d, first + i, step); });
    }
  }

 private:
  POLIS_HD const Lane<E>& lane_of(int unit) const { return d.lanes[unit * width / agents]; }
  POLIS_HD bool unit_decides(int unit) const {
    for (int j = 0; j < width; ++j) {
      if (d.decides(unit * width + j)) return true;
    }
    return false;
  }
  POLIS_HD float* mask_of(int row) const {
    return masked ? d.masks + static_cast<std::ptrdiff_t>(row) * Device::flags : nullptr;
  }

  /// Begins the transitions of the units that decide, and completes those that they follow on.
  template <class Block>
  POLIS_HD void begin(Block& block, int first, int units) const {
    const auto open = [this](int unit) {
      ReplayViews replay = d.replay;
      if (lane_of(unit).episode.length == 0) {
        replay.drop(unit);
        for (int j = 0; j < width; ++j) d.forget(unit * width + j);
      }
      if (!unit_decides(unit)) return;
      const int id = replay.begin(unit, d.discount);
      if constexpr (Device::state_words > 0) lane_of(unit).state(Row{&replay.states(id, 0)}, d.env, d.data);
    };
    const auto close = [this](int unit) {
      ReplayViews replay = d.replay;
      if (unit_decides(unit)) replay.link(unit, mask_of(unit * width));
    };
    if constexpr (width == 1) {
      block.each(units, [&](int i) { open(first + i), see(block, first + i), close(first + i); });
    } else {
      block.each(units, [&](int i) { open(first + i); });
      block.each(units * width, [&](int i) { see(block, first * width + i); });
      block.each(units, [&](int i) { close(first + i); });
    }
  }
  /// What a row sees, and may do.
  template <class Block>
  POLIS_HD void see(Block& block, int row) const {
    const int unit = row / width, j = row % width, agent = row % agents;
    if (width == 1 ? !d.decides(row) : !unit_decides(unit)) return;
    const int id = d.replay.newest(unit);
    float *const seen = &d.replay.observations(id, j, 0), *const mask = mask_of(row);
    if (width > 1 && !d.decides(row)) {
      for (int k = 0; k < Observation::words; ++k) seen[k] = 0;
      for (int k = 0; k < Device::flags; ++k) mask[k] = 0;
      d.replay.actions(id, j, 0) = no_action;
      return;
    }
    const Lane<E>& lane = lane_of(unit);
    observe<0>(lane.env, agent, Row{seen}, lane.view(d.env, d.data));
    if constexpr (masked) {
      if (allow(lane, agent, mask) > 0) return;
      if (block.add(&d.status->refusals, 1) > 0) return;
      d.status->lane = row / agents, d.status->agent = agent;
    }
  }
  /// The legal actions of an agent; returns how many there are.
  POLIS_HD static int allow(const Lane<E>& lane, int agent, float* mask) {
    for (int k = 0; k < Device::flags; ++k) mask[k] = 1;
    if constexpr (discrete && HasLegalActions<E>) legal<0>(lane.env, agent, Row{mask});
    int count = 0;
    for (int k = 0; k < Device::flags; ++k) count += mask[k] != 0.f;
    return count;
  }

  /// Chooses the actions of up to 64 rows that decide.
  template <class Block>
  POLIS_HD void act(Block& block, float* memory, const float* weights, int step, int first, int rows) const {
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + i;
      const int row = first + i;
      if (i >= rows || !d.decides(row)) return clear_row(inputs, Acting::inputs);
      const float* const seen = &d.replay.observations(d.replay.newest(row / width), row % width, 0);
      place_features<Observation, Device::ids>(seen, row % agents, inputs);
    });
    Acting::forward(block, weights, memory, memory + outputs_at, memory + hidden_at);
    block.each(rows, [&](int i) {
      const int row = first + i, agent = row % agents;
      if (!d.decides(row)) return;
      float* const kept = &d.replay.actions(d.replay.newest(row / width), row % width, 0);
      d.choose(In<float>{memory + outputs_at + i, tile_pitch}, mask_of(row), step, row, kept);
      if constexpr (Action::kind == SpaceKind::box) {
        Array<float, words> scaled{};
        for (int k = 0; k < words; ++k) {
          const Interval<Action, float> interval(k);
          scaled[k] = interval.middle() + .5f * interval.length() * kept[k];
        }
        set_action<E>(d.actions[row / agents], agent, In<float>{scaled.data()});
      } else {
        set_action<E>(d.actions[row / agents], agent, In<float>{kept});
      }
    });
  }

  /// Adds what the step brought the unit, and completes its transitions where its episode ended.
  POLIS_HD void record(int unit) const {
    ReplayViews replay = d.replay;
    if (replay.pending(unit) == 0) return;
    const Lane<E>& lane = lane_of(unit);
    float reward = 0;
    End end = End::none;
    bool anyone = false, rewarded = false;
    for (int j = 0; j < width; ++j) {
      const int agent = (unit * width + j) % agents;
      const End here = lane.ends[agent];
      anyone = anyone || lane.lives(agent);
      if (here > end) end = here;
      if (!rewarded && (lane.lives(agent) || here != End::none))
        reward = lane.rewards[agent], rewarded = true;
    }
    replay.reward(unit, &reward);
    if (anyone) return;
    if (end == End::terminated) replay.terminate(unit);
    if (end == End::truncated) {
      see_last(lane, unit, replay.following(unit));
      replay.truncate(unit, d.discount);
    }
  }
  /// What a unit sees of an episode that was cut off.
  POLIS_HD void see_last(const Lane<E>& lane, int unit, const ReplayViews::Following& to) const {
    for (int j = 0; j < width; ++j) {
      const int agent = (unit * width + j) % agents;
      observe<0>(lane.env, agent, Row{to.observations + j * Observation::words}, lane.view(d.env, d.data));
      if constexpr (masked) {
        float* const mask = to.masks + j * Device::flags;
        allow(lane, agent, mask);
        if (lane.ends[agent] == End::truncated && (width == 1 || acting<0>(lane.env, agent))) continue;
        for (int k = 0; k < Device::flags; ++k) mask[k] = 0;
      }
    }
    if constexpr (Device::state_words > 0) lane.state(Row{to.state}, d.env, d.data);
  }
};

/// How many transitions are kept of each unit and of those before it.
template <class Device>
struct EndsKernel {
  static constexpr int threads = 256, shared = 2 * threads;
  typename Device::Data d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    auto* const sums = reinterpret_cast<std::uint64_t*>(memory);
    const int units = d.units(), each = (units + threads - 1) / threads;
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
  typename Device::Data d;
  int update;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    if (!d.learns(update)) return;
    block.each_of_grid(d.batch, [&](int i) {
      const int units = d.units();
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
