// The bar problem: who goes out on which night, when a night is best with few people.
//
// From D. Wolpert and K. Tumer 2002, "Optimal payoff functions for members of collectives", after W. B.
// Arthur 1994. Each agent chooses a night of the week. A night with x of them is worth x exp(-x / capacity)
// to all, exp(-x / capacity) to each: most at x = capacity. Agents that look to their own reward even out the
// nights, and where there are more than `nights * capacity` of them all nights are spoilt; the best is that
// most of them crowd on one night.
//
//     100 agents, 7 nights, capacity 6     6 on each of six nights, 64 on the seventh   13.2452
//                                          14 or 15 on every night (equilibrium)         9.2506
//                                          at random                                     9.4230
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The bar problem, of one week: an episode is one step. Nothing is seen: the observation is always 0. The
/// reward is each agent's own; the sum over all agents is the welfare of the week.
template <int Agents = 100, int Nights = 7, int Capacity = 6>
struct Congestion {
  static_assert(Agents > 1 && Nights > 1 && Capacity > 0);
  static constexpr int agents = Agents, nights = Nights, capacity = Capacity;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  using Observation = Discrete<1>;
  using State = Box<Nights>;  ///< the share of all agents on each night; zeros before the step
  using Action = Discrete<Nights>;

  Array<int, Agents> choice{};      ///< the night of each, once all have chosen
  Array<int, Nights> attendance{};  ///< how many are there

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    attendance = {};
    for (int i = 0; i < Agents; ++i) {
      choice[i] = actions[i];
      ++attendance[choice[i]];
    }
    for (int i = 0; i < Agents; ++i) ctx.reward(i) = enjoyment(attendance[choice[i]]);
    ctx.terminate();
  }

  POLIS_HD void observe(int, Row out) const { out[0] = 0; }
  POLIS_HD void state(Row out) const {
    for (int night = 0; night < Nights; ++night) {
      out[night] = static_cast<float>(attendance[night]) / static_cast<float>(Agents);
    }
  }

  /// What the week would have been worth to the others had the agent stayed at home.
  POLIS_HD float counterfactual(int agent) const {
    float total = 0;
    for (int night = 0; night < Nights; ++night) {
      total += worth(attendance[night] - (choice[agent] == night ? 1 : 0));
    }
    return total;
  }

  /// `welfare`: what the week was worth to all.
  void metrics(auto&& visit) const { visit("welfare", static_cast<double>(welfare())); }
  POLIS_HD float welfare() const {
    float total = 0;
    for (int night = 0; night < Nights; ++night) total += worth(attendance[night]);
    return total;
  }

  /// What each of `people` has of a night, and what all of them have.
  POLIS_HD static float enjoyment(int people) {
    return math::exp(-static_cast<float>(people) / static_cast<float>(Capacity));
  }
  POLIS_HD static float worth(int people) { return static_cast<float>(people) * enjoyment(people); }

  /// `even`: as many on every night as can be, from which nobody gains by leaving; `crowded`: an arrangement
  /// that is best for all.
  static void references(const auto&, auto&& visit) {
    visit("even", [](const auto&, const auto&, Random&) {
      Actions<Congestion> actions{};
      for (int i = 0; i < Agents; ++i) actions[i] = i % Nights;
      return actions;
    });
    visit("crowded", [](const auto&, const auto&, Random&) {
      const Best best = best_arrangement();
      Actions<Congestion> actions{};
      int night = 0, there = 0;
      for (int i = 0; i < Agents; ++i) {
        while (there == best.attendance[night]) ++night, there = 0;
        actions[i] = night, ++there;
      }
      return actions;
    });
  }

  /// The welfare of the best arrangement as a mean over agents, which is what an episode returns.
  static OptimalValue optimal_value(const auto&) { return {best_arrangement().welfare / Agents}; }

  /// How many go on each night in the best of all arrangements.
  struct Best {
    Array<int, Nights> attendance{};
    double welfare = 0;
  };
  /// By enumeration, a night at a time: the best that the first nights can do for any number of people.
  static Best best_arrangement() {
    Array<Best, Agents + 1> best{};
    for (int people = 0; people <= Agents; ++people) {
      best[people].attendance[0] = people;
      best[people].welfare = static_cast<double>(worth(people));
    }
    for (int night = 1; night < Nights; ++night) {
      for (int people = Agents; people >= 0; --people) {  // those with fewer still have a night less
        Best found = best[people];
        for (int here = 1; here <= people; ++here) {
          const double welfare = best[people - here].welfare + static_cast<double>(worth(here));
          if (welfare <= found.welfare) continue;
          found = best[people - here];
          found.attendance[night] = here;
          found.welfare = welfare;
        }
        best[people] = found;
      }
    }
    return best[Agents];
  }
};

}  // namespace polis
