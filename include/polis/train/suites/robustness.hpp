// The robustness suite: a trained policy that sees through noise, acts late, or plays among agents that do
// not follow it.
//
//     trainer.evaluate(Robustness{.noise = {.1f, .3f}, .delays = {1}, .dropped = {1}}, 200).print();
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/core/error.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/disturbance.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

/// One row a disturbance, each by itself and in the lanes of the first, undisturbed row. Error: noise where
/// agents see only indices; a negative delay; more agents dropped than there are.
struct Robustness {
  std::vector<float> noise{};  ///< standard deviations, in units of the observation; see ObservationNoise
  std::vector<int> delays{};   ///< of actions, in the agent's own decisions; see DelayedActions
  std::vector<int> dropped{};  ///< numbers of agents that do not follow the policy; see DroppedAgents
  Replacement replacement = Replacement::random;  ///< what those do
  Play how = Play::greedy;

  template <class T>
  [[nodiscard]] ResultTable run(const T& trainer, int episodes) const {
    using E = typename T::Environment;
    const std::uint64_t seed = trainer.config().seed;
    ResultTable table("robustness");
    internal::EvaluationRows<E> rows(table);
    const auto row = [&](const std::string& name, std::optional<float> deviation, auto&& disturb) {
      auto env = internal::own_lanes(trainer, episodes);
      const ObservationNoise<E> distortion(deviation.value_or(0), seed);
      if (deviation) distortion.attach(env);
      const auto result = run_episodes(env, episodes, disturb(trainer.player(env.lanes(), how), env.lanes()));
      rows.add(name, result);
    };
    const auto undisturbed = [](auto play, int) { return play; };
    row("undisturbed", {}, undisturbed);
    for (const float deviation : noise) {
      if (!ObservationNoise<E>::any) {
        throw Error("agents see only indices", "robustness.noise", "an environment whose agents see numbers");
      }
      row("noise " + internal::short_number(static_cast<double>(deviation)), deviation, undisturbed);
    }
    for (const int delay : delays) {
      row("delay " + std::to_string(delay), {}, [&](auto play, int lanes) {
        return DelayedActions<E, decltype(play)>(std::move(play), delay, lanes, seed);
      });
    }
    for (const int count : dropped) {
      row("dropped " + std::to_string(count), {}, [&](auto play, int lanes) {
        return DroppedAgents<E, decltype(play)>(std::move(play), count, replacement, lanes, seed);
      });
    }
    return table;
  }
};

}  // namespace polis
