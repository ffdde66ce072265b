// Training of an actor with Q-critics on a device: lanes, replay, weights and all that comes between them
// live there, and an iteration is one sequence of kernels (actor_q_kernels.hpp). See on_policy_loop.hpp
// for what the host keeps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/device/actor_q_kernels.hpp>
#include <polis/device/replay_memory.hpp>

namespace polis::internal {

/// What a device has of an actor with Q-critics.
template <class Runtime, class Device>
struct ActorQMemory {
  using E = typename Device::E;
  using Carried = typename Device::Learner::Carried;
  template <class T>
  using Array = DeviceArray<T, Runtime>;

  [[gnu::cold]] ActorQMemory(Runtime& runtime, MultiAgentEnv<E>& env, int steps, Carried& carried)
      : sizes(ActorQSizes::of<Device>(env.lanes(), steps, carried.config.batch, carried.config.update_every)),
        common(runtime, env, steps,
               std::max(index(sizes.collecting) * index(StoreKernel<Device>::spilled),
                        index(sizes.learning) * index(ActorQTile<Device>::spilled)),
               carried),
        noise(runtime, carried.noise.size()),
        actor(runtime, carried.weights, sizes.learning),
        critics(runtime, carried.critics, sizes.learning),
        target_actor(runtime, index(Device::actor)),
        target_critics(runtime, index(Device::critics)),
        critic_sums(runtime, index(sizes.learning)),
        actor_sums(runtime, index(sizes.learning)),
        status(runtime, 1),
        progress(runtime, 1) {
    ActorQData<Device>& d = common.data;
    const auto& config = carried.config;
    d.noise = noise.data(), d.actor = actor.view(), d.critics = critics.view();
    d.target_actor = target_actor.data(), d.target_critics = target_critics.data();
    d.critic_sums = critic_sums.data(), d.actor_sums = actor_sums.data();
    d.status = status.data(), d.progress = progress.data();
    d.actor_every = config.actor_every;
    d.objective = config.objective, d.head = config.actor, d.exploration = config.exploration;
    d.target = config.target;
    d.optimizer = config.optimizer, d.actor_optimizer = config.actor_optimizer;
    d.max_gradient_norm = config.max_gradient_norm;
    if constexpr (Device::Head::entropic) d.target_entropy = Device::Head::target_entropy(config.actor);
  }
  /// f(array, what it is a copy of) for what the device takes over beside the replay.
  template <class F>
  void for_each(Carried& carried, F&& f) {
    f(noise, std::span(carried.noise.data(), carried.noise.size()));
    f(actor, carried.weights, carried.actor_optimizer);
    f(critics, carried.critics, carried.optimizer);
    f(target_critics, carried.target_critics.values());
    if constexpr (Device::Head::targeted) f(target_actor, carried.target_actor.values());
  }
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  ActorQSizes sizes;
  ReplayMemory<Runtime, Device> common;
  Array<float> noise;
  WeightMemory<Runtime, typename Device::Optimizer> actor, critics;
  Array<float> target_actor, target_critics;
  Array<ActorQSums> critic_sums, actor_sums;
  Array<ActorQStatus> status;
  Array<ActorQProgress<typename Device::Sampler>> progress;
};

/// Trains the one set of weights of an ActorQ sentence by kernels that `Runtime` launches.
template <class Runtime, class Device>
class ActorQLoop : public ReplayLoop<Runtime, Device, ActorQMemory<Runtime, Device>> {
  using Memory = ActorQMemory<Runtime, Device>;
  using Base = ReplayLoop<Runtime, Device, Memory>;
  using Sampler = typename Device::Sampler;
  using Base::memory_, Base::runtime_;

 public:
  /// A collection that begins at this step of the batch, and the updates that are due after it; see
  /// OnPolicyLoop::iterate. Error: a gradient that is not finite.
  template <class Ended>
  void iterate(std::span<typename Base::Learner> learners, std::uint64_t batch_step, const Clock& clock,
               const Sampler& tasks, int group, Ended&& ended) {
    auto carried = learners.front().carried();
    const auto& config = carried.config;
    Memory& m = *memory_;
    const auto lanes = static_cast<std::uint64_t>(m.common.data.lane_count);
    const auto starts = static_cast<std::uint64_t>(config.learning_starts);
    const float schedule = config.schedule(clock.progress());
    const std::uint64_t random_until = (starts + lanes - 1) / lanes;  // steps of the batch
    const int random_steps = static_cast<int>(
        std::min<std::uint64_t>(random_until > batch_step ? random_until - batch_step : 0, 1 << 30));
    const ActorQProgress<Sampler> progress{
        {batch_step, carried.updates, m.common.owed(config, clock, carried.begun), tasks},
        random_steps,
        schedule * config.optimizer.learning_rate,
        schedule * config.actor_optimizer.learning_rate};
    const ActorQStatus fresh;
    const std::vector<ActorQSums> none(static_cast<std::size_t>(m.sizes.learning));
    m.progress.upload({&progress, 1}), m.status.upload({&fresh, 1});
    m.critic_sums.upload(none), m.actor_sums.upload(none);
    runtime_.wait();
    runtime_.replay([&] { Launches<Runtime, Device>::iteration(runtime_, m.common.data, m.sizes); });
    ActorQStatus status;
    m.status.download({&status, 1});
    float log_temperature = 0;
    if constexpr (Device::Head::entropic)
      runtime_.download(&log_temperature, m.actor.values.data() + Device::ActorNetwork::parameters,
                        sizeof log_temperature);
    runtime_.wait();
    if (status.bad_critics) m.common.report(m.critics, carried.critics);
    if (status.bad_actor) m.common.report(m.actor, carried.weights);
    m.common.count_episodes(status, group, ended);
    carried.begun = clock.batch_steps;
    carried.updates += static_cast<std::uint64_t>(status.updates);
    carried.statistics = statistics(status, config.optimizer.learning_rate * schedule);
    if constexpr (Device::Head::entropic)
      carried.statistics.temperature = std::exp(static_cast<double>(log_temperature));
  }

 private:
  static ActorQStatistics statistics(const ActorQStatus& status, float rate) {
    const double updates = std::max(1, status.updates), actor_updates = std::max(1, status.actor_updates);
    ActorQStatistics s;
    s.critic_loss = status.sums.critic_loss / updates, s.value = status.sums.value / updates;
    s.actor_loss = status.sums.actor_loss / actor_updates, s.entropy = status.sums.entropy / actor_updates;
    s.critic_gradient_norm = status.critic_norm / updates;
    s.actor_gradient_norm = status.actor_norm / actor_updates;
    s.learning_rate = static_cast<double>(rate);
    s.updates = status.updates, s.actor_updates = status.actor_updates;
    return s;
  }
};

}  // namespace polis::internal
