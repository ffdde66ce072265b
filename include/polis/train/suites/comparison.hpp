// The comparison suite: a trained policy beside reference policies, in the same lanes.
//
//     trainer.evaluate(Comparison<CartPole>{.references = {{"lean", observing_policy<CartPole>(lean)}}}, 200)
//         .print();
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/actions.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// The first rows are the trained policy, greedy and sampled; then come random actions, neutral ones, the
/// environment's own heuristic where it has one (HasHeuristic), and the caller's references.
template <Environment E>
struct Comparison {
  /// Any function that writes the actions of a tile; `observing_policy` makes one of a function of what one
  /// agent sees.
  std::vector<std::pair<std::string, std::function<void(LaneTile<E>&)>>> references{};
  bool random = true, neutral = true;

  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    ResultTable table("comparison");
    internal::EvaluationRows<E> rows(table);
    const auto row = [&](const std::string& name, auto&& act) {
      auto env = internal::own_lanes(trainer, episodes);
      rows.add(name, run_episodes(env, episodes, act));
    };
    const int lanes = internal::own_lanes(trainer, episodes).lanes();
    row("trained", trainer.player(lanes));
    row("trained, sampled", trainer.player(lanes, Play::sampled));
    if (random) row("random", RandomPolicy{trainer.config().seed});
    if (neutral) row("neutral", NeutralPolicy{});
    if constexpr (HasHeuristic<E>) row("heuristic", HeuristicPolicy{});
    for (const auto& [name, policy] : references) row(name, policy);
    return table;
  }
};

}  // namespace polis
