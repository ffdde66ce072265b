// The kernels of one iteration of Q-learning on a device, in their order:
//
//     collect: observe, act, step, store, reset, for all steps between two looks at the clock
//     each update that is due: draw a sample; gradient, sum, step; the target network's step
#pragma once

#include <polis/device/on_policy_kernels.hpp>
#include <polis/device/q_learn.hpp>
#include <polis/device/replay_collect.hpp>

namespace polis::internal {

/// Updates of an iteration, and the blocks of its kernels.
struct QSizes {
  int updates, collecting, learning, summing;

  template <class Device>
  [[nodiscard]] static QSizes of(int lanes, int steps, int batch, int update_every) {
    return {.updates = blocks_for(lanes * steps, update_every),
            .collecting = blocks_for(lanes, StoreKernel<Device>::lanes_of_block),
            .learning = blocks_for(batch, QGradientKernel<Device>::units_of_block),
            .summing = blocks_for(Device::parameters, summed_weights)};
  }
};

/// Launches the kernels of an iteration, the same each time.
template <class Runtime, class Slots, class E, class Sampler>
struct Launches<Runtime, QDevice<Slots, E, Sampler>> {
  using Device = QDevice<Slots, E, Sampler>;
  static void iteration(Runtime& runtime, const QData<Device>& d, const QSizes& sizes) {
    runtime.launch(StoreKernel<Device>{d}, sizes.collecting);
    runtime.launch(EndsKernel<Device>{d}, 1);
    for (int update = 0; update < sizes.updates; ++update) {
      runtime.launch(DrawKernel<Device>{d, update}, 1);
      runtime.launch(QGradientKernel<Device>{d, update}, sizes.learning);
      runtime.launch(QSumKernel<Device>{d, update, sizes.learning}, sizes.summing);
      runtime.launch(QStepKernel<Device>{d, update, sizes.summing}, sizes.summing);
      runtime.launch(QFollowKernel<Device>{d, update}, sizes.summing);
    }
    runtime.launch(QReportKernel<Device>{d, sizes.learning}, 1);
  }
};

}  // namespace polis::internal
