// The collection: each block of threads takes some lanes through all steps of a rollout, weights at hand.
#pragma once

#include <polis/device/on_policy_data.hpp>

namespace polis::internal {

template <class Device>
struct CollectKernel {
  using E = typename Device::E;
  using Actor = typename Device::Actor;
  using Critic = typename Device::Critic;
  using Policy = typename Device::Policy;
  using Distribution = typename Device::Distribution;
  using Observation = typename Device::Observation;
  using Data = OnPolicyData<Device>;

  static constexpr int threads = 256;
  static constexpr int agents = Device::agents, ids = Device::Parts::ids;
  static constexpr bool central = Device::central;
  /// Lanes of a block: as many as fill a tile of rows.
  static constexpr int lanes_of_block = agents < tile_rows ? tile_rows / agents : 1;

  // Shared memory, in floats: tiles, then weights.
  static constexpr int critic_inputs_at = central ? Actor::input_tile : 0;
  static constexpr int outputs_at = critic_inputs_at + Critic::input_tile;
  static constexpr int output_floats =
      Actor::output_tile > Critic::output_tile ? Actor::output_tile : Critic::output_tile;
  static constexpr int hidden_at = outputs_at + output_floats;
  static constexpr int hidden_floats =
      Actor::hidden_size > Critic::hidden_size ? Actor::hidden_size : Critic::hidden_size;
  static constexpr int flag_at = hidden_at + hidden_floats;
  static constexpr int tiles = flag_at + 4;
  static constexpr int weights = Actor::packed_size + Critic::packed_size;
  static constexpr bool weights_fit = tiles + weights <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? weights : 0);
  static constexpr int packed = weights_fit ? 0 : weights;

