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

}  // namespace polis::internal
