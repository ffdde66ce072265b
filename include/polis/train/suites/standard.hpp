// The suite of one row: a trained policy as it is, where it was trained. The other suites compare with it.
#pragma once

#include <polis/algorithm/learner.hpp>
#include <polis/core/random.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

namespace internal {

/// Plays the trainer's policy in lanes of the caller's, with tasks of the caller's.
template <class T, class Tasks>
[[gnu::cold]] EvaluationResult play_episodes(const T& trainer, int episodes, Play how, typename T::Batch& env,
                                             Tasks&& tasks) {
  return run_episodes(env, episodes, trainer.player(env.lanes(), how), tasks, [](int) {});
}

/// The trainer's own evaluation lanes.
template <class T>
[[nodiscard]] auto own_lanes(const T& trainer, int episodes) {
  return trainer.evaluation_lanes(episodes, trainer.config().env, trainer.lanes().data());
}

/// Every episode has this task.
template <class E>
[[nodiscard]] auto always(const polis::TaskOf<E>& task) {
  return [&task](Random&) { return Assignment<E>{.task = task}; };
}

}  // namespace internal

/// The plain evaluation, as a table of one row: the last stage, in fresh lanes.
struct Standard {
  Play how = Play::greedy;

  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    ResultTable table("standard");
    internal::EvaluationRows<typename T::Environment>(table).add("standard", trainer.evaluate(episodes, how));
    return table;
  }
};

}  // namespace polis
