// Memory of a device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/device/lanes.hpp>
#include <polis/device/step.hpp>
#include <polis/env/lane.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/policy/parameters.hpp>

namespace polis::internal {

/// Memory for `count` things that are copied as bytes.
template <class T, class Runtime>
class DeviceArray {
 public:
  DeviceArray(Runtime& runtime, std::size_t count)
      : runtime_(&runtime),
        data_(static_cast<T*>(runtime.allocate(std::max(count, std::size_t{1}) * sizeof(T)))) {}
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { runtime_->release(data_); }

  [[nodiscard]] T* data() { return data_; }
  void upload(std::span<const T> from) {
    if (!from.empty()) runtime_->upload(data_, from.data(), from.size_bytes());
  }
  void download(std::span<T> to) {
    if (!to.empty()) runtime_->download(to.data(), data_, to.size_bytes());
  }

 private:
  Runtime* runtime_;
  T* data_;
};

/// Weights with what an optimizer has of them.
template <class Runtime, class Optimizer>
struct WeightMemory {
  template <class T>
  using Array = DeviceArray<T, Runtime>;

  /// `blocks`: of the kernel that leaves the gradient in parts.
  [[gnu::cold]] WeightMemory(Runtime& runtime, const FlatParameters& weights, int blocks)
      : WeightMemory(runtime, weights.size(), static_cast<std::size_t>(blocks),
                     matrices_of(weights.layout())) {}
  void upload(FlatParameters& weights, Optimizer& optimizer) {
    values.upload(weights.values());
    first_moments.upload(optimizer.first_moments()), second_moments.upload(optimizer.second_moments());
    if constexpr (requires { optimizer.steps(); }) steps.upload({&optimizer.steps(), 1});
  }
  void download(FlatParameters& weights, Optimizer& optimizer) {
    values.download(weights.values());
    first_moments.download(optimizer.first_moments()), second_moments.download(optimizer.second_moments());
    if constexpr (requires { optimizer.steps(); }) steps.download({&optimizer.steps(), 1});
  }
  [[nodiscard]] DeviceWeights view() {
    return {values.data(),   first_moments.data(), second_moments.data(),
            gradient.data(), matrices.data(),      static_cast<int>(listed.size()),
            scratch.data(),  partial.data(),       squares.data(),
            steps.data()};
  }

  std::vector<DeviceMatrix> listed;
  Array<float> values, first_moments, second_moments, gradient, partial;
  Array<double> squares;
  Array<std::uint64_t> steps;
  Array<DeviceMatrix> matrices;  // as `listed`
  Array<float> scratch;

 private:
  WeightMemory(Runtime& runtime, std::size_t count, std::size_t blocks, std::vector<DeviceMatrix> stepped)
      : listed(std::move(stepped)),
        values(runtime, count),
        first_moments(runtime, count),
        second_moments(runtime, count),
        gradient(runtime, count),
        partial(runtime, count * blocks),
        squares(runtime, count / static_cast<std::size_t>(summed_weights) + 1),
        steps(runtime, 1),
        matrices(runtime, listed.size()),
        scratch(runtime, scratch_of(listed)) {
    matrices.upload(listed);
  }
  [[gnu::cold]] static std::vector<DeviceMatrix> matrices_of([[maybe_unused]] const Layout& layout) {
    std::vector<DeviceMatrix> found;
    if constexpr (steps_matrices<Optimizer>) {
      for (const Block& block : layout) {
        if (Optimizer::orthogonalises(block))
          found.push_back({static_cast<int>(block.offset), block.rows, block.columns,
                           static_cast<int>(scratch_of(found))});
      }
    }
    return found;
  }
  static std::size_t scratch_of(const std::vector<DeviceMatrix>& matrices) {
    if (matrices.empty()) return 0;
    return static_cast<std::size_t>(matrices.back().scratch + BlockMuon::scratch_floats(matrices.back()));
  }
};

/// The lanes of a batch on a device, their joint actions, the episodes that ended, and the caller's data.
template <class E, class Runtime>
struct LaneMemory {
  [[gnu::cold]] LaneMemory(Runtime& runtime, MultiAgentEnv<E>& env, int steps)
      : lanes(runtime, static_cast<std::size_t>(env.lanes())),
        actions(runtime, static_cast<std::size_t>(env.lanes())),
        ended(runtime, static_cast<std::size_t>(env.lanes()) * static_cast<std::size_t>(steps)),
        data(env.data()) {
    if constexpr (!std::is_empty_v<polis::DatasetOf<E>>) {
      data.arrays([&]<class T>(const T*& original, std::size_t count) {
        if (!original) return;
        arrays.push_back(std::make_unique<DeviceArray<std::byte, Runtime>>(runtime, count * sizeof(T)));
        auto& copy = *arrays.back();
        copy.upload({reinterpret_cast<const std::byte*>(original), count * sizeof(T)});
        original = reinterpret_cast<const T*>(copy.data());
      });
    }
  }

  /// Has kernels find them, for collections of so many steps of a learner with this seed.
  void place_in(DeviceLanes<E>& d, MultiAgentEnv<E>& env, int steps, std::uint64_t seed) {
    d.lanes = lanes.data(), d.actions = actions.data(), d.ended = ended.data();
    d.lane_count = env.lanes(), d.steps = steps;
    d.streams = env.first_streams(), d.seed = seed;
    d.env = env.config(), d.data = data;
  }

  DeviceArray<Lane<E>, Runtime> lanes;
  DeviceArray<Actions<E>, Runtime> actions;
  DeviceArray<EndedEpisode, Runtime> ended;
  std::vector<std::unique_ptr<DeviceArray<std::byte, Runtime>>> arrays;  // copies of the caller's
  polis::DatasetOf<E> data;                                              // which points there
};

/// Calls ended(episode) for these that a device has listed in no order: by groups of `group` lanes, within a
/// group step by step, within a step lane by lane, as the CPU counts them.
template <class Ended>
void count_in_order(std::vector<EndedEpisode>& episodes, int group, Ended&& ended) {
  std::sort(episodes.begin(), episodes.end(), [group](const EndedEpisode& a, const EndedEpisode& b) {
    const auto of = static_cast<std::uint32_t>(group);
    if (a.lane / of != b.lane / of) return a.lane / of < b.lane / of;
    return a.step != b.step ? a.step < b.step : a.lane < b.lane;
  });
  for (const EndedEpisode& episode : episodes) ended(episode);
}

}  // namespace polis::internal
