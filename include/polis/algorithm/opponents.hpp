// Which past policy is played against: words of SelfPlay (algorithm/self_play.hpp).
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include <polis/algorithm/elo.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// A policy of the past, and what came of playing against it.
struct PastPolicy {
  std::uint64_t number = 0;      ///< counted from 1 in the order they were kept; 0: none is here yet
  double rating = 0;             ///< Elo
  double games = 0, points = 0;  ///< of the learner against it since it was kept: 1 for a win, 1/2 a draw
  void archive(auto& a) { a(number, rating, games, points); }

  /// The learner's mean score against it, as if a game had been won and one lost beforehand.
  [[nodiscard]] double score() const { return (points + 1) / (games + 2); }
};

/// A word that says how likely each past policy is to be played against: in proportion to `weight`, which is
/// positive.
template <class W>
concept OpponentsWord = std::same_as<typename W::word, word::Opponents> &&
                        requires(const typename W::Config& config, const PastPolicy& past, double rating) {
                          { W::weight(config, past, rating) } -> std::same_as<double>;
                        };

/// All of them alike (fictitious play; Bansal et al. 2018).
struct UniformOpponents {
  using word = word::Opponents;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  static double weight(const Config&, const PastPolicy&, double /*rating*/) { return 1; }
};

/// In proportion to the score that ratings expect of it against the learner: those of equal strength and
/// above.
struct RatedOpponents {
  using word = word::Opponents;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
  static double weight(const Config&, const PastPolicy& past, double rating) {
    return elo_expectation(past.rating, rating);
  }
};

/// Prioritised fictitious self-play (Vinyals et al. 2019, "Grandmaster level in StarCraft II", methods):
/// (1 - score)^power of the learner's mean score, so that the opponents it loses to come more often.
struct HardestOpponents {
  using word = word::Opponents;
  struct Config {
    float power = 2;
    static constexpr void fields(auto& self, auto&& visit) { visit("power", self.power); }
  };
  static double weight(const Config& config, const PastPolicy& past, double /*rating*/) {
    return std::pow(1 - past.score(), static_cast<double>(config.power));
  }
};

}  // namespace polis
