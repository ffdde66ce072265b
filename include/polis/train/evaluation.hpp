// Running episodes without learning, and what they come to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/metrics.hpp>

namespace polis {

/// Figures over the episodes of an evaluation. A return is an episode's sum of the agents' mean reward.
struct EvaluationResult {
  std::vector<double> returns;     ///< one an episode, in the order of lanes and episodes
  double mean = 0, deviation = 0;  ///< of the returns; sample standard deviation
  std::vector<double> agents;      ///< each agent's own mean return
  double length = 0;               ///< mean episode length in steps
  double success =
      std::numeric_limits<double>::quiet_NaN();  ///< mean success, where the environment states it
  Figures metrics;                               ///< means of the environment's own figures

  /// Standard error of the mean return.
  [[nodiscard]] double standard_error() const {
    return returns.empty() ? 0. : deviation / std::sqrt(static_cast<double>(returns.size()));
  }

  /// Adds the figures to a row.
  [[gnu::cold]] void describe(MetricsRow& row) const {
    row.add("return", mean);
    row.add("return_deviation", deviation);
    row.add("length", length);
    row.add("success", success);
    for (const auto& [key, value] : metrics) row.add(key, value);
    row.episode_returns = returns;
  }

  /// Writes a small table to `to`.
  [[gnu::cold]] void print(std::FILE* to = stdout) const {
    std::fprintf(to, "%-24s %zu\n", "episodes", returns.size());
    std::fprintf(to, "%-24s %.4g +- %.2g (standard error), sd %.3g\n", "return", mean, standard_error(),
                 deviation);
    std::fprintf(to, "%-24s %.1f\n", "length", length);
    if (!std::isnan(success)) std::fprintf(to, "%-24s %.3f\n", "success", success);
    for (const auto& [name, value] : metrics) std::fprintf(to, "%-24s %.5g\n", name.c_str(), value);
  }
};

/// Plays `episodes` episodes in `env` and sums them up. Each lane plays its share, so that short episodes are
/// not counted more often than long ones. `act(tile)` writes the tile's joint actions; `tasks(random)` gives
/// Assignments; `on_end(lane)` is called when an episode that counts ends, before the lane is renewed.
template <class E, class Act, class Tasks, class OnEnd>
[[gnu::cold]] EvaluationResult run_episodes(MultiAgentEnv<E>& env, int episodes, Act&& act, Tasks&& tasks,
                                            OnEnd&& on_end) {
  const int lanes = env.lanes();
  struct Share {
    std::size_t next, end;  // where the lane's returns go
  };
  FixedArray<Actions<E>> actions(static_cast<std::size_t>(lanes));
  FixedArray<Share> shares(static_cast<std::size_t>(lanes));
  std::size_t next = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    const int share = std::max(0, episodes / lanes + (lane < episodes % lanes ? 1 : 0));
    shares[static_cast<std::size_t>(lane)] = {next, next + static_cast<std::size_t>(share)};
    next += static_cast<std::size_t>(share);
  }
  EvaluationResult result;
  result.returns.resize(next);
  result.agents.resize(static_cast<std::size_t>(agent_count<E>));
  double success = 0;
  int remaining = episodes, stated = 0;
  env.reset(tasks);
  for (std::uint64_t step = 0; remaining > 0; ++step) {
    LaneTile<E> tile{&env, 0, lanes, step, 0, actions.data()};
    std::fill(actions.begin(), actions.end(), Actions<E>{});  // of those who do not decide
    act(tile);
    for (int lane = 0; lane < lanes; ++lane) {
      Share& share = shares[static_cast<std::size_t>(lane)];
      if (share.next == share.end) continue;
      env.advance(lane, actions[static_cast<std::size_t>(lane)]);
      for (int i = 0; i < agent_count<E>; ++i) {
        result.agents[static_cast<std::size_t>(i)] += static_cast<double>(env.reward(lane, i));
      }
      if (!env.over(lane)) continue;
      const Episode& episode = env.episode(lane);
      result.returns[share.next++] = episode.total;
      result.length += static_cast<double>(episode.length);
      if (!std::isnan(episode.success)) success += static_cast<double>(episode.success), ++stated;
      if constexpr (HasMetrics<E>) {
        env.lane(lane).metrics([&](const char* name, double value) { result.metrics[name] += value; });
      }
      on_end(lane);
      --remaining;
      env.renew(lane, tasks);
    }
  }
  const double count = std::max(1, episodes);
  for (const double value : result.returns) result.mean += value;
  result.mean /= count;
  for (const double value : result.returns) result.deviation += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(result.deviation / std::max(1., count - 1));
  for (double& own : result.agents) own /= count;
  result.length /= count;
  if (stated > 0) result.success = success / stated;
  for (auto& [name, value] : result.metrics) value /= count;
  return result;
}

template <class E, class Act>
EvaluationResult run_episodes(MultiAgentEnv<E>& env, int episodes, Act&& act) {
  return run_episodes(env, episodes, act, env.default_tasks(), [](int) {});
}

}  // namespace polis
