// Training of an actor with Q-critics on a device: lanes, replay, weights and all that comes between them
// live there, and an iteration is one sequence of kernels (off_policy_kernels.hpp). See on_policy_loop.hpp
// for what the host keeps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/device/device_array.hpp>
#include <polis/device/off_policy_data.hpp>
#include <polis/device/off_policy_kernels.hpp>
#include <polis/nn/clip.hpp>

namespace polis::internal {

/// Trains the one set of weights of an ActorQ sentence by kernels that `Runtime` launches.
template <class Runtime, class Device>
class ActorQLoop {
  using E = typename Device::E;
  using Sampler = typename Device::Sampler;
  using Learner = typename Device::Learner;
  using Carried = typename Learner::Carried;
  template <class T>
  using Array = DeviceArray<T, Runtime>;

 public:
  /// Takes over lanes, replay and weights as they are. Error: the device has not enough memory.
  [[gnu::cold]] void begin(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    Learner& learner = learners.front();
    Carried carried = learner.carried();
    if (!memory_) memory_ = std::make_unique<Memory>(runtime_, lanes, learner.interval(), carried);
    Memory& m = *memory_;
    m.lanes.lanes.upload(lanes.records());
    const auto replay = carried.replay.contents();
    m.replay.upload({reinterpret_cast<const std::byte*>(replay.data()), replay.size_bytes()});
    m.begun.upload({carried.replay.counts().data(), carried.replay.counts().size()});
    m.pending.upload({carried.replay.under_way().data(), carried.replay.under_way().size()});
    m.noise.upload({carried.noise.data(), carried.noise.size()});
    m.actor.upload(carried.weights, carried.actor_optimizer);
    m.critics.upload(carried.critics, carried.optimizer);
    m.target_critics.upload(carried.target_critics.values());
    if constexpr (Device::Head::targeted) m.target_actor.upload(carried.target_actor.values());
    runtime_.wait();
  }

  /// Gives them back.
  [[gnu::cold]] void settle(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    Carried carried = learners.front().carried();
    Memory& m = *memory_;
    m.lanes.lanes.download(lanes.records());
    const auto replay = carried.replay.contents();
    m.replay.download({reinterpret_cast<std::byte*>(replay.data()), replay.size_bytes()});
    m.begun.download({carried.replay.counts().data(), carried.replay.counts().size()});
    m.pending.download({carried.replay.under_way().data(), carried.replay.under_way().size()});
    m.noise.download({carried.noise.data(), carried.noise.size()});
    m.actor.download(carried.weights, carried.actor_optimizer);
    m.critics.download(carried.critics, carried.optimizer);
    m.target_critics.download(carried.target_critics.values());
    if constexpr (Device::Head::targeted) m.target_actor.download(carried.target_actor.values());
    runtime_.wait();
  }

  /// A collection that begins at this step of the batch, and the updates that are due after it; see
  /// OnPolicyLoop::iterate. Error: a gradient that is not finite.
  template <class Ended>
  void iterate(std::span<Learner> learners, std::uint64_t batch_step, const Clock& clock,
               const Sampler& tasks, int group, Ended&& ended) {
    Carried carried = learners.front().carried();
    const auto& config = carried.config;
    Memory& m = *memory_;
    const auto lanes = static_cast<std::uint64_t>(m.data.lane_count);
    const auto every = static_cast<std::uint64_t>(config.update_every),
               starts = static_cast<std::uint64_t>(config.learning_starts);
    const float schedule = config.schedule(clock.progress());
    const std::uint64_t random_until = (starts + lanes - 1) / lanes;  // steps of the batch
    const ActorQProgress<Sampler> progress{
        .batch_step = batch_step,
        .update = carried.updates,
        .owed =
            clock.steps < starts ? 0 : static_cast<int>(clock.steps / every - carried.begun * lanes / every),
        .random_steps = static_cast<int>(
            std::min<std::uint64_t>(random_until > batch_step ? random_until - batch_step : 0, 1 << 30)),
        .critic_rate = schedule * config.optimizer.learning_rate,
        .actor_rate = schedule * config.actor_optimizer.learning_rate,
        .tasks = tasks};
    const ActorQStatus fresh;
    const std::vector<ActorQSums> none(static_cast<std::size_t>(m.sizes.learning));
    m.progress.upload({&progress, 1}), m.status.upload({&fresh, 1});
    m.critic_sums.upload(none), m.actor_sums.upload(none);
    runtime_.wait();
    runtime_.replay([&] { Launches<Runtime, Device>::iteration(runtime_, m.data, m.sizes); });
    ActorQStatus status;
    m.status.download({&status, 1});
    runtime_.wait();
    report_failure(status, carried);
    episodes_.resize(static_cast<std::size_t>(status.episodes));
    m.lanes.ended.download({episodes_.data(), episodes_.size()});
    float log_temperature = 0;
    if constexpr (Device::Head::entropic)
      runtime_.download(&log_temperature, m.actor.values.data() + Device::ActorNetwork::parameters,
                        sizeof log_temperature);
    runtime_.wait();
    count_in_order(episodes_, group, ended);
    carried.begun = clock.batch_steps;
    carried.updates += static_cast<std::uint64_t>(status.updates);
    carried.statistics = statistics(status, config.optimizer.learning_rate * schedule);
    if constexpr (Device::Head::entropic)
      carried.statistics.temperature = std::exp(static_cast<double>(log_temperature));
  }

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  /// The replay's arrays, in the device's memory.
  [[nodiscard]] const ReplayViews& replay() const { return memory_->data.replay; }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  using WeightMemory = internal::WeightMemory<Runtime>;

