// Level-based foraging: players on a grid pick up food that is too heavy for one of them.
//
// S. Albrecht and S. Ramamoorthy, "A game-theoretic model and best-response learning method for ad hoc
// coordination in multiagent systems" (2013); rules and observations of the lb-foraging package 2.0 (tasks
// "Foraging-8x8-2p-2f-coop-v3" and the like; G. Papoudakis et al., "Benchmarking multi-agent deep
// reinforcement learning algorithms in cooperative tasks", 2021), which
// tests/envs/level_based_foraging.cpp follows step for step.
#pragma once

#include <concepts>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A task of level-based foraging: the sides of the square grid, how many players and foods there are, how
/// far a player sees along each axis, the highest level of a player, and whether every food takes all players
/// (the three weakest, if there are more) to load.
template <class Spec>
concept ForagingSpec =
    requires {
      { Spec::size } -> std::convertible_to<int>;
      { Spec::players } -> std::convertible_to<int>;
      { Spec::foods } -> std::convertible_to<int>;
      { Spec::sight } -> std::convertible_to<int>;
      { Spec::highest_level } -> std::convertible_to<int>;
      { Spec::cooperative } -> std::convertible_to<bool>;
    } &&
    (Spec::size >= 5 && Spec::players >= 1 && Spec::foods >= 1 && Spec::sight >= 1 &&
     Spec::highest_level >= 1 && Spec::players < Spec::size && 9 * Spec::foods <= Spec::size * Spec::size);

/// 8x8-2p-2f-coop: two players, two foods, each of which takes both. All is seen.
struct Foraging8x8 {
  static constexpr int size = 8, players = 2, foods = 2, sight = 8, highest_level = 2;
  static constexpr bool cooperative = true;
};

/// 8x8-2p-2f-2s-coop: the same, but a player sees two cells far.
struct Foraging8x8Near : Foraging8x8 {
  static constexpr int sight = 2;
};

/// The foraging task. Actions: 0 nothing, 1 north, 2 south, 3 west, 4 east, 5 load. A move off the grid or
/// into a food, and loading where there is none, is nothing; players that aim for the same cell all stay.
/// The players around a food (not diagonally) who load at the same time pick it up if their levels add up to
/// its own.
///
/// The reward is shared: the levels of the foods that were picked up, of all that there were; so the
/// episode's return is at most 1. (lb-foraging divides it among those who loaded; EPyMARL adds it up again.)
/// Terminates when no food is left, and is truncated after 50 steps.
template <ForagingSpec Spec = Foraging8x8>
struct LevelBasedForaging {
  static constexpr int agents = Spec::players, foods = Spec::foods, size = Spec::size;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  static OptimalValue optimal_value(const auto&) { return {1}; }  ///< every food in time
  /// Row, column and level of every food that is seen, row by row, then of the player itself, then of the
  /// others that are seen; -1, -1 and 0 in the place of each that is not. Rows and columns are counted from
  /// the first that the player sees.
  using Observation = Box<3 * (foods + agents)>;
  /// Row, column and level of every food, or -1, -1 and 0, then of every player; as the grid counts.
  using State = Box<3 * (foods + agents)>;
  using Action = Discrete<6>;
  static constexpr int load = 5;

  struct Config {
    int max_steps = 50;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  struct Cell {
    int row = 0, column = 0;
    friend bool operator==(const Cell&, const Cell&) = default;
  };
  /// A player, or a food; a food of level 0 is none.
  struct Item {
    Cell at;
    int level = 0;
  };

  Array<Item, agents> players{};
  Array<Item, foods> food{};  ///< row by row
  int spawned = 0, left = 0;  // the sum of the foods' levels, at the start and now
  int steps = 0;

