// What a trainer drives: anything that acts for agents, remembers what came of it, and now and then learns.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include <polis/collective/local.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/env/multi_agent_env.hpp>

namespace polis {

/// Lanes that one thread advances by one step: `lanes` of `env`'s, from `first`.
template <class E>
struct LaneTile {
  MultiAgentEnv<E>* env = nullptr;
  int first = 0;
  int lanes = 0;
  std::uint64_t step = 0;         ///< steps of the batch before this one
  int worker = 0;                 ///< the thread's number, for scratch memory
  Actions<E>* actions = nullptr;  ///< [lanes], written by `act`
};

/// Lanes of a batch, from `first`.
struct LaneRange {
  int first = 0;
  int count = 0;
};

/// Where a run stands.
struct Clock {
  std::uint64_t batch_steps = 0;  ///< steps of the whole batch of lanes
  std::uint64_t steps = 0;        ///< steps of single lanes: what users count
  std::uint64_t planned = 0;      ///< the `steps` at which this training is to end

  /// How much of the planned training is done, 0 to 1: what schedules follow.
  [[nodiscard]] double progress() const {
    return planned > 0 ? static_cast<double>(steps) / static_cast<double>(planned) : 0.;
  }
  void archive(auto& a) { a(batch_steps, steps); }
};

/// What the trainer lends a learner for an update. A learner of lanes that are spread over ranks takes those
/// of any collective, and sums over them what all lanes have a part in.
template <Communicator C>
struct BasicServices {
  using Collective = C;
  Region& region;
  const Clock& clock;
  C* collective = nullptr;  ///< null where it is not distributed

  /// Adds up `values` over all ranks.
  void sum(std::span<double> values) const {
    if constexpr (C::distributed) collective->sum(values);
  }
};
using Services = BasicServices<Local>;

/// How an agent acts when it is only watched.
enum class Play { greedy, sampled };

namespace internal {
/// Takes any metric. A function object, since nvcc finds no lambda's type in a concept.
struct AnyMetric {
  void operator()(const char*, double) const {}
};
}  // namespace internal

/// A learner acts for its agents in tiles of lanes (`act`), is told what came of it before ended lanes are
/// renewed
/// (`record`), says for how many steps of the batch it can go on (`interval`) and whether it is time to learn
/// (`due`), and learns (`update`). Tiles advance without a barrier in between: act and record of different
/// tiles run at the same time, update alone. `play` acts without learning, for evaluations, with a memory of
/// its own for carries. One `archive` saves all that the next step depends on.
template <class L, class E>
concept Learner = requires(L learner, const L constant, LaneTile<E>& tile, Services& services,
                           const Clock& clock, const MultiAgentEnv<E>& env, typename L::Memory& memory) {
  typename L::Config;
  learner.prepare(env, 1);
  learner.act(tile);
  learner.record(tile);
  { constant.interval() } -> std::convertible_to<int>;
  { constant.due(clock) } -> std::convertible_to<bool>;
  learner.update(services);
  { constant.memory(1) } -> std::same_as<typename L::Memory>;
  learner.play(tile, memory, Play::greedy);
  constant.metrics(internal::AnyMetric{});
};

/// A learner for which the lanes of a tile belong together: this many of them.
template <class L>
concept ShapesTiles = requires(const L& constant) {
  { constant.tile_lanes() } -> std::convertible_to<int>;
};

/// A learner that compares lanes with one another. The trainer has them begin alike in groups of this many
/// (MultiAgentEnv::begin_alike), and begins new episodes in all of them before every collection.
template <class L>
concept ComparesLanes = requires(const L& constant) {
  { constant.group() } -> std::convertible_to<int>;
};

}  // namespace polis
