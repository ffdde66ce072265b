// Training on a device: the lanes, the weights and all that comes between them live there, and an iteration
// is one sequence of kernels (on_policy_kernels.hpp).
//
// The host's lanes and learner are what a run is saved and evaluated from: `begin` takes them over, `settle`
// gives back what became of them. In between the host sees the episodes that ended and what the update came
// to.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/update_statistics.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/device/device_array.hpp>
#include <polis/device/on_policy_data.hpp>
#include <polis/device/on_policy_kernels.hpp>
#include <polis/nn/clip.hpp>

namespace polis::internal {

/// Trains the sets of weights of an actor-critic sentence by kernels that `Runtime` launches.
template <class Runtime, class Device>
class OnPolicyLoop {
  using E = typename Device::E;
  using Sampler = typename Device::Sampler;
  using Learner = typename Device::Learner;
  using Data = OnPolicyData<Device>;
  template <class T>
  using Array = DeviceArray<T, Runtime>;

 public:
  /// Takes over lanes and weights as they are. Error: the device has not enough memory.
  [[gnu::cold]] void begin(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    check(learners.front().carried().config);
    if (!lanes_) make_memory(lanes, learners);
    lanes_->lanes.upload(lanes.records());
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      Carried carried = learners[set].carried();
      SetMemory& m = *sets_[set];
      m.weights.upload(carried.weights, carried.optimizer);
      upload_statistics(m, carried);
      for_pending(m, carried.rollout, [this](void* there, void* here, std::size_t bytes) {
        runtime_.upload(there, here, bytes);
      });
    }
    runtime_.wait();
  }