  struct Memory {
    [[gnu::cold]] Memory(Runtime& runtime, MultiAgentEnv<E>& env, int steps, Carried& carried)
        : sizes(
              ActorQSizes::of<Device>(env.lanes(), steps, carried.config.batch, carried.config.update_every)),
          views(carried.replay.shape()),
          lanes(runtime, env, steps),
          replay(runtime, ReplayViews::bytes_of(carried.replay.shape())),
          begun(runtime, carried.replay.counts().size()),
          pending(runtime, carried.replay.under_way().size()),
          ends(runtime, carried.replay.counts().size()),
          noise(runtime, carried.noise.size()),
          actor(runtime, index(Device::actor), index(sizes.learning)),
          critics(runtime, index(Device::critics), index(sizes.learning)),
          target_actor(runtime, index(Device::actor)),
          target_critics(runtime, index(Device::critics)),
          packed(runtime, std::max(index(sizes.collecting) * index(StoreKernel<Device>::spilled),
                                   index(sizes.learning) * index(ActorQTile<Device>::spilled))),
          ids(runtime, index(carried.config.batch)),
          critic_sums(runtime, index(sizes.learning)),
          actor_sums(runtime, index(sizes.learning)),
          status(runtime, 1),
          progress(runtime, 1),
          data(view(env, steps, carried)) {}

    [[nodiscard]] ActorQData<Device> view(MultiAgentEnv<E>& env, int steps, Carried& carried) {
      const auto& config = carried.config;
      views.place_in(replay.data(), begun.data(), pending.data());
      float target_entropy = 0;
      if constexpr (Device::Head::entropic) target_entropy = Device::Head::target_entropy(config.actor);
      return {.lanes = lanes.lanes.data(),
              .actions = lanes.actions.data(),
              .ended = lanes.ended.data(),
              .replay = views,
              .ends = ends.data(),
              .noise = noise.data(),
              .actor = actor.view(),
              .critics = critics.view(),
              .target_actor = target_actor.data(),
              .target_critics = target_critics.data(),
              .packed = packed.data(),
              .ids = ids.data(),
              .critic_sums = critic_sums.data(),
              .actor_sums = actor_sums.data(),
              .status = status.data(),
              .progress = progress.data(),
              .lane_count = env.lanes(),
              .steps = steps,
              .batch = config.batch,
              .actor_every = config.actor_every,
              .streams = env.first_streams(),
              .seed = carried.seed,
              .env = env.config(),
              .data = lanes.data,
              .objective = config.objective,
              .head = config.actor,
              .exploration = config.exploration,
              .target = config.target,
              .optimizer = config.optimizer,
              .actor_optimizer = config.actor_optimizer,
              .discount = config.discount,
              .max_gradient_norm = config.max_gradient_norm,
              .target_entropy = target_entropy};
    }

    ActorQSizes sizes;
    ReplayViews views;
    LaneMemory<E, Runtime> lanes;
    Array<std::byte> replay;
    Array<std::uint64_t> begun;
    Array<int> pending;
    Array<std::uint64_t> ends;
    Array<float> noise;
    WeightMemory actor, critics;
    Array<float> target_actor, target_critics, packed;
    Array<int> ids;
    Array<ActorQSums> critic_sums, actor_sums;
    Array<ActorQStatus> status;
    Array<ActorQProgress<Sampler>> progress;
    ActorQData<Device> data;
  };

  [[gnu::cold, gnu::noinline]] void report_failure(const ActorQStatus& status, Carried& carried) {
    if (!status.bad_critics && !status.bad_actor) return;
    const FlatParameters& weights = status.bad_critics ? carried.critics : carried.weights;
    FlatParameters gradient = weights.like();
    (status.bad_critics ? memory_->critics : memory_->actor).gradient.download(gradient.values());
    runtime_.wait();
    gradient.for_each_block([](const Block& block, std::size_t, std::span<float> values) {
      (void)checked_squared_norm(block, values);
    });
  }

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

  Runtime runtime_;
  std::unique_ptr<Memory> memory_;
  std::vector<EndedEpisode> episodes_;
};

}  // namespace polis::internal
