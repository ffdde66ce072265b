// Ratings of players by the results of their games (A. Elo, "The rating of chessplayers, past and present",
// 1978).
#pragma once

#include <cmath>

namespace polis {

/// The score that a player of one rating is expected to make against another's, 0 to 1: ten to one in odds
/// for each 400 points between them.
[[nodiscard]] inline double elo_expectation(double rating, double opponent) {
  return 1 / (1 + std::pow(10., (opponent - rating) / 400));
}

/// How ratings move with results.
struct EloConfig {
  double k = 16;          ///< points that a result against expectation moves ratings by, at most
  double initial = 1000;  ///< the first rating
  static constexpr void fields(auto& self, auto&& visit) {
    visit("k", self.k);
    visit("initial", self.initial);
  }
};

/// Moves both ratings by a result: 1 where the first won, 1/2 for a draw, 0 where it lost. Their sum stays.
inline void rate_game(const EloConfig& config, double score, double& rating, double& opponent) {
  const double moved = config.k * (score - elo_expectation(rating, opponent));
  rating += moved;
  opponent -= moved;
}

}  // namespace polis
