// The learners from a replay as the trainer drives them: one set of weights for all of a team's agents, for
// each role, or for each agent.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/sharing.hpp>
#include <polis/algorithm/weight_sets.hpp>
#include <polis/core/error.hpp>

namespace polis::internal {

/// Agents with one set of weights, and their roles: all that are handled, one role's, or one agent.
template <class Slots, class E, class Handled>
struct ReplayTeams;
template <class Slots, class E, int First, int... Rest>
struct ReplayTeams<Slots, E, std::integer_sequence<int, First, Rest...>> {
  static constexpr bool shared = std::is_same_v<typename Slots::Sharing, SharedParameters>;
  /// Agents of a unit: one, or the team that learns from joint transitions.
  template <int R>
  static constexpr int width() {
    if constexpr (!Slots::joint) {
      return 1;
    } else {
      return shared ? (RoleOf<E, First>::count + ... + RoleOf<E, Rest>::count) : RoleOf<E, R>::count;
    }
  }
};

template <class Slots, class E, class Arch, class Teams>
struct ReplayMembers {
  template <int R>
  using Member = typename Slots::template Member<E, R, Teams::template width<R>(), Arch>;
};

/// The learner of a sentence for the agents of some roles of E.
template <class Slots, class E, class Arch, class Handled>
class ReplayLearner : public WeightSets<ReplayMembers<Slots, E, Arch, ReplayTeams<Slots, E, Handled>>, E,
                                        typename Slots::Sharing, Handled> {
  using Base = WeightSets<ReplayMembers<Slots, E, Arch, ReplayTeams<Slots, E, Handled>>, E,
                          typename Slots::Sharing, Handled>;
  using Base::first, Base::for_each;

 public:
  using Config = typename Slots::Config;

  [[gnu::cold]] ReplayLearner(const Config& config, std::uint64_t seed) : Base(checked(config), seed) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    for_each([&](auto& agents) { agents.prepare(env, threads); });
  }

  /// Losses and statistics of the last update, averaged over the sets of weights.
  [[gnu::cold]] void metrics(auto&& visit) const {
    auto mean = std::remove_cvref_t<decltype(first().statistics())>();
    double count = 0;
    for_each([&](const auto& agents) { mean.average(agents.statistics(), ++count); });
    mean.visit(visit);
  }

  /// Saves or restores the policies alone.
  [[gnu::cold]] void archive_policy(auto& a) {
    a.section("policy from a replay");
    for_each([&](auto& agents) { agents.archive_policy(a); });
  }
  [[gnu::cold]] void archive(auto& a) {
    a.section(Slots::family);
    for_each([&](auto& agents) { a(agents); });
  }

 private:
  /// The same settings. Error: a size that would make a sample or an interval empty.
  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    const auto at_least = [](int least, int value, const char* key) {
      if (value >= least) return;
      throw Error("found " + std::to_string(value), std::string("algorithm.") + key,
                  "at least " + std::to_string(least));
    };
    at_least(1, config.n_step, "n_step"), at_least(0, config.learning_starts, "learning_starts");
    at_least(1, config.update_every, "update_every"), at_least(1, config.batch, "batch");
    at_least(1, config.shards, "shards"), at_least(1, config.buffer.capacity, "buffer.capacity");
    if constexpr (requires { config.buffer.longest; }) {
      at_least(1, config.buffer.longest, "buffer.longest");
      const float lambda = config.buffer.lambda;
      if (!(lambda >= 0 && lambda <= 1)) {
        throw Error("found " + std::to_string(lambda), "algorithm.buffer.lambda", "0 to 1");
      }
      if (config.n_step != 1) {
        throw Error("found " + std::to_string(config.n_step), "algorithm.n_step",
                    "1 with Episodes, whose targets reach further by buffer.lambda");
      }
    }
    if constexpr (requires { config.buffer.file; }) {
      if (config.buffer.file.empty()) {
        throw Error("found none", "algorithm.buffer.file", "a path for the file in which the replay is kept");
      }
    }
    if constexpr (requires { config.target.every; }) at_least(1, config.target.every, "target.every");
    if constexpr (requires { config.average.anticipatory; }) {
      at_least(1, config.average.capacity, "average.capacity");
      at_least(1, config.average.batch, "average.batch");
      if (!(config.average.anticipatory >= 0 && config.average.anticipatory <= 1)) {
        throw Error("found " + std::to_string(config.average.anticipatory), "algorithm.average.anticipatory",
                    "a probability, 0 to 1");
      }
    }
    if constexpr (requires { config.actor_every; }) at_least(1, config.actor_every, "actor_every");
    return config;
  }
};

}  // namespace polis::internal