  /// Players in different cells, of levels 1 to the highest; foods not at the edge, where no player and no
  /// other food is near (`room_for_food`), of level 1 to
  /// `heaviest_food`, or of just that in a cooperative task.
  POLIS_HD void reset(auto& ctx) {
    *this = {};
    for (int i = 0; i < agents; ++i) {
      do {
        players[i].at = {ctx.random.integer(size), ctx.random.integer(size)};
      } while (player_at(players[i].at, i));
      players[i].level = 1 + ctx.random.integer(Spec::highest_level);
    }
    const int heaviest = heaviest_food();
    // Where no food fits any more, after so many attempts there are fewer, as in lb-foraging.
    for (int placed = 0, attempts = 0; placed < foods && attempts < 1000; ++attempts) {
      const Cell cell{1 + ctx.random.integer(size - 2), 1 + ctx.random.integer(size - 2)};
      if (!room_for_food(cell)) continue;
      const int level = Spec::cooperative ? heaviest : 1 + ctx.random.integer(heaviest);
      int slot = placed++;
      for (; slot > 0 && before(cell, food[slot - 1].at); --slot) food[slot] = food[slot - 1];
      food[slot] = {cell, level};
      spawned += level;
    }
    left = spawned;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    Array<bool, agents> loading{};
    move_players(actions, loading);
    int loaded = 0;
    for (Item& item : food) {
      if (item.level > 0 && levels_loading(item, loading) >= item.level) {
        loaded += item.level;
        item = {};
      }
    }
    left -= loaded;
    ctx.reward_all(static_cast<float>(loaded) / static_cast<float>(spawned));
    if (left == 0) ctx.terminate();
    if (++steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    const Cell centre = players[agent].at;
    const Cell origin{first_seen(centre.row), first_seen(centre.column)};
    int slot = 0;
    for (const Item& item : food) {
      if (item.level > 0 && sees(centre, item.at)) write(out, slot++, item, origin);
    }
    while (slot < foods) write_absent(out, slot++);
    write(out, slot++, players[agent], origin);
    for (int other = 0; other < agents; ++other) {
      if (other != agent && notices(origin, players[other].at)) write(out, slot++, players[other], origin);
    }
    while (slot < foods + agents) write_absent(out, slot++);
  }

  POLIS_HD void state(Row out) const {
    int slot = 0;
    for (const Item& item : food) {
      item.level > 0 ? write(out, slot, item, {}) : write_absent(out, slot);
      ++slot;
    }
    for (const Item& player : players) write(out, slot++, player, {});
  }

  /// The share of all levels that was picked up: the episode's return.
  POLIS_HD float success() const {
    return spawned > 0 ? static_cast<float>(spawned - left) / static_cast<float>(spawned) : 0.f;
  }

  void metrics(auto&& visit) const {
    int count = 0;
    for (const Item& item : food) count += item.level > 0 ? 1 : 0;
    visit("foods_left", static_cast<double>(count));
  }

  /// The level of the heaviest food that there can be: what the three weakest players lift together.
  POLIS_HD int heaviest_food() const {
    Array<int, agents> levels{};
    for (int i = 0; i < agents; ++i) {  // sorted by insertion
      int at = i;
      for (; at > 0 && levels[at - 1] > players[i].level; --at) levels[at] = levels[at - 1];
      levels[at] = players[i].level;
    }
    int total = 0;
    for (int i = 0; i < agents && i < 3; ++i) total += levels[i];
    return total;
  }

 private:
  POLIS_HD static int distance(int a, int b) { return a < b ? b - a : a - b; }
  POLIS_HD static bool beside(Cell a, Cell b) {
    return distance(a.row, b.row) + distance(a.column, b.column) == 1;
  }

  POLIS_HD static bool before(Cell a, Cell b) {
    return a.row < b.row || (a.row == b.row && a.column < b.column);
  }

  /// Whether one of the first `count` players stands there.
  POLIS_HD bool player_at(Cell cell, int count = agents) const {
    for (int i = 0; i < count; ++i) {
      if (players[i].at == cell) return true;
    }
    return false;
  }
  POLIS_HD bool food_at(Cell cell) const {
    for (const Item& item : food) {
      if (item.level > 0 && item.at == cell) return true;
    }
    return false;
  }

  /// No player there; no food there, around it, or two cells away straight on: so that no player ever stands
  /// beside two foods.
  POLIS_HD bool room_for_food(Cell cell) const {
    for (const Item& item : food) {
      if (item.level == 0) continue;
      const int rows = distance(item.at.row, cell.row), columns = distance(item.at.column, cell.column);
      if ((rows <= 1 && columns <= 1) || (rows == 0 && columns <= 2) || (columns == 0 && rows <= 2)) {
        return false;
      }
    }
    return !player_at(cell);
  }

  POLIS_HD static Cell neighbour(Cell at, int move) {
    if (move == 1) return {at.row - 1, at.column};
    if (move == 2) return {at.row + 1, at.column};
    if (move == 3) return {at.row, at.column - 1};
    return {at.row, at.column + 1};
  }

  POLIS_HD void move_players(const auto& actions, Array<bool, agents>& loading) {
    Array<Cell, agents> aims{};
    for (int i = 0; i < agents; ++i) {
      const int action = actions[i];
      aims[i] = players[i].at;
      if (action == load) loading[i] = true;
      if (action == 0 || action == load) continue;
      const Cell aim = neighbour(players[i].at, action);
      const bool on_grid = aim.row >= 0 && aim.row < size && aim.column >= 0 && aim.column < size;
      if (on_grid && !food_at(aim)) aims[i] = aim;
    }
    for (int i = 0; i < agents; ++i) {
      bool alone = true;
      for (int j = 0; j < agents; ++j) alone = alone && (j == i || !(aims[j] == aims[i]));
      if (alone) players[i].at = aims[i];
    }
  }

  POLIS_HD int levels_loading(const Item& item, const Array<bool, agents>& loading) const {
    int total = 0;
    for (int i = 0; i < agents; ++i) {
      if (loading[i] && beside(players[i].at, item.at)) total += players[i].level;
    }
    return total;
  }

  POLIS_HD static int first_seen(int centre) { return centre > Spec::sight ? centre - Spec::sight : 0; }
  POLIS_HD static bool sees(Cell from, Cell cell) {
    return distance(from.row, cell.row) <= Spec::sight && distance(from.column, cell.column) <= Spec::sight;
  }
  /// Players are seen by another rule than food, in lb-foraging too: as far as a full window would reach from
  /// the first cell that is seen, which at the upper and the left edge is farther than the sight.
  POLIS_HD static bool notices(Cell origin, Cell cell) {
    const int row = cell.row - origin.row, column = cell.column - origin.column;
    return row >= 0 && row <= 2 * Spec::sight && column >= 0 && column <= 2 * Spec::sight;
  }

  POLIS_HD static void write(Row out, int slot, const Item& item, Cell origin) {
    out[3 * slot] = static_cast<float>(item.at.row - origin.row);
    out[3 * slot + 1] = static_cast<float>(item.at.column - origin.column);
    out[3 * slot + 2] = static_cast<float>(item.level);
  }
  POLIS_HD static void write_absent(Row out, int slot) {
    out[3 * slot] = out[3 * slot + 1] = -1;
    out[3 * slot + 2] = 0;
  }
};

}  // namespace polis
