// Training by Q-learning on a device: lanes, replay, weights and all that comes between them live there, and
// an iteration is one sequence of kernels (q_kernels.hpp). See on_policy_loop.hpp for what the host keeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/device/q_kernels.hpp>
#include <polis/device/replay_memory.hpp>

namespace polis::internal {

/// What a device has of Q-learning.
template <class Runtime, class Device>
struct QMemory {
  using E = typename Device::E;
  using Carried = typename Device::Learner::Carried;
  template <class T>
  using Array = DeviceArray<T, Runtime>;

  [[gnu::cold]] QMemory(Runtime& runtime, MultiAgentEnv<E>& env, int steps, Carried& carried)
      : sizes(QSizes::of<Device>(env.lanes(), steps, carried.config.batch, carried.config.update_every)),
        common(runtime, env, steps,
               std::max(index(sizes.collecting) * index(StoreKernel<Device>::spilled),
                        index(sizes.learning) * index(QGradientKernel<Device>::spilled)),
               carried),
        weights(runtime, carried.weights, sizes.learning),
        target(runtime, index(Device::parameters)),
        sums(runtime, index(sizes.learning)),
        status(runtime, 1),
        progress(runtime, 1) {
    QData<Device>& d = common.data;
    const auto& config = carried.config;
    d.weights = weights.view(), d.target = target.data();
    d.sums = sums.data(), d.status = status.data(), d.progress = progress.data();
    d.objective = config.objective, d.following = config.target, d.optimizer = config.optimizer;
    d.max_gradient_norm = config.max_gradient_norm, d.reward_scale = config.reward_scale;
    d.double_q = config.double_q;
  }
  /// f(array, what it is a copy of) for what the device takes over beside the replay.
  template <class F>
  void for_each(Carried& carried, F&& f) {
    f(weights, carried.weights, carried.optimizer);
    f(target, carried.target.values());
  }
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  QSizes sizes;
  ReplayMemory<Runtime, Device> common;
  WeightMemory<Runtime, typename Device::Optimizer> weights;
  Array<float> target;
  Array<QSums> sums;
  Array<QStatus> status;
  Array<QProgress<typename Device::Sampler>> progress;
};

/// Trains the one set of weights of a Q-learning sentence by kernels that `Runtime` launches.
template <class Runtime, class Device>
class QLoop : public ReplayLoop<Runtime, Device, QMemory<Runtime, Device>> {
  using Memory = QMemory<Runtime, Device>;
  using Base = ReplayLoop<Runtime, Device, Memory>;
  using Sampler = typename Device::Sampler;
  using Base::memory_, Base::runtime_;

 public:
  /// A collection that begins at this step of the batch, and the updates that are due after it; see
  /// OnPolicyLoop::iterate. Errors: a gradient that is not finite; an agent without a legal action.
  template <class Ended>
  void iterate(std::span<typename Base::Learner> learners, std::uint64_t batch_step, const Clock& clock,
               const Sampler& tasks, int group, Ended&& ended) {
    auto carried = learners.front().carried();
    const auto& config = carried.config;
    Memory& m = *memory_;
    const float rate = config.optimizer.learning_rate * config.schedule(clock.progress());
    const QProgress<Sampler> progress{
        {batch_step, carried.updates, m.common.owed(config, clock, carried.begun), tasks},
        rate,
        carried.explores};
    const QStatus fresh;
    const std::vector<QSums> none(static_cast<std::size_t>(m.sizes.learning));
    m.progress.upload({&progress, 1}), m.status.upload({&fresh, 1}), m.sums.upload(none);
    runtime_.wait();
    runtime_.replay([&] { Launches<Runtime, Device>::iteration(runtime_, m.common.data, m.sizes); });
    QStatus status;
    m.status.download({&status, 1});
    runtime_.wait();
    if (status.bad) m.common.report(m.weights, carried.weights);
    m.common.count_episodes(status, group, ended);
    carried.begun = clock.batch_steps;
    carried.updates += static_cast<std::uint64_t>(status.updates);
    carried.explores = Device::Exploration::amount(config.exploration, clock.progress());
    carried.statistics = statistics(status, rate, carried.explores);
  }

 private:
  static QStatistics statistics(const QStatus& status, float rate, float explores) {
    const double updates = std::max(1, status.updates);
    QStatistics s;
    s.loss = status.sums.loss / updates, s.value = status.sums.value / updates;
    s.gradient_norm = status.gradient_norm / updates;
    s.learning_rate = static_cast<double>(rate), s.exploration = static_cast<double>(explores);
    s.updates = status.updates;
    return s;
  }
};

}  // namespace polis::internal
