// Environments alone on a device: lanes that play at random, with automatic reset. One thread takes a lane
// through many steps; what it is at lives in the thread's own memory meanwhile.
#pragma once

#include <cstdint>
#include <utility>

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/curriculum/curriculum.hpp>
#include <polis/env/lane.hpp>
#include <polis/space/space.hpp>

namespace polis::internal {

template <class... S>
POLIS_HD void random_parts(Random& random, const float* mask, float* words, Tuple<S...>);

/// An action that random numbers stand for: legal indices alike (`mask` holds a flag for each), numbers of a
/// Box uniform on [-1, 1], a Simplex in equal shares.
template <Space S>
POLIS_HD void random_words(Random& random, const float* mask, float* words) {
  if constexpr (S::kind == SpaceKind::discrete) {
    int legal = 0, chosen = 0;
    for (int i = 0; i < S::size; ++i) legal += mask[i] != 0.f;
    int left = random.integer(legal > 0 ? legal : 1);
    for (int i = 0; i < S::size; ++i) {
      if (mask[i] != 0.f && left-- == 0) chosen = i;
    }
    words[0] = static_cast<float>(chosen);
  } else if constexpr (S::kind == SpaceKind::multi_discrete) {
    constexpr auto sizes = S::sizes;
    int first = 0;
    for (int k = 0; k < S::words; ++k) {
      int legal = 0, chosen = 0;
      for (int i = 0; i < sizes[k]; ++i) legal += mask[first + i] != 0.f;
      int left = random.integer(legal > 0 ? legal : 1);
      for (int i = 0; i < sizes[k]; ++i) {
        if (mask[first + i] != 0.f && left-- == 0) chosen = i;
      }
      words[k] = static_cast<float>(chosen);
      first += sizes[k];
    }
  } else if constexpr (S::kind == SpaceKind::simplex) {
    for (int i = 0; i < S::words; ++i) words[i] = 1.f / static_cast<float>(S::words);
  } else if constexpr (S::kind == SpaceKind::tuple) {
    random_parts(random, mask, words, S{});
  } else {
    for (int i = 0; i < S::words; ++i) words[i] = random.uniform(-1.f, 1.f);
  }
}
template <class... S>
POLIS_HD void random_parts(Random& random, const float* mask, float* words, Tuple<S...>) {
  ((random_words<S>(random, mask, words), mask += S::features, words += S::words), ...);
}

/// Random actions of all agents of the roles from R on that decide in this lane.
template <int R, class E>
POLIS_HD void random_actions(const Lane<E>& lane, const LaneStreams& streams, Actions<E>& actions) {
  using Role = RoleOf<E, R>;
  using Action = typename Role::Action;
  for (int i = 0; i < Role::count; ++i) {
    const int agent = first_agent<E, R> + i;
    if (!lane.lives(agent) || !acting<R>(lane.env, i)) continue;
    Random random(streams.seed, lane.step, streams.lane, static_cast<std::uint32_t>(agent), Purpose::action);
    float mask[Action::features], words[Action::words];
    for (float& flag : mask) flag = 1;
    if constexpr (HasLegalActions<E>) legal<R>(lane.env, i, Row{mask});
    random_words<Action>(random, mask, words);
    actions.of(typename Role::Tag{})[i] = decode<Action>(In<float>{words});
  }
  if constexpr (R + 1 < role_count<E>) random_actions<R + 1>(lane, streams, actions);
}

/// Plays so many steps in every lane; lanes that were never begun begin. `episodes` counts those that ended,
/// `lanes` of them apart.
template <class E>
struct PlayKernel {
  static constexpr int threads = 128, shared = 0;
  Lane<E>* lanes;
  int* episodes;  // [lane]
  int lane_count, steps;
  LaneStreams streams;  // of the first lane
  polis::ConfigOf<E> config;
  polis::DatasetOf<E> data;
  StageSampler tasks;

  template <class Block>
  POLIS_HD void operator()(Block& block, float*) const {
    block.each_of_grid(lane_count, [&](int i) {
      const LaneStreams own{streams.seed, streams.lane + static_cast<std::uint32_t>(i), 1};
      const auto draw = [this](Random& random) {
        return assignment<E>(tasks(random), streams.seed, config, data, random);
      };
      Lane<E> lane = lanes[i];
      int ended = 0;
      if (lane.episodes == 0) lane.begin(draw, own, config, data);
      for (int step = 0; step < steps; ++step) {
        Actions<E> actions{};
        random_actions<0>(lane, own, actions);
        lane.advance(actions, own, config, data);
        if (!lane.over()) continue;
        ++ended;
        lane.begin(draw, own, config, data);
      }
      lanes[i] = lane;
      episodes[i] += ended;
    });
  }
};

}  // namespace polis::internal