  /// Gives lanes and weights back.
  [[gnu::cold]] void settle(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    lanes_->lanes.download(lanes.records());
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      Carried carried = learners[set].carried();
      SetMemory& m = *sets_[set];
      m.weights.download(carried.weights, carried.optimizer);
      for_pending(m, carried.rollout, [this](void* there, void* here, std::size_t bytes) {
        runtime_.download(here, there, bytes);
      });
      download_statistics(m, carried);
    }
    runtime_.wait();
  }

  /// A collection that begins at this step of the batch, and the update from it. Calls ended(episode) for
  /// every episode that ended on this rank: by groups of `group` lanes, within a group step by step, and
  /// within a step lane by lane. Errors: a gradient that is not finite; an agent without a legal action.
  template <class Ended>
  void iterate(std::span<Learner> learners, std::uint64_t batch_step, const Clock& clock,
               const Sampler& tasks, int group, Ended&& ended) {
    const auto& config = learners.front().carried().config;
    const float rate = config.optimizer.learning_rate * config.schedule(clock.progress());
    const DeviceStatus fresh;
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      Carried carried = learners[set].carried();
      bool learns_observations = false;
      if constexpr (Device::normalizes_observations)
        learns_observations = carried.observations.counts_another();
      const DeviceProgress<Sampler> progress{batch_step, carried.updates, rate, tasks, learns_observations};
      sets_[set]->progress.upload({&progress, 1});
      sets_[set]->status.upload({&fresh, 1});
      runtime_.wait();
    }
    runtime_.replay([&] { Launches<Runtime, Device>::iteration(runtime_, data_, sizes_); });
    polis::Array<DeviceStatus, Device::sets> status{};
    for (std::size_t set = 0; set < sets_.size(); ++set)
      sets_[set]->status.download({&status[static_cast<int>(set)], 1});
    runtime_.wait();
    for (std::size_t set = 0; set < sets_.size(); ++set) {
      Carried carried = learners[set].carried();
      const DeviceStatus& of_set = status[static_cast<int>(set)];
      report_failure(of_set, *sets_[set], carried);
      carried.begun += static_cast<std::uint64_t>(config.steps);
      ++carried.updates;
      carried.statistics = statistics(of_set, rate);
    }
    const auto count = static_cast<std::size_t>(status[0].episodes);
    episodes_.resize(count);
    lanes_->ended.download({episodes_.data(), count});
    runtime_.wait();
    count_in_order(episodes_, group, ended);
  }

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  /// The arrays of the last rollout of a set of weights, in the device's memory.
  [[nodiscard]] const RolloutViews& rollout(int set = 0) const { return data_[set].rollout; }

 private:
  static constexpr int features = Device::Observation::words;
  using Carried = typename Learner::Carried;

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  using LaneMemory = internal::LaneMemory<E, Runtime>;  // what all sets of weights have in common
  struct SetMemory {
    [[gnu::cold]] SetMemory(Runtime& runtime, LaneMemory& shared, const LaunchSizes& sizes,
                            MultiAgentEnv<E>& env, int agent_offset, const Carried& carried)
        : views(carried.rollout.shape()),
          rollout(runtime, views.bytes()),
          weights(runtime, carried.weights, sizes.learning),
          packed(runtime, std::max({index(sizes.collecting) * index(CollectKernel<Device>::packed),
                                    index(sizes.recomputing) * index(RecomputeKernel<Device>::packed),
                                    index(sizes.learning) * index(GradientKernel<Device>::packed)})),
          sums(runtime, index(sizes.learning)),
          shares(runtime, std::max({index(sizes.chunks) * (2 * index(features) + 1), index(sizes.chunks) * 3,
                                    index(blocks_for(env.lanes() * Device::agents, 128)) * 3})),
          observation_moments(runtime, 2 * index(features) + 1),
          observation_scale(runtime, 2 * index(features)),
          reward_moments(runtime, 3),
          running_returns(runtime, index(env.lanes() * Device::agents)),
          values(runtime, 1),
          units(runtime, index(sizes.samples)),
          order(runtime, index(sizes.samples)),
          pending(runtime, index(env.lanes() * Device::agents)),
          chunk_units(runtime, index(sizes.chunks)),
          advantages(runtime, index(sizes.minibatches) * index(Device::parts_of_sums)),
          ratios(runtime, Device::estimates_anew ? index(sizes.samples) : 0),
          status(runtime, 1),
          progress(runtime, 1),
          data(view(shared, env, agent_offset, carried)) {}

    [[nodiscard]] Data view(LaneMemory& shared, MultiAgentEnv<E>& env, int agent_offset,
                            const Carried& carried) {
      const auto& config = carried.config;
      views.place(rollout.data());
      Data d{};
      d.agent_offset = agent_offset, d.rollout = views, d.weights = weights.view(), d.packed = packed.data();
      d.sums = sums.data(), d.units = units.data(), d.order = order.data(), d.pending = pending.data(),
      d.chunk_units = chunk_units.data();
      d.shares = shares.data();
      d.observation_moments = observation_moments.data(), d.observation_scale = observation_scale.data();
      d.reward_moments = reward_moments.data(), d.running_returns = running_returns.data();
      d.values = values.data(), d.advantages = advantages.data(), d.ratios = ratios.data();
      d.status = status.data(), d.progress = progress.data();
      d.objective = config.objective, d.returns = config.returns, d.optimizer = config.optimizer;
      d.observations = config.observations, d.rewards = config.rewards;
      d.value_coefficient = config.value_coefficient, d.entropy_coefficient = config.entropy_coefficient;
      d.max_gradient_norm = config.max_gradient_norm, d.target_kl = config.target_kl;
      d.minibatch = config.minibatch, d.normalize_advantages = config.normalize_advantages;
      shared.place_in(d, env, config.steps, carried.seed);
      return d;
    }

    RolloutViews views;
    Array<std::byte> rollout;
    WeightMemory<Runtime, typename Device::Optimizer> weights;
    Array<float> packed;
    Array<DeviceSums> sums;
    Array<double> shares, observation_moments;
    Array<float> observation_scale;
    Array<double> reward_moments, running_returns;
    Array<typename Device::ValueScale> values;
    Array<int> units, order, pending, chunk_units;
    Array<AdvantageSums> advantages;
    Array<float> ratios;
    Array<DeviceStatus> status;
    Array<DeviceProgress<Sampler>> progress;
    Data data;
  };

  [[gnu::cold]] void upload_statistics(SetMemory& m, Carried& carried) {
    if constexpr (Device::normalizes_observations) {
      std::vector<double> moments(2 * index(features) + 1);
      carried.observations.moments().copy_to(moments.data());
      m.observation_moments.upload(moments);
      std::vector<float> scale = carried.observations.mean();
      const auto& inverse = carried.observations.inverse_deviation();
      scale.insert(scale.end(), inverse.begin(), inverse.end());
      m.observation_scale.upload(scale);
      runtime_.wait();
    }
    if constexpr (Device::scales_rewards) {
      std::array<double, 3> moments{};
      carried.rewards.moments().copy_to(moments.data());
      m.reward_moments.upload(moments);
      m.running_returns.upload(carried.rewards.running());
      runtime_.wait();
    }
    if constexpr (Device::normalizes_values) m.values.upload({&carried.values, 1});
  }
  [[gnu::cold]] void download_statistics(SetMemory& m, Carried& carried) {
    if constexpr (Device::normalizes_observations) {
      std::vector<double> moments(2 * index(features) + 1);
      m.observation_moments.download(moments);
      runtime_.wait();
      RunningMoments running(features);
      running.copy_from(moments.data());
      carried.observations.restore(running);
    }
    if constexpr (Device::scales_rewards) {
      std::array<double, 3> moments{};
      m.reward_moments.download(moments);
      m.running_returns.download(carried.rewards.running());
      runtime_.wait();
      carried.rewards.moments().copy_from(moments.data());
    }
    if constexpr (Device::normalizes_values) m.values.download({&carried.values, 1});
  }

  /// f(there, here, bytes) for slot 0 of every array of the rollout: the decisions carried over.
  template <class F>
  [[gnu::cold]] static void for_pending(SetMemory& m, RolloutViews& host, F&& f) {
    if constexpr (!Device::waits) return;
    std::vector<void*> here;
    host.layout([&here](auto& view, auto...) { here.push_back(view.data); });
    std::size_t i = 0;
    m.views.layout([&](auto& view, int, auto... rest) {
      const std::size_t bytes = (sizeof(*view.data) * ... * static_cast<std::size_t>(rest));
      if (bytes > 0 && view.size() > 0) f(view.data, here[i], bytes);
      ++i;
    });
  }

  [[gnu::cold]] void make_memory(MultiAgentEnv<E>& env, std::span<Learner> learners) {
    const Carried first = learners.front().carried();
    int rank = 0, ranks = 1;
    if constexpr (Runtime::distributed) rank = runtime_.rank(), ranks = runtime_.ranks();
    sizes_ = LaunchSizes::of<Device>(env.lanes(), first.rollout.shape().slots(), first.config.epochs,
                                     first.config.minibatch,
                                     runtime_.blocks_at_once(GradientKernel<Device>::shared), ranks);
    lanes_ = std::make_unique<LaneMemory>(runtime_, env, first.config.steps);
    for (int set = 0; set < Device::sets; ++set) {
      sets_.push_back(std::make_unique<SetMemory>(runtime_, *lanes_, sizes_, env, set * Device::agents,
                                                  learners[index(set)].carried()));
      data_[set] = sets_.back()->data;
      data_[set].rank = rank, data_[set].ranks = ranks;
    }
  }

  [[gnu::cold]] static void check(const typename Learner::Config& config) {
    if constexpr (Device::waits && requires { config.returns.time_in_steps; }) {
      if (config.returns.time_in_steps)
        throw Error("found true", "algorithm.returns.time_in_steps",
                    "false: where agents take turns, a device counts time in their own decisions");
    }
  }

  [[gnu::cold, gnu::noinline]] void report_failure(const DeviceStatus& status, SetMemory& m,
                                                   Carried& carried) {
    if (status.failure == DeviceStatus::gradient) {
      auto gradient = carried.weights.like();
      m.weights.gradient.download(gradient.values());
      runtime_.wait();
      gradient.for_each_block([](const Block& block, std::size_t, std::span<float> values) {
        (void)checked_squared_norm(block, values);
      });
    } else if (status.failure == DeviceStatus::no_legal_action) {
      throw Error("no action is legal", concat({"lane ", status.lane, ", agent ", status.agent}),
                  "at least one flag that `legal` leaves set, of each part of the action");
    }
  }

  static UpdateStatistics statistics(const DeviceStatus& status, float rate) {
    const DeviceSums& sums = status.sums;
    const double samples = std::max(1., status.samples), steps = std::max(1, status.steps);
    UpdateStatistics s;
    s.policy_loss = sums.policy / samples, s.value_loss = sums.value / samples;
    s.entropy = sums.entropy / samples, s.kl = sums.kl / samples, s.clipped = sums.clipped / samples;
    s.gradient_norm = status.gradient_norm / steps;
    s.learning_rate = static_cast<double>(rate);
    const VarianceSums explained{sums.count, sums.returns, sums.squares, sums.errors, sums.error_squares};
    s.explained_variance = explained.explained();
    s.samples = status.samples;
    s.updates = 1;
    return s;
  }

  Runtime runtime_;
  std::unique_ptr<LaneMemory> lanes_;
  std::vector<std::unique_ptr<SetMemory>> sets_;
  OnPolicySets<Device> data_{};
  LaunchSizes sizes_{};
  std::vector<EndedEpisode> episodes_;
};

}  // namespace polis::internal
