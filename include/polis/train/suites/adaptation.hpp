// The adaptation suite: how long a trained policy takes to recover when its world changes and training goes
// on.
//
//     trainer.evaluate(Adaptation<CartPole>{.env = heavier_pole, .steps = 200'000}, 100).print();
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// A copy of the trainer (which stays as it is) goes on training where its environment's settings, its data
/// or its task are others. Rows: before the change; at it, without learning; then evaluations as it learns.
/// It has recovered at the first evaluation whose return is at least `recovery` times the one before the
/// change (as much above it where that is negative: before - (1 - recovery) |before|). Learning rates are
/// those of the start of their schedule. Error: nothing changes.
template <Environment E>
struct Adaptation {
  std::optional<ConfigOf<E>> env = std::nullopt;
  std::optional<DatasetOf<E>> data = std::nullopt;  ///< must outlive the evaluation
  std::optional<TaskOf<E>> task = std::nullopt;     ///< of all episodes after the change
  double recovery = .9;
  std::uint64_t steps = 100'000;  ///< environment steps of training at most; it stops where it has recovered
  std::uint64_t every = 0;        ///< between two evaluations; 0: one an update

  /// The figure by name: table.at("recovered", "steps"), NaN where it did not recover.
  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    if (!env && !data && !task) throw Error("nothing changes", "adaptation", "an env, data or task");
    ResultTable table("adaptation");
    internal::EvaluationRows<E> rows(table);
    const auto add = [&](const std::string& row, const EvaluationResult& result, double at_step) {
      rows.add(row, result);
      table.set(row, "steps", at_step);
    };
    const EvaluationResult before = trainer.evaluate(episodes);
    add("before the change", before, std::numeric_limits<double>::quiet_NaN());
    const double enough = before.mean - (1 - recovery) * std::abs(before.mean);

    auto config = trainer.config();
    if (env) config.env = *env;
    T changed(config, data ? *data : trainer.lanes().data());
    from_bytes(to_bytes(trainer), changed);
    changed.restart(task);
    const std::uint64_t start = changed.clock().steps;
    EvaluationResult now = evaluate(changed, episodes);
    add("at the change", now, 0);
    for (std::uint64_t done = 0; now.mean < enough && done < steps;) {
      const std::uint64_t until = done + every;
      do {
        changed.iterate();
        done = changed.clock().steps - start;
      } while (done < until && done < steps);
      now = evaluate(changed, episodes);
      add("after " + std::to_string(done) + " steps", now, static_cast<double>(done));
    }
    const bool recovered = now.mean >= enough;
    const double took = static_cast<double>(changed.clock().steps - start);
    table.set("recovered", "steps", recovered ? took : std::numeric_limits<double>::quiet_NaN());
    table.note("Recovery is a return of " + internal::short_number(enough) +
               (recovered ? ", reached." : ", not reached."));
    return table;
  }

 private:
  template <class T>
  EvaluationResult evaluate(const T& changed, int episodes) const {
    auto lanes = internal::own_lanes(changed, episodes);
    if (task) {
      return internal::play_episodes(changed, episodes, Play::greedy, lanes, internal::always<E>(*task));
    }
    return internal::play_episodes(changed, episodes, Play::greedy, lanes, lanes.default_tasks());
  }
};

}  // namespace polis
