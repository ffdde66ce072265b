// Blackjack against a dealer who plays by rule; Gymnasium's Blackjack-v1 with sab=True, which is example 5.1
// of R. Sutton and A. Barto, "Reinforcement learning: an introduction" (2018).
//
// Cards come from an endless deck: 1 (ace) to 9, and 10 four times as often. An ace counts 11 where that does
// not bust (it is then usable). The player hits or sticks; then the dealer, of whose two cards one shows,
// draws until 17 or more. The higher score wins 1 and a bust loses; a natural (an ace and a 10 dealt) wins
// unless the dealer has one too. The best policy earns -0.043113 on average; games/exact.hpp computes it, and
// the return of any other.
//
// The dealer's second card, which nobody sees, is drawn with the dealer's others: the same game, in which the
// observation tells all there is to know.
#pragma once

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What the cards of a hand come to.
struct BlackjackHand {
  int total = 0;        ///< with a usable ace as 11
  bool usable = false;  ///< holds an ace that counts 11
  int cards = 0;

  POLIS_HD constexpr void add(int card) {
    total += card;
    ++cards;
    if (card == 1 && total + 10 <= 21) total += 10, usable = true;
    if (total > 21 && usable) total -= 10, usable = false;
  }
  POLIS_HD constexpr bool bust() const { return total > 21; }
  POLIS_HD constexpr bool natural() const { return cards == 2 && total == 21; }
  /// What it counts in the comparison.
  POLIS_HD constexpr int score() const { return bust() ? 0 : total; }

  friend bool operator==(const BlackjackHand&, const BlackjackHand&) = default;
};

/// One hand of blackjack an episode. Action 0 sticks, 1 hits.
struct Blackjack {
  static constexpr int agents = 1, dealer_stands = 17;
  static OptimalValue optimal_value(const auto&) { return {-.043113}; }
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = MultiDiscrete<32, 11, 2>;  ///< the player's total, the dealer's card, a usable ace
  using Action = Discrete<2>;

  BlackjackHand player, dealer;
  int showing = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    showing = draw(ctx);
    dealer.add(showing);
    for (int card = 0; card < 2; ++card) player.add(draw(ctx));
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    if (actions[0] == 1) {
      player.add(draw(ctx));
      if (!player.bust()) return;
      ctx.reward(0) = -1;
    } else {
      while (dealer.total < dealer_stands) dealer.add(draw(ctx));
      ctx.reward(0) = payoff(player, dealer);
    }
    ctx.terminate();
  }

  POLIS_HD void observe(int, Row out) const {
    out[0] = static_cast<float>(player.total);
    out[1] = static_cast<float>(showing);
    out[2] = player.usable ? 1.f : 0.f;
  }

  /// What the player is paid once the dealer stands.
  POLIS_HD static constexpr float payoff(const BlackjackHand& player, const BlackjackHand& dealer) {
    if (player.natural() && !dealer.natural()) return 1;
    if (player.score() == dealer.score()) return 0;
    return player.score() > dealer.score() ? 1.f : -1.f;
  }

  /// How many of the 13 ranks count as much as this card, 1 to 10.
  POLIS_HD static constexpr int ranks(int card) { return card == 10 ? 4 : 1; }

 private:
  POLIS_HD static int draw(auto& ctx) {
    const int rank = 1 + ctx.random.integer(13);
    return rank < 10 ? rank : 10;
  }
};

}  // namespace polis
