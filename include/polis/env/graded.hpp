// Graded<E, count>: stages made of a difficulty. An environment that can make a task of any difficulty from 0
// to 1 has, by this, stages that a curriculum chooses among.
#pragma once

#include <concepts>

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/env/environment.hpp>

namespace polis {

/// `graded_task(difficulty, config, data, random)`: a task of a difficulty from 0, the easiest, to 1.
template <class E>
concept GradesItsTasks = requires(const ConfigOf<E>& config, const DatasetOf<E>& data, Random& random) {
  { E::graded_task(0.f, config, data, random) } -> std::same_as<TaskOf<E>>;
};

/// E with `count` stages. A task of stage s has a difficulty drawn uniformly from [s, s + 1) / count, so that
/// the stages together have all of them.
template <GradesItsTasks E, int count = 10>
struct Graded : E {
  static_assert(count > 0);
  static int stages(const auto& /*config*/, const auto& /*data*/) { return count; }
  POLIS_HD static TaskOf<E> task(int stage, const ConfigOf<E>& config, const DatasetOf<E>& data,
                                 Random& random) {
    const float difficulty = (static_cast<float>(stage) + random.uniform()) / static_cast<float>(count);
    return E::graded_task(difficulty, config, data, random);
  }
};

}  // namespace polis
