// Frozen lake: across the ice to the goal, around the holes; Gymnasium's FrozenLake-v1, 4x4 and slippery.
//
//     S . . .      a step goes where it was meant to go, or to one of the two sides of that, each with
//     . H . H      probability 1/3; off the lake it stays. The goal pays 1, a hole nothing, and both
//     . . . H      end the episode.
//     H . . G
//
// What the best policy earns from the start is known: 14/17 without a limit of time and discount,
// .542026 with discount .99, and .744190 undiscounted within Gymnasium's limit of 100 steps; games/exact.hpp
// computes these, and the value of any policy.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/time_limit.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The 4x4 lake without a limit of time. Actions: 0 left, 1 down, 2 right, 3 up.
struct FrozenLake {
  static constexpr int agents = 1, side = 4, cells = side * side, start = 0, goal = cells - 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Discrete<cells>;  ///< the cell, row by row
  using Action = Discrete<4>;

  int cell = start;

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    cell = move(cell, slipped(actions[0], ctx.random.integer(3)));
    if (cell == goal) ctx.reward(0) = 1;
    if (ends(cell)) ctx.terminate();
  }

  POLIS_HD void observe(int, Row out) const { out[0] = static_cast<float>(cell); }

  /// Goes as the best policy does where there is no limit of time and no discount: rather back than to a
  /// hole.
  struct Careful {
    POLIS_HD Actions<FrozenLake> operator()(const FrozenLake& env, const View<FrozenLake>&, Random&) const {
      constexpr int directions[cells] = {0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0};
      Actions<FrozenLake> actions{};
      actions[0] = directions[env.cell];
      return actions;
    }
  };
  static void references(const auto&, auto&& visit) { visit("careful", Careful{}); }
  static OptimalValue optimal_value(const auto&) { return {14. / 17}; }

  /// Whether the goal was reached.
  POLIS_HD float success() const { return cell == goal ? 1.f : 0.f; }

  /// Where an action goes in the `slip`-th of three equally likely cases: to its one side, as meant, to its
  /// other side.
  POLIS_HD static constexpr int slipped(int action, int slip) { return (action + slip + 3) % 4; }

  /// The cell after one move in a direction.
  POLIS_HD static constexpr int move(int from, int direction) {
    const int row = from / side, column = from % side;
    if (direction == 0) return column > 0 ? from - 1 : from;
    if (direction == 1) return row < side - 1 ? from + side : from;
    if (direction == 2) return column < side - 1 ? from + 1 : from;
    return row > 0 ? from - side : from;
  }

  POLIS_HD static constexpr bool hole(int at) { return at == 5 || at == 7 || at == 11 || at == 12; }
  /// A hole or the goal.
  POLIS_HD static constexpr bool ends(int at) { return hole(at) || at == goal; }
};

/// FrozenLake-v1: truncated after 100 steps. What is left of them is not seen.
using FrozenLake100 = TimeLimit<FrozenLake, 100>;

}  // namespace polis
