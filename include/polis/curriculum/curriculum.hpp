// What every curriculum shares: the episode it learns from, the thresholds an environment brings, and what a
// curriculum must offer.
//
// A curriculum decides which of an environment's stages (0 the easiest) an episode that starts now gets, and
// may ask for a level: a number that task and reset draw their random numbers by, so that episodes of one
// level begin alike. It knows nothing of the environment but the number of its stages: what a stage means is
// the environment's matter.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/core/random.hpp>
#include <polis/core/text.hpp>
#include <polis/core/word.hpp>
#include <polis/env/lane.hpp>

namespace polis {

/// What an episode that starts now is to be of.
struct CurriculumDraw {
  int stage = 0;
  bool replayed = false;    ///< of an easier stage, or of a level played before
  std::uint32_t level = 0;  ///< 0: none, the episode begins as its lane's random stream says
};

/// How stages are drawn: `stage` or, with probability `replay`, an easier one, each alike (a replay, then).
/// Plain numbers, so that kernels draw by them too.
struct StageSampler {
  int stage = 0;
  float replay = 0;

  POLIS_HD CurriculumDraw operator()(Random& random) const {
    if (stage == 0 || replay <= 0 || random.uniform() >= replay) return {.stage = stage};
    return {.stage = random.integer(stage), .replayed = true};
  }
};

/// A curriculum whose draws a device can make: `sampler()` gives them as plain numbers with a function.
template <class State>
concept HasSampler = requires(const State& state, Random& random) {
  { state.sampler()(random) } -> std::same_as<CurriculumDraw>;
  requires std::is_trivially_copyable_v<decltype(state.sampler())>;
};

/// What an episode that a curriculum has drawn is about. `seed` is that of the lanes.
template <class E>
POLIS_HD Assignment<E> assignment(const CurriculumDraw& draw, std::uint64_t seed, const ConfigOf<E>& config,
                                  const DatasetOf<E>& data, Random& random) {
  Assignment<E> result;
  result.stage = draw.stage, result.replayed = draw.replayed, result.level = draw.level;
  if constexpr (HasStages<E>) {
    Random of_level = level_stream(seed, draw.level, Purpose::curriculum);
    result.task = E::task(draw.stage, config, data, draw.level ? of_level : random);
  } else {
    (void)seed, (void)config, (void)data, (void)random;
  }
  return result;
}

/// An episode that has ended.
struct CurriculumEpisode {
  float return_ = 0;
  int length = 0;         ///< steps
  float success = 0;      ///< the environment's statement, 0 to 1; NaN where it makes none
  int stage = 0;          ///< what `sample` gave when the episode began
  bool replayed = false;  ///< as `sample` said
  std::uint32_t level = 0;
};

/// Success rates at which an environment moves between its stages, where the user's settings leave them open:
/// trading, where half of all luck succeeds, advances at .65 and regresses at .45.
struct CurriculumThresholds {
  float advance_at = .8f;
  float regress_at = .3f;
};

namespace internal {

struct IgnoreMetric {
  void operator()(const char*, double) const {}
};

}  // namespace internal

/// A word that can be a curriculum: settings, and a state made of them, the number of stages and the
/// environment's thresholds. `sample` is const and may be called from many threads, each with its own random
/// stream, while a collection runs; `episode` is called between collections, in an order that does not depend
/// on threads, and `settle`, where there is one, after all of a collection's.
template <class C>
concept CurriculumWord =
    HasFields<typename C::Config> && std::same_as<typename C::word, word::Curriculum> &&
    std::constructible_from<typename C::State, const typename C::Config&, int, CurriculumThresholds> &&
    requires(typename C::State& state, const typename C::State& constant, Random& random,
             const CurriculumEpisode& episode, ArchiveWriter& writer, ArchiveReader& reader) {
      { constant.stage() } -> std::same_as<int>;
      { constant.stages() } -> std::same_as<int>;
      { constant.sample(random) } -> std::same_as<CurriculumDraw>;
      { constant.progress() } -> std::same_as<double>;
      constant.metrics(internal::IgnoreMetric{});
      state.episode(episode);
      state.archive(writer);
      state.archive(reader);
    };

namespace internal {

/// Refuses a setting of a curriculum that makes no sense.
inline void require_setting(bool holds, const char* key, const std::string& found, const char* expected) {
  if (!holds) throw Error(concat({"found ", found}), concat({"curriculum.", key}), expected);
}

/// The episode's success, or an Error where the environment states none that a curriculum could go by.
inline float required_success(const CurriculumEpisode& episode, const char* curriculum) {
  if (episode.success >= 0 && episode.success <= 1) return episode.success;
  const std::string found = std::isnan(episode.success)
                                ? "the environment does not state whether an episode succeeded"
                                : "the environment stated a success of " + std::to_string(episode.success);
  throw Error(found, concat({"curriculum ", curriculum}),
              "a success from 0 to 1 at the end of every episode");
}

/// Checks that a stage read from an archive exists.
inline void check_stage(int stage, int stages) {
  if (stage >= 0 && stage < stages) return;
  throw Error(concat({"the curriculum had reached stage ", stage}), "archive",
              concat({"a stage below ", stages, ", as this environment has"}));
}

}  // namespace internal
}  // namespace polis
