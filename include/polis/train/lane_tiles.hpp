// How a trainer's lanes are divided into tiles, which advance together on one thread, and in which order the
// episodes that end in them count.
//
// A group is as many lanes as fill a tile of rows; it is one tile, or several where there are more threads
// than groups. Episodes count group by group, within a group step by step, and within a step lane by lane:
// nothing depends on how many tiles a group has. A tile has at least eight rows: a step of four takes as long
// as one of two, and threads that write neighbouring rows wait for each other's cache lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/algorithm/learner.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/env/multi_agent_env.hpp>

namespace polis::internal {

/// The tiles of so many lanes.
template <class E>
class LaneTiles {
 public:
  struct alignas(cache_line) Tile {
    int first = 0, lanes = 0;
    FixedArray<Actions<E>> actions;     // [lane of the tile]
    FixedArray<EndedEpisode> episodes;  // the first `ended` ended in this collection
    std::size_t ended = 0, counted = 0;
  };

  LaneTiles() = default;
  /// Groups of `group` lanes, each in as many tiles as it takes to give every thread one, if it has the rows.
  [[gnu::cold]] LaneTiles(int lanes, int group, int threads) {
    const int groups = (lanes + group - 1) / group;
    const int most = std::max(1, group * agent_count<E> / least_rows);
    const int wanted = std::min((threads + groups - 1) / groups, most);
    lanes_ = (group + wanted - 1) / wanted;
    parts_ = (group + lanes_ - 1) / lanes_;
    tiles_ = FixedArray<Tile>(static_cast<std::size_t>(groups * parts_), [&](std::size_t i) {
      const int at = static_cast<int>(i), from = at / parts_ * group;
      Tile tile;
      tile.first = std::min(from + at % parts_ * lanes_, lanes);
      tile.lanes = std::min({lanes_, from + group - tile.first, lanes - tile.first});
      tile.actions = FixedArray<Actions<E>>(static_cast<std::size_t>(tile.lanes));
      return tile;
    });
  }

  [[nodiscard]] int count() const { return static_cast<int>(tiles_.size()); }
  /// Lanes of the largest tile.
  [[nodiscard]] int lanes() const { return lanes_; }
  [[nodiscard]] Tile& operator[](int i) { return tiles_[static_cast<std::size_t>(i)]; }

  /// Calls f(episode) for all that ended, in the order in which they count, and forgets them.
  template <class F>
  void take_episodes(F&& f) {
    for (int group = 0; group < count(); group += parts_) {
      while (Tile* const tile = earliest(group)) f(tile->episodes[tile->counted++]);
      for (int i = 0; i < parts_; ++i) (*this)[group + i].ended = (*this)[group + i].counted = 0;
    }
  }

 private:
  static constexpr int least_rows = 8;

  /// The tile of a group whose next episode comes first; null if none has any left.
  Tile* earliest(int group) {
    Tile* first = nullptr;
    for (int i = 0; i < parts_; ++i) {
      Tile& tile = (*this)[group + i];
      if (tile.counted == tile.ended) continue;
      if (!first || tile.episodes[tile.counted].step < first->episodes[first->counted].step) first = &tile;
    }
    return first;
  }

  FixedArray<Tile> tiles_;
  int lanes_ = 1, parts_ = 1;
};

/// Takes a tile's lanes through so many steps from this step of the batch on: the learner acts, the lanes
/// advance, the learner is told, and lanes whose episode is over begin the next one.
template <class E, class Learner, class Tasks>
[[gnu::noinline]] void collect(MultiAgentEnv<E>& lanes, Learner& learner, typename LaneTiles<E>::Tile& own,
                               int worker, std::uint64_t begun, int steps, const Tasks& tasks) {
  if (own.lanes == 0) return;
  LaneTile<E> tile{&lanes, own.first, own.lanes, 0, worker, own.actions.data()};
  const auto most = static_cast<std::size_t>(own.lanes * steps);  // an episode a step and lane
  if (own.episodes.size() < most) own.episodes = FixedArray<EndedEpisode>(most);
  for (int t = 0; t < steps; ++t) {
    tile.step = begun + static_cast<std::uint64_t>(t);
    std::fill(own.actions.begin(), own.actions.end(), Actions<E>{});  // of those who do not decide
    learner.act(tile);
    for (int i = 0; i < tile.lanes; ++i)
      lanes.advance(tile.first + i, own.actions[static_cast<std::size_t>(i)]);
    learner.record(tile);
    for (int i = 0; i < tile.lanes; ++i) {
      const int lane = tile.first + i;
      if (!lanes.over(lane)) continue;
      EndedEpisode& ended = own.episodes[own.ended++];
      static_cast<Episode&>(ended) = lanes.episode(lane);
      ended.step = static_cast<std::uint32_t>(t), ended.lane = lanes.global_lane(lane);
      lanes.renew(lane, tasks);
    }
  }
}

}  // namespace polis::internal
