// The generalization suite: a trained policy on seeds, tasks and data that training did not see.
//
//     trainer.evaluate(Generalization<Trading>{.periods = {{"held-out days", history.held_out()}}},
//     200).print();
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// Data that training did not see: another period, another market.
template <Environment E>
struct Period {
  std::string name;
  DatasetOf<E> data{};
  std::optional<TaskOf<E>> task =
      std::nullopt;  ///< of all episodes; otherwise the last stage's, on this data
};

/// On what it has not seen, against what it has. The first row plays the last stage with the random numbers
/// of the training lanes' own first episodes; then come other seeds, and the caller's tasks and periods.
template <Environment E>
struct Generalization {
  using Task = TaskOf<E>;
  std::vector<std::uint64_t> seeds = {1'000'001, 1'000'002, 1'000'003};
  std::vector<std::pair<std::string, Task>> tasks{};
  std::vector<Period<E>> periods{};
  Play how = Play::greedy;

  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    ResultTable table("generalization");
    internal::EvaluationRows<E> rows(table);
    const auto row = [&](const std::string& name, auto& env, auto&& tasks_of_row) {
      rows.add(name, internal::play_episodes(trainer, episodes, how, env, tasks_of_row));
    };
    const auto& config = trainer.config();
    typename T::Batch seen(std::clamp(episodes, 1, config.lanes), config.seed, config.env,
                           trainer.lanes().data());
    row("training seed", seen, seen.default_tasks());
    for (const std::uint64_t seed : seeds) {
      typename T::Batch env(std::clamp(episodes, 1, tile_rows), seed, config.env, trainer.lanes().data());
      row("seed " + std::to_string(seed), env, env.default_tasks());
    }
    for (const auto& [name, task] : tasks) {
      auto env = internal::own_lanes(trainer, episodes);
      row(name, env, internal::always<E>(task));
    }
    for (const Period<E>& period : periods) {
      auto env = trainer.evaluation_lanes(episodes, config.env, period.data);
      if (period.task) {
        row(period.name, env, internal::always<E>(*period.task));
      } else {
        row(period.name, env, env.default_tasks());
      }
    }
    return table;
  }
};

}  // namespace polis
