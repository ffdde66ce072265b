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
  static constexpr int tiles = padded_to(8, flag_at + 4);
  static constexpr int weights_of_set = Actor::packed_size + Critic::packed_size;
  static constexpr int weights = Device::sets * weights_of_set;
  static constexpr bool weights_fit = tiles + weights <= shared_floats;
  static constexpr int shared = tiles + (weights_fit ? weights : 0);
  static constexpr int packed = weights_fit ? 0 : weights;

  OnPolicySets<Device> sets;

  template <class Block>
  POLIS_HD void operator()(Block& block, float* memory) const {
    const Data& all = sets[0];  // what does not differ between sets of weights
    float* const own =
        weights_fit ? memory + tiles : all.packed + static_cast<std::ptrdiff_t>(block.index()) * packed;
    for (int set = 0; set < Device::sets; ++set) {
      Actor::pack(block, sets[set].weights.values, own + set * weights_of_set);
      Critic::pack(block, sets[set].weights.values + Device::ActorNetwork::parameters, critic_of(own, set));
    }
    block.each(outputs_at, [=](int i) { memory[i] = 0; });
    const int first = block.index() * lanes_of_block;
    const int lanes = all.lane_count - first < lanes_of_block ? all.lane_count - first : lanes_of_block;
    /// f(data, set, first row, rows) for up to 64 rows of a set at a time.
    const auto for_tiles = [&](const auto& f) {
      for (int set = 0; set < Device::sets; ++set) {
        for (int row = 0; row < lanes * agents; row += tile_rows)
          f(sets[set], set, first * agents + row, rows_from(row, lanes));
      }
    };
    if constexpr (Device::waits) {
      for_tiles([&](const Data& d, int set, int row, int rows) {
        value_pending(d, block, memory, critic_of(own, set), row, rows);
      });
    }
    for (int step = 0; step < all.steps; ++step) {
      const int slot = Device::first_slot + step;
      block.each(lanes, [&](int i) { all.actions[first + i] = Actions<E>{}; });
      for_tiles([&](const Data& d, int set, int row, int rows) {
        act(d, block, memory, own + set * weights_of_set, critic_of(own, set), slot, row, rows);
      });
      step_lanes(block, memory, slot, first, lanes);
      if (truncations(memory) != 0) {
        for_tiles([&](const Data& d, int set, int row, int rows) {
          value_final(d, block, memory, critic_of(own, set), slot, row, rows);
        });
      }
      block.each(lanes, [&](int i) { renew_lane(block, all, first + i, slot); });
    }
    for_tiles([&](const Data& d, int set, int row, int rows) {
      value_last(d, block, memory, critic_of(own, set), row, rows);
    });
  }

 private:
  /// How many agents of the block's lanes were cut off by the last step.
  POLIS_HD static int& truncations(float* memory) { return *reinterpret_cast<int*>(memory + flag_at); }
  POLIS_HD static float* critic_of(float* own, int set) {
    return own + set * weights_of_set + Actor::packed_size;
  }
  POLIS_HD static int rows_from(int row, int lanes) {
    const int left = lanes * agents - row;
    return left < tile_rows ? left : tile_rows;
  }
  /// What the critic sees of a row, into its tile.
  POLIS_HD static void see(const Data& d, const Lane<E>& lane, int agent, float* words, float* state,
                           float* tile) {
    if constexpr (central) {
      using State = typename E::State;
      lane.state(Row{state}, d.env, d.data);
      place_features<State, ids>(state, agent, tile);
    } else {
      observe<0>(lane.env, agent, Row{words}, lane.view(d.env, d.data));
      place_observation(d, words, agent, tile);
    }
  }

  /// Chooses the actions of up to 64 rows and values what they see.
  template <class Block>
  POLIS_HD static void act(const Data& d, Block& block, float* memory, const float* actor,
                           const float* critic, int slot, int first, int rows) {
    float* const outputs = memory + outputs_at;
    const RolloutViews& to = d.rollout;
    block.each(tile_rows, [&](int i) {
      float *const inputs = memory + i, *const critic_inputs = memory + critic_inputs_at + i;
      const int row = first + i, agent = d.agent_of(row);
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
      if constexpr (central) see(d, lane, agent, nullptr, &to.states(slot, row, 0), critic_inputs);
      if constexpr (Device::mask_size > 0) {
        float* const mask = &to.masks(slot, row, 0);
        for (int k = 0; k < Device::mask_size; ++k) mask[k] = 1;
        if constexpr (HasLegalActions<E>) legal<0>(lane.env, agent, Row{mask});
        if (!Distribution::valid(In<float>{mask})) {
          if (block.add(&d.status->refusals, 1) > 0) return;
          d.status->lane = row / agents, d.status->agent = agent;
          d.status->failure = DeviceStatus::no_legal_action;
        }
      }
    });
    Actor::forward(block, actor, memory, outputs, memory + hidden_at);
    block.each(rows, [&](int i) {
      const int row = first + i, agent = d.agent_of(row), lane = row / agents;
      if (!to.decided(slot, row)) return;
      const auto step = d.progress->batch_step + static_cast<std::uint64_t>(slot - Device::first_slot);
      const auto noise = d.template uniforms<Policy::noise>(step, lane, agent, Purpose::action);
      const In<float> logits{outputs + i, tile_pitch}, free{d.weights.values + Device::free_at};
      const In<float> mask = mask_of(d, slot, row);
      float* const words = &to.actions(slot, row, 0);
      Distribution::template sample<float>(logits, free, mask, In<float>{noise.data()}, Out<float>{words});
      to.log_probs(slot, row) = Distribution::template log_prob<float>(logits, free, mask, In<float>{words});
      set_action<E>(d.actions[lane], agent, In<float>{words});
    });
    Critic::forward(block, critic, memory + critic_inputs_at, outputs, memory + hidden_at);
    block.each(rows, [&](int i) { to.values(slot, first + i) = value_of(d, outputs[i]); });
  }
  POLIS_HD static In<float> mask_of(const Data& d, int slot, int row) {
    if constexpr (Device::mask_size > 0) {
      return {&d.rollout.masks(slot, row, 0)};
    } else {
      return {};
    }
  }

  /// Steps the lanes, and counts the agents whose episode was truncated.
  template <class Block>
  POLIS_HD void step_lanes(Block& block, float* memory, int slot, int first, int lanes) const {
    const Data& all = sets[0];
    int& truncated = truncations(memory);
    block.once([&] { truncated = 0; });
    advance_lanes(block, all, first, lanes);
    block.each(lanes * agents, [&](int i) {
      for (int set = 0; set < Device::sets; ++set) {
        const int row = first * agents + i, agent = sets[set].agent_of(row);
        const Lane<E>& lane = all.lanes[row / agents];
        sets[set].rollout.rewards(slot, row) = lane.rewards[agent];
        sets[set].rollout.ends(slot, row) = lane.ends[agent];
        if (lane.ends[agent] == End::truncated) block.add(&truncated, 1);
      }
    });
  }
  template <class Block>
  POLIS_HD static void value_final(const Data& d, Block& block, float* memory, const float* critic, int slot,
                                   int first, int rows) {
    const RolloutViews& to = d.rollout;
    value_rows(d, block, memory, critic, first, rows, d.slots(),
               [&](int row) { return to.ends(slot, row) == End::truncated; });
    block.each(rows, [&](int i) {
      if (to.ends(slot, first + i) == End::truncated)
        to.final_values(slot, first + i) = value_of(d, memory[outputs_at + i]);
    });
  }
  /// What comes after the last step, where the agent acts on.
  template <class Block>
  POLIS_HD static void value_last(const Data& d, Block& block, float* memory, const float* critic, int first,
                                  int rows) {
    value_rows(d, block, memory, critic, first, rows, d.slots(), [&](int row) { return d.decides(row); });
    block.each(rows, [&](int i) {
      d.rollout.values(d.slots(), first + i) =
          d.decides(first + i) ? value_of(d, memory[outputs_at + i]) : 0.f;
    });
  }
  /// Values of the decisions carried over, by the weights of now.
  template <class Block>
  POLIS_HD static void value_pending(const Data& d, Block& block, float* memory, const float* critic,
                                     int first, int rows) {
    const RolloutViews& to = d.rollout;
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + critic_inputs_at + i;
      const int row = first + i;
      if (i >= rows || !to.decided(0, row)) return clear_row(inputs, Critic::inputs);
      place_sample<true>(d, row, inputs);
    });
    Critic::forward(block, critic, memory + critic_inputs_at, memory + outputs_at, memory + hidden_at);
    block.each(rows, [&](int i) { to.values(0, first + i) = value_of(d, memory[outputs_at + i]); });
  }
  /// Values of what the rows see now for which `counts` holds; what they see is left in the slot after the
  /// last.
  template <class Block, class F>
  POLIS_HD static void value_rows(const Data& d, Block& block, float* memory, const float* critic, int first,
                                  int rows, int slot, const F& counts) {
    block.each(tile_rows, [&](int i) {
      float* const inputs = memory + critic_inputs_at + i;
      const int row = first + i;
      if (i >= rows || !counts(row)) return clear_row(inputs, Critic::inputs);
      float* state = nullptr;
      if constexpr (central) state = &d.rollout.states(slot, row, 0);
      see(d, d.lanes[row / agents], d.agent_of(row), &d.rollout.observations(slot, row, 0), state, inputs);
    });
    Critic::forward(block, critic, memory + critic_inputs_at, memory + outputs_at, memory + hidden_at);
  }
};

}  // namespace polis::internal
