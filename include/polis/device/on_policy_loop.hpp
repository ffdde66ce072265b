// Training on a device: the lanes, the weights and all that comes between them live there, and an iteration is
// one sequence of kernels.
//
//     collect: observe, act, value, step, reset, for all steps of the rollout
//     estimate advantages and returns; list the decisions
//     each epoch: order; sums of advantages; each minibatch: gradient, sum, step
//
// The host's lanes and learner are what a run is saved and evaluated from: `begin` takes them over, `settle`
// gives back what became of them. In between the host sees the episodes that ended and what the update came
// to.
#pragma once

#include <algorithm>
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
#include <polis/device/collect.hpp>
#include <polis/device/learn.hpp>
#include <polis/device/on_policy_data.hpp>
#include <polis/device/samples.hpp>
#include <polis/nn/clip.hpp>

namespace polis::internal {

/// Memory of a device for `count` things that are copied as bytes.
template <class T, class Runtime>
class DeviceArray {
 public:
  DeviceArray(Runtime& runtime, std::size_t count)
      : runtime_(&runtime), data_(static_cast<T*>(runtime.allocate(std::max(count, std::size_t{1}) * sizeof(T)))) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { runtime_->release(data_); }

  [[nodiscard]] T* data() { return data_; }
  void upload(std::span<const T> from) { runtime_->upload(data_, from.data(), from.size_bytes()); }
  void download(std::span<T> to) { runtime_->download(to.data(), data_, to.size_bytes()); }

 private:
  Runtime* runtime_;
  T* data_;
};

/// Trains the one set of weights of an actor-critic sentence by kernels that `Runtime` launches.
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
  [[gnu::cold]] void begin(MultiAgentEnv<E>& lanes, Learner& learner) {
    auto carried = learner.carried();
    check(carried.config);
    if (!memory_) memory_ = std::make_unique<Memory>(runtime_, lanes, carried);
    Memory& m = *memory_;
    m.lanes.upload(lanes.records());
    m.weights.upload(carried.weights.values());
    m.first_moments.upload(carried.optimizer.first_moments());
    m.second_moments.upload(carried.optimizer.second_moments());
    m.optimizer_steps.upload({&carried.optimizer.steps(), 1});
    if constexpr (Device::waits) for_pending(carried.rollout, [this](void* there, void* here, std::size_t bytes) {
      runtime_.upload(there, here, bytes);
    });
    runtime_.wait();
  }

  /// Gives lanes and weights back.
  [[gnu::cold]] void settle(MultiAgentEnv<E>& lanes, Learner& learner) {
    auto carried = learner.carried();
    Memory& m = *memory_;
    m.lanes.download(lanes.records());
    m.weights.download(carried.weights.values());
    m.first_moments.download(carried.optimizer.first_moments());
    m.second_moments.download(carried.optimizer.second_moments());
    m.optimizer_steps.download({&carried.optimizer.steps(), 1});
    if constexpr (Device::waits) for_pending(carried.rollout, [this](void* there, void* here, std::size_t bytes) {
      runtime_.download(here, there, bytes);
    });
    runtime_.wait();
  }

  /// A collection that begins at this step of the batch, and the update from it. Calls ended(episode) for
  /// every episode that ended, step by step and within a step lane by lane. Errors: a gradient that is not
  /// finite; an agent without a legal action.
  template <class Ended>
  void iterate(Learner& learner, std::uint64_t batch_step, const Clock& clock, const Sampler& tasks,
               Ended&& ended) {
    auto carried = learner.carried();
    const auto& config = carried.config;
    Memory& m = *memory_;
    const float rate = config.optimizer.learning_rate * config.schedule(clock.progress());
    const DeviceProgress<Sampler> progress{batch_step, carried.updates, rate, tasks};
    const DeviceStatus fresh;
    m.progress.upload({&progress, 1});
    m.status.upload({&fresh, 1});
    runtime_.replay([&] { launch_all(config.epochs); });
    DeviceStatus status;
    m.status.download({&status, 1});
    runtime_.wait();
    report_failure(status, carried);
    const auto count = static_cast<std::size_t>(status.episodes);
    episodes_.resize(count);
    m.ended.download({episodes_.data(), count});
    runtime_.wait();
    std::sort(episodes_.begin(), episodes_.end(), [](const EndedEpisode& a, const EndedEpisode& b) {
      return a.step != b.step ? a.step < b.step : a.lane < b.lane;
    });
    for (const EndedEpisode& episode : episodes_) ended(static_cast<const Episode&>(episode));
    carried.begun += static_cast<std::uint64_t>(config.steps);
    ++carried.updates;
    carried.statistics = statistics(status, rate);
  }

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  /// The arrays of the last rollout, in the device's memory.
  [[nodiscard]] const RolloutViews& rollout() const { return memory_->data.rollout; }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static int blocks_for(int count, int each) { return (count + each - 1) / each; }

