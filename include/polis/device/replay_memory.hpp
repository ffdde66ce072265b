// Memory of a device for a learner from a replay: lanes, the replay, and what the host is told of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/device/device_array.hpp>
#include <polis/device/replay_data.hpp>
#include <polis/nn/clip.hpp>

namespace polis::internal {

template <class Runtime, class Device>
struct ReplayMemory {
  using E = typename Device::E;
  using Data = typename Device::Data;
  template <class T>
  using Array = DeviceArray<T, Runtime>;

  /// `packed`: floats for weights that do not fit into shared memory, of all blocks.
  [[gnu::cold]] ReplayMemory(Runtime& runtime, MultiAgentEnv<E>& env, int steps, std::size_t packed_floats,
                             auto& carried)
      : runtime_(&runtime),
        lanes(runtime, env, steps),
        replay(runtime, ReplayViews::bytes_of(carried.replay.shape())),
        begun(runtime, carried.replay.counts().size()),
        pending(runtime, carried.replay.under_way().size()),
        ends(runtime, carried.replay.counts().size()),
        masks(runtime, count(env.lanes() * Device::agents * Device::flags)),
        packed(runtime, packed_floats),
        ids(runtime, count(carried.config.batch)) {
    ReplayViews views(carried.replay.shape());
    views.place_in(replay.data(), begun.data(), pending.data());
    lanes.place_in(data, env, steps, carried.seed);
    data.replay = views;
    data.ends = ends.data(), data.masks = masks.data(), data.packed = packed.data(), data.ids = ids.data();
    data.batch = carried.config.batch;
    data.discount = carried.config.discount;
  }

  void upload(MultiAgentEnv<E>& env, auto& from) {
    lanes.lanes.upload(env.records());
    const auto all = from.contents();
    replay.upload({reinterpret_cast<const std::byte*>(all.data()), all.size_bytes()});
    begun.upload({from.counts().data(), from.counts().size()});
    pending.upload({from.under_way().data(), from.under_way().size()});
  }
  void download(MultiAgentEnv<E>& env, auto& to) {
    lanes.lanes.download(env.records());
    const auto all = to.contents();
    replay.download({reinterpret_cast<std::byte*>(all.data()), all.size_bytes()});
    begun.download({to.counts().data(), to.counts().size()});
    pending.download({to.under_way().data(), to.under_way().size()});
  }

  /// Updates that are due after a collection; see ReplayAgents::catch_up.
  [[nodiscard]] int owed(const auto& config, const Clock& clock, std::uint64_t begun_before) const {
    const auto every = static_cast<std::uint64_t>(config.update_every);
    if (clock.steps < static_cast<std::uint64_t>(config.learning_starts)) return 0;
    const std::uint64_t before = begun_before * static_cast<std::uint64_t>(data.lane_count);
    return static_cast<int>(clock.steps / every - before / every);
  }
  /// Calls ended(episode) for every episode that ended; see OnPolicyLoop::iterate. Error: an agent had no
  /// legal action.
  template <class Ended>
  void count_episodes(const ReplayStatus& status, int group, Ended&& ended) {
    if (status.refusals > 0) {
      throw Error("no action is legal", concat({"lane ", status.lane, ", agent ", status.agent}),
                  "at least one flag that `legal` leaves set; or an agent that is not acting");
    }
    episodes_.resize(count(status.episodes));
    lanes.ended.download({episodes_.data(), episodes_.size()});
    runtime_->wait();
    count_in_order(episodes_, group, ended);
  }
  /// Error: where the gradient of these weights, which a device has left, is not finite.
  [[gnu::cold, gnu::noinline]] void report(auto& there, const FlatParameters& weights) {
    FlatParameters gradient = weights.like();
    there.gradient.download(gradient.values());
    runtime_->wait();
    gradient.for_each_block([](const Block& block, std::size_t, std::span<float> values) {
      (void)checked_squared_norm(block, values);
    });
  }

 private:
  static std::size_t count(int n) { return static_cast<std::size_t>(n); }

  Runtime* runtime_;
  std::vector<EndedEpisode> episodes_;

 public:
  LaneMemory<E, Runtime> lanes;
  Array<std::byte> replay;
  Array<std::uint64_t> begun;
  Array<int> pending;
  Array<std::uint64_t> ends;
  Array<float> masks, packed;
  Array<int> ids;
  Data data{};  ///< what kernels are passed; the learner adds its own
};

/// What the loops of all learners from a replay do alike: they take over what a learner has, by a `Memory`
/// that lists it beside the replay (for_each), and give it back.
template <class Runtime, class Device, class Memory>
class ReplayLoop {
 public:
  using E = typename Device::E;
  using Learner = typename Device::Learner;

  /// Takes over lanes, replay and weights as they are. Error: the device has not enough memory.
  [[gnu::cold]] void begin(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    Learner& learner = learners.front();
    auto carried = learner.carried();
    if (!memory_) memory_ = std::make_unique<Memory>(runtime_, lanes, learner.interval(), carried);
    memory_->common.upload(lanes, carried.replay);
    memory_->for_each(carried, [](auto& there, auto&&... here) { there.upload(here...); });
    runtime_.wait();
  }
  /// Gives them back.
  [[gnu::cold]] void settle(MultiAgentEnv<E>& lanes, std::span<Learner> learners) {
    auto carried = learners.front().carried();
    memory_->common.download(lanes, carried.replay);
    memory_->for_each(carried, [](auto& there, auto&&... here) { there.download(here...); });
    runtime_.wait();
  }

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  /// The replay's arrays, in the device's memory.
  [[nodiscard]] const ReplayViews& replay() const { return memory_->common.data.replay; }

 protected:
  Runtime runtime_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace polis::internal
