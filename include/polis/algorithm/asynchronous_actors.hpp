// Actors that learn side by side (Mnih, Badia, Mirza et al. 2016, "Asynchronous methods for deep
// reinforcement learning", algorithm S3): each acts in lanes of its own by a copy of the shared weights, and
// when its rollout is full moves the shared weights along the gradient, whatever the others have done to them
// meanwhile.
//
// Nobody waits. An actor's copy is as old as its rollout is long, so its decisions are of a slightly older
// policy than the gradient; VTrace (Espeholt et al. 2018) weighs them by the ratio of the two. Which actor
// comes first is up to the threads: of all learners this alone gives other weights from run to run, unless it
// runs on one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>

#include <polis/algorithm/actor_critic_learner.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/text.hpp>
#include <polis/core/thread_pool.hpp>
#include <polis/core/word.hpp>

namespace polis {

namespace internal {

/// The shared weights, and the actors of all lanes.
template <class Slots, class E, class Arch, class Handled>
class AsynchronousLearner {
  using Weights = ActorCriticLearner<Slots, E, Arch, Handled>;

 public:
  using Config = typename Slots::Config;
  using Memory = typename Weights::Memory;

  [[gnu::cold]] AsynchronousLearner(const Config& config, std::uint64_t seed)
      : config_(checked(config)), seed_(seed), shared_(config, seed) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    const int wanted = config_.actors.count > 0 ? config_.actors.count : threads;
    tile_lanes_ = (env.lanes() + wanted - 1) / wanted;
    const int count = (env.lanes() + tile_lanes_ - 1) / tile_lanes_;
    actors_ = FixedArray<Actor>(index(count), [&](std::size_t) { return Actor(config_, seed_); });
    for (int i = 0; i < count; ++i) {
      const int first = i * tile_lanes_;
      Weights& actor = actors_[index(i)].learner;
      actor.prepare(env, 1, {first, std::min(tile_lanes_, env.lanes() - first)});
      actor.share(shared_, mutex_);
      actor.catch_up();
    }
  }

  /// Lanes of an actor.
  [[nodiscard]] int tile_lanes() const { return tile_lanes_; }

  void act(LaneTile<E>& tile) {
    LaneTile<E> own = owned(tile);
    actor_of(tile).learner.act(own);
  }
  /// Also learns, where this was the last step of the actor's rollout.
  void record(LaneTile<E>& tile) {
    Actor& actor = actor_of(tile);
    LaneTile<E> own = owned(tile);
    actor.learner.record(own);
    Clock now = clock_;
    now.batch_steps = tile.step + 1;
    if (!actor.learner.due(now)) return;
    actor.learner.catch_up();
    actor.alone.region([&](Region& region) {
      Services services{region, now};
      actor.learner.update(services);
    });
    actor.statistics.add(actor.learner.statistics());
  }
  /// Steps of so many rollouts of every actor; between two of them nobody waits for anybody.
  [[nodiscard]] int interval() const { return config_.steps * config_.actors.rollouts; }
  [[nodiscard]] bool due(const Clock&) const { return true; }
  /// The actors have learnt already: takes note of what they came to, and of the time.
  void update(Services& services) {
    clock_ = services.clock;
    statistics_ = {};
    for (Actor& actor : actors_) {
      statistics_.add(actor.statistics);
      actor.statistics = {};
    }
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const { return shared_.memory(lanes); }
  void play(LaneTile<E>& tile, Memory& memory, Play how) const { shared_.play(tile, memory, how); }

  /// The shared sets of weights of the R-th role handled here.
  template <int R = 0>
  [[nodiscard]] auto& agents() {
    return shared_.template agents<R>();
  }
  template <int R = 0>
  [[nodiscard]] const auto& agents() const {
    return shared_.template agents<R>();
  }
  [[nodiscard]] std::size_t actors() const { return actors_.size(); }

  void metrics(auto&& visit) const {
    statistics_.visit(visit);
    if constexpr (Slots::OpponentModel::models) statistics_.visit_opponents(visit);
  }

  [[gnu::cold]] void archive(auto& a) {
    a.section("asynchronous actors");
    auto count = static_cast<std::uint64_t>(actors_.size());
    a(count);
    if (count != actors_.size()) {
      throw Error(concat({"found ", count, " actors"}), "saved asynchronous actors",
                  concat({actors_.size(), ", as `algorithm.actors.count` or the number of threads says"}));
    }
    a(clock_, shared_);
    for (Actor& actor : actors_) a(actor.learner);
  }

 private:
  struct Actor {
    Actor(const Config& config, std::uint64_t seed) : learner(config, seed) {}
    Weights learner;
    ThreadPool alone{1};
    UpdateStatistics statistics;  // of what it learnt since the last look
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  Actor& actor_of(const LaneTile<E>& tile) { return actors_[index(tile.first / tile_lanes_)]; }
  /// The same tile for an actor, which has the scratch of one thread.
  static LaneTile<E> owned(const LaneTile<E>& tile) {
    LaneTile<E> own = tile;
    own.worker = 0;
    return own;
  }

  /// The same settings. Error: no rollouts, or fewer than no actors.
  [[gnu::cold]] static const Config& checked(const Config& config) {
    if (config.actors.count < 0)
      throw Error(concat({"found ", config.actors.count}), "algorithm.actors.count", "at least 0");
    if (config.actors.rollouts < 1)
      throw Error(concat({"found ", config.actors.rollouts}), "algorithm.actors.rollouts", "at least 1");
    return config;
  }

  Config config_;
  std::uint64_t seed_;
  Weights shared_;  // its rollout is never filled
  std::mutex mutex_;
  FixedArray<Actor> actors_;
  int tile_lanes_ = 1;
  Clock clock_;  // as of the last look
  UpdateStatistics statistics_;
};

}  // namespace internal

/// The word: actors learn side by side, without waiting for one another.
struct AsynchronousActors {
  using word = word::Actors;
  static constexpr bool asynchronous = true;
  struct Config {
    int count = 0;     ///< actors, each with an equal share of the lanes; 0: one for each thread
    int rollouts = 8;  ///< of each actor between two looks of the trainer, before which nobody waits
    static constexpr void fields(auto& self, auto&& visit) {
      visit("count", self.count);
      visit("rollouts", self.rollouts);
    }
  };
  template <class Slots, class E, class Arch, class Handled>
  using Learner = internal::AsynchronousLearner<Slots, E, Arch, Handled>;
};

}  // namespace polis