  Data d;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    float* const actor =
        weights_fit ? memory + tiles : d.packed + static_cast<std::ptrdiff_t>(block.index()) * packed;
    float* const critic = actor + Actor::packed_size;
    Actor::pack(block, d.weights, actor);
    Critic::pack(block, d.weights + Device::ActorNetwork::parameters, critic);
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    const int first = block.index() * lanes_of_block;
    const int lanes = d.lane_count - first < lanes_of_block ? d.lane_count - first : lanes_of_block;
    if constexpr (Device::waits) {
      for (int row = 0; row < lanes * agents; row += tile_rows)
        value_pending(block, memory, critic, first * agents + row, rows_from(row, lanes));
    }
    for (int step = 0; step < d.steps; ++step) {
      const int slot = Device::first_slot + step;
      block.each(lanes, [&](int i) { d.actions[first + i] = Actions<E>{}; });
      for (int row = 0; row < lanes * agents; row += tile_rows)
        act(block, memory, actor, critic, slot, first * agents + row, rows_from(row, lanes));
      advance(block, memory, critic, slot, first, lanes);
    }
    for (int row = 0; row < lanes * agents; row += tile_rows)
      value_last(block, memory, critic, first * agents + row, rows_from(row, lanes));
  }

 private:
  POLIS_HD static int rows_from(int row, int lanes) {
    const int left = lanes * agents - row;
    return left < tile_rows ? left : tile_rows;
  }
  /// What the critic sees of a row, into its tile.
  POLIS_HD void see(const Lane<E>& lane, int agent, float* words, float* state, float* tile) const {
    if constexpr (central) {
      using State = typename E::State;
      write_state(lane, state);
      place_features<State, ids>(state, agent, tile);
    } else {
      observe<0>(lane.env, agent, Row{words}, lane.view(d.env, d.data));
      place_observation(d, words, agent, tile);
    }
  }
  POLIS_HD void write_state(const Lane<E>& lane, float* state) const {
    if constexpr (requires { lane.env.state(Row{state}, lane.view(d.env, d.data)); }) {
      lane.env.state(Row{state}, lane.view(d.env, d.data));
    } else {
      lane.env.state(Row{state});
    }
  }

  /// Chooses the actions of up to 64 rows and values what they see.
  template <class Block>
  POLIS_HD void act(Block& block, float* memory, const float* actor, const float* critic, int slot, int first,
                    int rows) const {
    float* const outputs = memory + outputs_at;
    const RolloutViews& to = d.rollout;
    block.each(tile_rows, [&](int i) {
      float *const inputs = memory + i, *const critic_inputs = memory + critic_inputs_at + i;
      const int row = first + i, agent = row % agents;
      const bool decides = i < rows && d.decides(row);
      if (i < rows) to.decided(slot, row) = decides;
      if (!decides) {
        clear_row(inputs, Actor::inputs);
        if constexpr (central) clear_row(critic_inputs, Critic::inputs);
        return;
      }
      const Lane<E>& lane = d.lanes[row / agents];
      float* const words = &to.observations(slot, row, 0);
      observe<0>(lane.env, agent, Row{words}, lane.view(d.env, d.data));
      place_observation(d, words, agent, inputs);
      if constexpr (central) see(lane, agent, nullptr, &to.states(slot, row, 0), critic_inputs);
      if constexpr (Device::mask_size > 0) {
        float* const mask = &to.masks(slot, row, 0);
        for (int k = 0; k < Device::mask_size; ++k) mask[k] = 1;
        if constexpr (HasLegalActions<E>) legal<0>(lane.env, agent, Row{mask});
        if (!Distribution::valid(In<float>{mask})) {
          d.status->lane = row / agents, d.status->agent = agent;
          d.status->failure = DeviceStatus::no_legal_action;
        }
      }
    });
    Actor::forward(block, actor, memory, outputs, memory + hidden_at);
    block.each(rows, [&](int i) {
      const int row = first + i, agent = row % agents, lane = row / agents;
      if (!to.decided(slot, row)) return;
      Array<float, Policy::noise> noise{};
      Random random(d.seed, d.progress->batch_step + static_cast<std::uint64_t>(slot - Device::first_slot),
                    d.streams_of(lane).lane, static_cast<std::uint32_t>(agent), Purpose::action);
      for (int k = 0; k < Policy::noise; ++k) noise[k] = random.uniform();
      const In<float> logits{outputs + i, tile_pitch}, free{d.weights + Device::free_at};
      const In<float> mask = mask_of(slot, row);
      float* const words = &to.actions(slot, row, 0);
      Distribution::template sample<float>(logits, free, mask, In<float>{noise.data()}, Out<float>{words});
      to.log_probs(slot, row) = Distribution::template log_prob<float>(logits, free, mask, In<float>{words});
      set_action<E>(d.actions[lane], agent, In<float>{words});
    });
    Critic::forward(block, critic, memory + critic_inputs_at, outputs, memory + hidden_at);
    block.each(rows, [&](int i) { to.values(slot, first + i) = value_of(d, outputs[i]); });
  }
  POLIS_HD In<float> mask_of(int slot, int row) const {
    if constexpr (Device::mask_size > 0) {
      return {&d.rollout.masks(slot, row, 0)};
    } else {
      return {};
    }
  }

  /// Steps the lanes, values the final observations of truncated episodes, and begins new ones.
  template <class Block>
  POLIS_HD void advance(Block& block, float* memory, const float* critic, int slot, int first,
                        int lanes) const {
    const RolloutViews& to = d.rollout;
    float* const truncated = memory + flag_at;
    block.once([=] { *truncated = 0; });
    block.each(lanes, [&](int i) {
      Lane<E>& lane = d.lanes[first + i];
      lane.advance(d.actions[first + i], d.streams_of(first + i), d.env, d.data);
      for (int agent = 0; agent < agents; ++agent) {
        const int row = (first + i) * agents + agent;
        to.rewards(slot, row) = lane.rewards[agent];
        to.ends(slot, row) = lane.ends[agent];
        if (lane.ends[agent] == End::truncated) *truncated = 1;
      }
    });
    if (*truncated != 0) {
      for (int row = 0; row < lanes * agents; row += tile_rows)
        value_final(block, memory, critic, slot, first * agents + row, rows_from(row, lanes));
    }
    block.each(lanes, [&](int i) {
      Lane<E>& lane = d.lanes[first + i];
      if (!lane.over()) return;
      EndedEpisode& ended = d.ended[block.add(&d.status->episodes, 1)];
      static_cast<Episode&>(ended) = lane.episode;
      ended.step = static_cast<std::uint32_t>(slot), ended.lane = d.streams_of(first + i).lane;
      lane.begin(DeviceTasks<Device>{&d}, d.streams_of(first + i), d.env, d.data);
    });
  }

  template <class Block>
  POLIS_HD void value_final(Block& block, float* memory, const float* critic, int slot, int first,
                            int rows) const {
    const RolloutViews& to = d.rollout;
    value_rows(block, memory, critic, first, rows, d.slots(),
               [&](int row) { return to.ends(slot, row) == End::truncated; });
    block.each(rows, [&](int i) {
      if (to.ends(slot, first + i) == End::truncated)
        to.final_values(slot, first + i) = value_of(d, memory[outputs_at + i]);
    });
  }
  /// What comes after the last step, where the agent acts on.
  template <class Block>
  POLIS_HD void value_last(Block& block, float* memory, const float* critic, int first, int rows) const {
    value_rows(block, memory, critic, first, rows, d.slots(), [&](int row) { return d.decides(row); });
    block.each(rows, [&](int i) {
      d.rollout.values(d.slots(), first + i) =
          d.decides(first + i) ? value_of(d, memory[outputs_at + i]) : 0.f;
    });
  }
  /// Values of the decisions carried over, by the weights of now.
  template <class Block>
  POLIS_HD void value_pending(Block& block, float* memory, const float* critic, int first, int rows) const {
    const RolloutViews& to = d.rollout;
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + critic_inputs_at + i;
      const int row = first + i;
      if (i >= rows || !to.decided(0, row)) return clear_row(inputs, Critic::inputs);
      if constexpr (central) {
        place_features<typename E::State, ids>(&to.states(0, row, 0), row % agents, inputs);
      } else {
        place_observation(d, &to.observations(0, row, 0), row % agents, inputs);
      }
    });
    Critic::forward(block, critic, memory + critic_inputs_at, memory + outputs_at, memory + hidden_at);
    block.each(rows, [&](int i) { to.values(0, first + i) = value_of(d, memory[outputs_at + i]); });
  }
  /// Values of what the rows see now for which `counts` holds; what they see is left in the slot after the
  /// last.
  template <class Block, class F>
  POLIS_HD void value_rows(Block& block, float* memory, const float* critic, int first, int rows, int slot,
                           const F& counts) const {
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + critic_inputs_at + i;
      const int row = first + i;
      if (i >= rows || !counts(row)) return clear_row(inputs, Critic::inputs);
      float* state = nullptr;
      if constexpr (central) state = &d.rollout.states(slot, row, 0);
      see(d.lanes[row / agents], row % agents, &d.rollout.observations(slot, row, 0), state, inputs);
    });
    Critic::forward(block, critic, memory + critic_inputs_at, memory + outputs_at, memory + hidden_at);
  }
};

}  // namespace polis::internal
