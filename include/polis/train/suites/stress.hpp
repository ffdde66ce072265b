// The stress suite: a trained policy on tasks harder than those it was trained on.
//
//     trainer.evaluate(Stress<Trading>{.changes = {{"costs x 3", [](auto& task) { task.cost_scale = 3; }}}},
//                      200).print();
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/random.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// Harder than where it was trained. The rows after the standard one: every stage of the environment that has
/// stages, easiest first; then the caller's changes, tasks and settings. All rows have the same random
/// numbers. Error: the environment has no stages, and nothing is given.
template <Environment E>
struct Stress {
  using Task = TaskOf<E>;
  /// Applied to every task of the last stage, as it is drawn.
  std::vector<std::pair<std::string, std::function<void(Task&)>>> changes{};
  std::vector<std::pair<std::string, Task>> tasks{};            ///< one for all episodes of its row
  std::vector<std::pair<std::string, ConfigOf<E>>> settings{};  ///< in place of the trainer's `env`
  Play how = Play::greedy;

  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    ResultTable table("stress");
    internal::EvaluationRows<E> rows(table);
    const auto row = [&](const std::string& name, auto& env, auto&& tasks_of_row) {
      rows.add(name, internal::play_episodes(trainer, episodes, how, env, tasks_of_row));
    };
    auto standard = internal::own_lanes(trainer, episodes);
    row("standard", standard, standard.default_tasks());
    run_stages(trainer, episodes, row);
    for (const auto& change : changes) {
      auto env = internal::own_lanes(trainer, episodes);
      row(change.first, env, [&](Random& random) {
        auto assignment = env.default_tasks()(random);
        change.second(assignment.task);
        return assignment;
      });
    }
    for (const auto& [name, task] : tasks) {
      auto env = internal::own_lanes(trainer, episodes);
      row(name, env, internal::always<E>(task));
    }
    for (const auto& [name, setting] : settings) {
      auto env = trainer.evaluation_lanes(episodes, setting, trainer.lanes().data());
      row(name, env, env.default_tasks());
    }
    if (table.rows().size() == 1) {
      throw Error("the environment has no stages, and nothing harder is given", "stress",
                  "changes, tasks or settings");
    }
    return table;
  }

 private:
  template <class T, class AddRow>
  static void run_stages(const T& trainer, int episodes, AddRow&& row) {
    if constexpr (HasStages<E>) {
      const int stages = E::stages(trainer.config().env, trainer.lanes().data());
      for (int stage = 0; stage < stages; ++stage) {
        auto env = internal::own_lanes(trainer, episodes);
        row("stage " + std::to_string(stage), env, [&](Random& random) {
          return Assignment<E>{.task = E::task(stage, env.config(), env.data(), random), .stage = stage};
        });
      }
    }
  }
};

}  // namespace polis