  struct Memory {
    [[gnu::cold]] Memory(Runtime& runtime, MultiAgentEnv<E>& env, const typename Learner::Carried& carried)
        : samples(env.lanes() * Device::agents * carried.rollout.shape().slots()),
          collecting(blocks_for(env.lanes(), CollectKernel<Device>::lanes_of_block)),
          learning(std::min(runtime.blocks_at_once(GradientKernel<Device>::shared),
                            blocks_for(samples, tile_rows))),
          summing(blocks_for(Device::parameters, SumKernel<Device>::threads)),
          chunks(blocks_for(samples, Device::samples_of_chunk)),
          minibatches(carried.config.minibatch == 0
                          ? 1
                          : std::max(1, (samples + carried.config.minibatch / 2) / carried.config.minibatch)),
          views(carried.rollout.shape()),
          lanes(runtime, index(env.lanes())),
          actions(runtime, index(env.lanes())),
          ended(runtime, index(env.lanes()) * index(carried.config.steps)),
          rollout(runtime, views.bytes()),
          weights(runtime, index(Device::parameters)),
          first_moments(runtime, index(Device::parameters)),
          second_moments(runtime, index(Device::parameters)),
          optimizer_steps(runtime, 1),
          gradient(runtime, index(Device::parameters)),
          partial(runtime, index(learning) * index(Device::parameters)),
          packed(runtime, std::max(index(collecting) * index(CollectKernel<Device>::packed),
                                   index(learning) * index(GradientKernel<Device>::packed))),
          squares(runtime, index(summing)),
          sums(runtime, index(learning)),
          units(runtime, index(samples)),
          order(runtime, index(samples)),
          pending(runtime, index(env.lanes() * Device::agents)),
          chunk_units(runtime, index(chunks)),
          advantages(runtime, index(minibatches) * index(Device::parts_of_sums)),
          status(runtime, 1),
          progress(runtime, 1),
          data(view(env, carried)) {
      if constexpr (!std::is_empty_v<polis::DatasetOf<E>>) {
        data.data.arrays([&]<class T>(const T*& values, std::size_t count) {
          if (!values) return;
          Array<std::byte>& copy = *dataset.emplace_back(std::make_unique<Array<std::byte>>(runtime, count * sizeof(T)));
          copy.upload({reinterpret_cast<const std::byte*>(values), count * sizeof(T)});
          values = reinterpret_cast<const T*>(copy.data());
        });
      }
    }

    [[nodiscard]] Data view(MultiAgentEnv<E>& env, const typename Learner::Carried& carried) {
      const auto& config = carried.config;
      views.place(rollout.data());
      return {.lanes = lanes.data(),
              .actions = actions.data(),
              .ended = ended.data(),
              .rollout = views,
              .weights = weights.data(),
              .first_moments = first_moments.data(),
              .second_moments = second_moments.data(),
              .optimizer_steps = optimizer_steps.data(),
              .gradient = gradient.data(),
              .partial = partial.data(),
              .packed = packed.data(),
              .squares = squares.data(),
              .sums = sums.data(),
              .units = units.data(),
              .order = order.data(),
              .pending = pending.data(),
              .chunk_units = chunk_units.data(),
              .advantages = advantages.data(),
              .status = status.data(),
              .progress = progress.data(),
              .lane_count = env.lanes(),
              .steps = config.steps,
              .streams = env.first_streams(),
              .seed = carried.seed,
              .env = env.config(),
              .data = env.data(),
              .objective = config.objective,
              .returns = config.returns,
              .optimizer = config.optimizer,
              .value_coefficient = config.value_coefficient,
              .entropy_coefficient = config.entropy_coefficient,
              .max_gradient_norm = config.max_gradient_norm,
              .target_kl = config.target_kl,
              .minibatch = config.minibatch,
              .normalize_advantages = config.normalize_advantages};
    }

