// The kernels of one iteration of an actor with Q-critics on a device, in their order:
//
//     collect: observe, act, step, store, reset, for all steps between two looks at the clock
//     each update that is due: draw a sample; the critics' gradient, sum, step;
//                              when it is their turn: the actor's gradient, sum, step; the targets' step
#pragma once

#include <algorithm>

#include <polis/device/actor_q_learn.hpp>
#include <polis/device/on_policy_kernels.hpp>
#include <polis/device/replay_collect.hpp>

namespace polis::internal {

/// Updates of an iteration, and the blocks of its kernels.
struct ActorQSizes {
  int updates, collecting, learning, critic_sums, actor_sums;

  template <class Device>
  [[nodiscard]] static ActorQSizes of(int lanes, int steps, int batch, int update_every) {
    ActorQSizes sizes{};
    sizes.updates = blocks_for(lanes * steps, update_every);
    sizes.collecting = blocks_for(lanes, StoreKernel<Device>::lanes_of_block);
    sizes.learning = blocks_for(batch, tile_rows);
    sizes.critic_sums = blocks_for(Device::critics, summed_weights);
    sizes.actor_sums = blocks_for(Device::actor, summed_weights);
    return sizes;
  }
};

/// Launches the kernels of an iteration, the same each time.
template <class Runtime, class Slots, class E, class Sampler>
struct Launches<Runtime, ActorQDevice<Slots, E, Sampler>> {
  using Device = ActorQDevice<Slots, E, Sampler>;
  static void iteration(Runtime& runtime, const ActorQData<Device>& d, const ActorQSizes& sizes) {
    constexpr auto critics = ActorQPart::critics, actor = ActorQPart::actor;
    runtime.launch(StoreKernel<Device>{d}, sizes.collecting);
    runtime.launch(EndsKernel<Device>{d}, 1);
    for (int update = 0; update < sizes.updates; ++update) {
      runtime.launch(DrawKernel<Device>{d, update}, 1);
      runtime.launch(CriticKernel<Device>{d, update}, sizes.learning);
      runtime.launch(ActorQSumKernel<Device, critics>{d, update, sizes.learning}, sizes.critic_sums);
      runtime.launch(ActorQStepKernel<Device, critics>{d, update, sizes.critic_sums}, sizes.critic_sums);
      runtime.launch(ActorKernel<Device>{d, update}, sizes.learning);
      runtime.launch(ActorQSumKernel<Device, actor>{d, update, sizes.learning}, sizes.actor_sums);
      runtime.launch(ActorQStepKernel<Device, actor>{d, update, sizes.actor_sums}, sizes.actor_sums);
      runtime.launch(FollowKernel<Device>{d, update}, sizes.critic_sums);
    }
    runtime.launch(ActorQReportKernel<Device>{d, sizes.learning}, 1);
  }
};

}  // namespace polis::internal
