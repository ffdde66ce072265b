// The comparison suite: a trained policy beside reference policies, in the same lanes.
//
//     trainer.evaluate(Comparison<CartPole>{.references = {{"lean", observing_policy<CartPole>(lean)}}}, 200)
//         .print();
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/env/reference.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/actions.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// The first rows are the trained policy, greedy and sampled; then come random actions, neutral ones, the
/// environment's own reference policies where it has some (HasReferencePolicies), the caller's references,
/// and the optimum where it is known (HasOptimalValue). The column `score` is then (return - random) /
/// (optimum - random), of returns per episode or per step as the optimum is stated; in the second case the
/// column `per step` shows them.
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
    std::vector<std::pair<std::string, EvaluationResult>> played;
    const auto row = [&](const std::string& name, auto&& act) {
      auto env = internal::own_lanes(trainer, episodes);
      played.emplace_back(name, run_episodes(env, episodes, act));
      rows.add(name, played.back().second);
    };
    auto own = internal::own_lanes(trainer, episodes);
    own.reset();
    const int lanes = own.lanes();
    const std::uint64_t seed = trainer.config().seed;
    row("trained", trainer.player(lanes));
    row("trained, sampled", trainer.player(lanes, Play::sampled));
    if (random) row("random", RandomPolicy{seed});
    if (neutral) row("neutral", NeutralPolicy{});
    for_each_reference<E>(own.view(0), [&]<class Policy>(const char* name, const Policy& policy) {
      row(name, ReferencePolicy<Policy>{policy, seed});
    });
    for (const auto& [name, policy] : references) row(name, policy);
    if constexpr (HasOptimalValue<E>) add_scores(table, played, E::optimal_value(own.view(0)));
    return table;
  }

 private:
  using Played = std::vector<std::pair<std::string, EvaluationResult>>;

  /// How far each policy came on the way from random play to the optimum.
  [[gnu::cold]] static void add_scores(ResultTable& table, const Played& played,
                                       const OptimalValue& optimum) {
    if (std::isnan(optimum.value)) return;
    const bool per_step = optimum.of == OptimalValue::Of::step;
    const auto value = [per_step](const EvaluationResult& result) {
      return per_step ? result.mean / result.length : result.mean;
    };
    const auto at_random =
        std::find_if(played.begin(), played.end(), [](const auto& row) { return row.first == "random"; });
    for (const auto& [name, result] : played) {
      if (per_step) table.set(name, "per step", value(result));
      if (at_random == played.end()) continue;
      const double least = value(at_random->second);
      table.set(name, "score", (value(result) - least) / (optimum.value - least));
    }
    table.set("optimum", per_step ? "per step" : "return", optimum.value);
    if (at_random != played.end()) table.set("optimum", "score", 1);
  }
};

}  // namespace polis