    int samples, collecting, learning, summing, chunks, minibatches;  // the latter: blocks of kernels
    RolloutViews views;
    Array<Lane<E>> lanes;
    Array<Actions<E>> actions;
    Array<EndedEpisode> ended;
    Array<std::byte> rollout;
    Array<float> weights, first_moments, second_moments;
    Array<std::uint64_t> optimizer_steps;
    Array<float> gradient, partial, packed;
    Array<double> squares;
    Array<DeviceSums> sums;
    Array<int> units, order, pending, chunk_units;
    Array<AdvantageSums> advantages;
    Array<DeviceStatus> status;
    Array<DeviceProgress<Sampler>> progress;
    std::vector<std::unique_ptr<Array<std::byte>>> dataset;  // the caller's arrays
    Data data;
  };

  /// f(there, here, bytes) for slot 0 of every array of the rollout: the decisions carried over.
  template <class F>
  [[gnu::cold]] void for_pending(RolloutViews& host, F&& f) {
    std::vector<void*> here;
    host.layout([&here](auto& view, auto...) { here.push_back(view.data); });
    std::size_t i = 0;
    memory_->views.layout([&](auto& view, int, auto... rest) {
      const std::size_t bytes = (sizeof(*view.data) * ... * static_cast<std::size_t>(rest));
      if (bytes > 0 && view.size() > 0) f(view.data, here[i], bytes);
      ++i;
    });
  }

  void launch_all(int epochs) {
    const Memory& m = *memory_;
    const Data& d = m.data;
    runtime_.launch(CollectKernel<Device>{d}, m.collecting);
    runtime_.launch(EstimateKernel<Device>{d}, blocks_for(d.rows(), EstimateKernel<Device>::threads));
    runtime_.launch(CountKernel<Device>{d}, m.chunks);
    runtime_.launch(PlaceKernel<Device>{d, m.chunks}, 1);
    runtime_.launch(ListKernel<Device>{d}, m.chunks);
    for (int epoch = 0; epoch < epochs; ++epoch) {
      runtime_.launch(OrderKernel<Device>{d, epoch}, blocks_for(m.samples, OrderKernel<Device>::threads));
      if (d.normalize_advantages)
        runtime_.launch(AdvantageKernel<Device>{d}, m.minibatches * Device::parts_of_sums);
      for (int minibatch = 0; minibatch < m.minibatches; ++minibatch) {
        runtime_.launch(GradientKernel<Device>{d, minibatch, epoch}, m.learning);
        runtime_.launch(SumKernel<Device>{d, minibatch, m.learning}, m.summing);
        runtime_.launch(StepKernel<Device>{d, minibatch, m.summing}, m.summing);
      }
      runtime_.launch(EpochKernel<Device>{d, m.learning}, 1);
    }
    if constexpr (Device::waits)
      runtime_.launch(CarryKernel<Device>{d}, blocks_for(d.rows(), CarryKernel<Device>::threads));
  }

  [[gnu::cold]] static void check(const typename Learner::Config& config) {
    if constexpr (Device::waits && requires { config.returns.time_in_steps; }) {
      if (config.returns.time_in_steps)
        throw Error("found true", "algorithm.returns.time_in_steps",
                    "false: where agents take turns, a device counts time in their own decisions");
    }
  }

  [[gnu::cold, gnu::noinline]] void report_failure(const DeviceStatus& status, typename Learner::Carried& carried) {
    if (status.failure == DeviceStatus::gradient) {
      auto gradient = carried.weights.like();
      memory_->gradient.download(gradient.values());
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
  std::unique_ptr<Memory> memory_;
  std::vector<EndedEpisode> episodes_;
};

}  // namespace polis::internal
