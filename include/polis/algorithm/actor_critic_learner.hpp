// The learner of the actor-critic sentence: its sets of weights, each learning from the rollouts of its
// agents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include <polis/algorithm/on_policy_update.hpp>
#include <polis/algorithm/weight_sets.hpp>
#include <polis/core/error.hpp>

namespace polis::internal {

template <class Slots, class E, class Arch>
struct OnPolicyMembers {
  template <int R>
  using Member = OnPolicyUpdate<Slots, E, R, Arch>;
};

/// The learner of a sentence for the agents of some roles of E: one set of weights for all of them, for each
/// role, or for each agent.
template <class Slots, class E, class Arch, class Handled>
class ActorCriticLearner
    : public WeightSets<OnPolicyMembers<Slots, E, Arch>, E, typename Slots::Sharing, Handled> {
  using Base = WeightSets<OnPolicyMembers<Slots, E, Arch>, E, typename Slots::Sharing, Handled>;
  using Base::for_each, Base::first, Base::members_;

 public:
  using Config = typename Slots::Config;
  using typename Base::Memory;

  [[gnu::cold]] ActorCriticLearner(const Config& config, std::uint64_t seed) : Base(checked(config), seed) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    prepare(env, threads, {0, env.lanes()});
  }
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    for_each([&](auto& agents) { agents.prepare(env, threads, lanes); });
  }
  /// Lanes that begin their episodes alike; see ComparesLanes.
  [[nodiscard]] int group() const
    requires GroupEstimator<typename Slots::Returns>
  {
    return first().group();
  }
  /// Losses and statistics of the last update, averaged over the sets of weights.
  void metrics(auto&& visit) const {
    const UpdateStatistics mean = statistics();
    mean.visit(visit);
    if constexpr (Slots::Magnet::attracts) visit("magnet_divergence", mean.divergence);
    if constexpr (Slots::OpponentModel::models) mean.visit_opponents(visit);
  }
  [[nodiscard]] UpdateStatistics statistics() const {
    UpdateStatistics mean;
    for_each([&](const auto& agents) { mean.add(agents.statistics()); });
    return mean;
  }

  /// As OnPolicyUpdate's, for every set of weights.
  void share(ActorCriticLearner& common, std::mutex& mutex) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      const auto each = [&](auto& members, auto& theirs) {
        for (std::size_t i = 0; i < members.size(); ++i) members[i].share(theirs[i], mutex);
      };
      (each(std::get<R>(members_), std::get<R>(common.members_)), ...);
    }(std::make_index_sequence<std::tuple_size_v<Memory>>{});
  }
  void catch_up() {
    for_each([](auto& agents) { agents.catch_up(); });
  }

  /// Saves or restores the policies alone.
  void archive_policy(auto& a) {
    a.section("actor-critic policy");
    for_each([&](auto& agents) { agents.archive_policy(a); });
  }
  void archive(auto& a) {
    a.section("actor-critic");
    for_each([&](auto& agents) { a(agents); });
  }

 private:
  /// The same settings. Error: a size that would make a rollout, a pass or a minibatch empty.
  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    const auto at_least = [](int least, int value, const char* key) {
      if (value >= least) return;
      throw Error("found " + std::to_string(value), std::string("algorithm.") + key,
                  "at least " + std::to_string(least));
    };
    at_least(1, config.steps, "steps"), at_least(1, config.epochs, "epochs");
    at_least(0, config.minibatch, "minibatch"), at_least(1, config.segment, "segment");
    at_least(1, config.shards, "shards");
    return config;
  }
};

}  // namespace polis::internal
