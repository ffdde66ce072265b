// What two agents can get of several issues that each of them values differently, and how good an agreement
// is.
//
// Utilities are additive: agent i gets the sum over issues of its weight times its share. An agreement is
// efficient (Pareto) if neither can have more without the other having less. Then every issue but one goes as
// a whole to one of them, in the order of the ratios of their weights; so the frontier is a line of at most
// as many straight parts as there are issues. Without an agreement both get nothing.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

/// The efficient agreements over `Issues` issues, whose shares may be any.
template <int Issues>
class UtilityFrontier {
 public:
  using Point = Array<double, 2>;  ///< the utilities of both agents

  /// `weights[i][k]`: what all of issue k is worth to agent i. Not negative.
  POLIS_HD explicit UtilityFrontier(const Array<Array<float, Issues>, 2>& weights) {
    for (int k = 0; k < Issues; ++k) order_[k] = k;
    // Agent 0 takes first what it values most in relation to agent 1. Insertion keeps ties in their order.
    for (int k = 1; k < Issues; ++k) {
      for (int j = k; j > 0; --j) {
        const int a = order_[j - 1], b = order_[j];
        if (weights[0][a] * weights[1][b] >= weights[0][b] * weights[1][a]) break;
        order_[j - 1] = b, order_[j] = a;
      }
    }
    for (int k = 0; k < Issues; ++k) corners_[0][1] += static_cast<double>(weights[1][k]);
    for (int k = 0; k < Issues; ++k) {
      corners_[k + 1][0] = corners_[k][0] + static_cast<double>(weights[0][order_[k]]);
      corners_[k + 1][1] = corners_[k][1] - static_cast<double>(weights[1][order_[k]]);
    }
    corners_[Issues][1] = 0;
  }

  /// The most that the agent can get, where the other gets nothing.
  POLIS_HD double ideal(int agent) const { return agent == 0 ? corners_[Issues][0] : corners_[0][1]; }

  /// The most that the other agent can get where `agent` gets `utility`.
  POLIS_HD double others_best(int agent, double utility) const {
    for (int k = 0; k < Issues; ++k) {
      const Point& a = corners_[agent == 0 ? k : Issues - k];
      const Point& b = corners_[agent == 0 ? k + 1 : Issues - 1 - k];
      if (utility > b[agent] && k + 1 < Issues) continue;
      const double along = b[agent] > a[agent] ? (utility - a[agent]) / (b[agent] - a[agent]) : 1.;
      return a[1 - agent] + math::clamp(along, 0., 1.) * (b[1 - agent] - a[1 - agent]);
    }
    return 0;
  }

  /// Agent 0's shares of the issues in the efficient agreement in which `agent` gets `utility`.
  POLIS_HD Array<double, Issues> agreement(int agent, double utility) const {
    Array<double, Issues> shares{};
    for (int k = 0; k < Issues; ++k) {
      const double a = corners_[k][agent], b = corners_[k + 1][agent];
      shares[order_[k]] = a == b ? 0. : math::clamp((utility - a) / (b - a), 0., 1.);
    }
    return shares;
  }

  /// Nash's solution: the agreement with the largest product of utilities (J. Nash, "The bargaining problem",
  /// 1950).
  POLIS_HD Point nash() const {
    Point best = corners_[0];
    for (int k = 0; k < Issues; ++k) {
      const Point a = corners_[k], d{{corners_[k + 1][0] - a[0], corners_[k + 1][1] - a[1]}};
      if (d[0] == 0 || d[1] == 0) continue;
      // (a0 + t d0)(a1 + t d1) is a parabola in t that opens downward.
      const double t = math::clamp(-(a[0] * d[1] + a[1] * d[0]) / (2 * d[0] * d[1]), 0., 1.);
      const Point at{{a[0] + t * d[0], a[1] + t * d[1]}};
      if (at[0] * at[1] > best[0] * best[1]) best = at;
    }
    for (const Point& corner : corners_) {
      if (corner[0] * corner[1] > best[0] * best[1]) best = corner;
    }
    return best;
  }

  /// The solution of E. Kalai and M. Smorodinsky ("Other solutions to Nash's bargaining problem", 1975): the
  /// efficient agreement that gives both the same part of their ideal.
  POLIS_HD Point kalai_smorodinsky() const {
    double low = 0, high = 1;  // the part; the others' best falls as it grows
    for (int i = 0; i < 60; ++i) {
      const double part = (low + high) / 2;
      (others_best(0, part * ideal(0)) >= part * ideal(1) ? low : high) = part;
    }
    return {{low * ideal(0), low * ideal(1)}};
  }

  /// How far a pair of utilities is from the nearest efficient one (Euclidean).
  POLIS_HD double distance(const Point& from) const {
    double nearest = -1;
    for (int k = 0; k < Issues; ++k) {
      const Point a = corners_[k], d{{corners_[k + 1][0] - a[0], corners_[k + 1][1] - a[1]}};
      const double length = d[0] * d[0] + d[1] * d[1];
      const double along = length > 0 ? ((from[0] - a[0]) * d[0] + (from[1] - a[1]) * d[1]) / length : 0.;
      const double t = math::clamp(along, 0., 1.);
      const double there = distance(from, {{a[0] + t * d[0], a[1] + t * d[1]}});
      if (nearest < 0 || there < nearest) nearest = there;
    }
    return nearest;
  }

  POLIS_HD static double distance(const Point& a, const Point& b) {
    return math::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]));
  }

 private:
  Array<int, Issues> order_{};
  Array<Point, Issues + 1> corners_{};  // from all to agent 1 to all to agent 0
};

/// What the proposer gets in the subgame-perfect equilibrium of alternating offers over one unit, with
/// discounts a round of proposer and responder (A. Rubinstein, "Perfect equilibrium in a bargaining model",
/// 1982).
POLIS_HD constexpr double rubinstein_share(double proposer, double responder) {
  return (1 - responder) / (1 - proposer * responder);
}

/// The same of what `proposer` (0 or 1) gets by an efficient agreement, with `rounds` offers left; 0: without
/// end. What is rejected is offered anew, by the other agent, at a discount; after the last offer both get
/// nothing. Over one unit with one discount d that is (1 - (-d)^rounds) / (1 + d).
template <int Issues>
POLIS_HD double perfect_utility(const UtilityFrontier<Issues>& frontier, const Array<float, 2>& discounts,
                                int proposer, int rounds) {
  // Backward from the last offer, or from one so far off that it does not matter.
  const double product = static_cast<double>(discounts[0]) * static_cast<double>(discounts[1]);
  int steps = rounds;
  if (rounds == 0) {
    double left = 1;
    for (steps = 1; left > 1e-10 && steps < 10'000; steps += 2) left *= product;
  }
  double utility = 0;
  for (int left = 1; left <= steps; ++left) {
    const int offering = (steps - left) % 2 == 0 ? proposer : 1 - proposer, answering = 1 - offering;
    utility = frontier.others_best(answering, static_cast<double>(discounts[answering]) * utility);
  }
  return utility;
}

}  // namespace polis
