// What a policy earns in Blackjack and on the FrozenLake, exactly: dynamic programming in place of episodes.
//
// A policy is a callable (In<float> observation) -> Array<double, actions> of probabilities; `certain` makes
// these of one action, for greedy policies.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/tile.hpp>
#include <polis/envs/games/blackjack.hpp>
#include <polis/envs/games/frozen_lake.hpp>

namespace polis {

/// The probabilities of a policy that chooses this of N actions.
template <int N>
constexpr Array<double, N> certain(int action) {
  Array<double, N> probabilities{};
  probabilities[action] = 1;
  return probabilities;
}

namespace internal {

/// The largest of N values.
struct BestChoice {
  template <int N>
  double operator()(In<float>, const Array<double, N>& values) const {
    double best = values[0];
    for (const double value : values) best = value > best ? value : best;
    return best;
  }
};

/// The mean of the values under a policy.
template <class Policy>
struct PolicyChoice {
  const Policy& policy;
  template <int N>
  double operator()(In<float> observation, const Array<double, N>& values) const {
    const Array<double, N> probabilities = policy(observation);
    double mean = 0;
    for (int i = 0; i < N; ++i) {
      if (probabilities[i] > 0) mean += probabilities[i] * values[i];
    }
    return mean;
  }
};

/// The expected return of blackjack hands against one card of the dealer's.
template <class Choose>
class BlackjackValues {
 public:
  BlackjackValues(int showing, const Choose& choose) : showing_(showing), choose_(choose) {
    BlackjackHand dealer;
    dealer.add(showing);
    deal(dealer, 1);
  }

  /// Of the two cards that the player is dealt.
  double dealt() {
    return over_cards([this](int first, double p) {
      return p * over_cards([this, first](int second, double q) {
               BlackjackHand hand;
               hand.add(first), hand.add(second);
               return q * value(hand);
             });
    });
  }

 private:
  template <class F>
  static double over_cards(F&& f) {
    double total = 0;
    for (int card = 1; card <= 10; ++card) total += f(card, Blackjack::ranks(card) / 13.);
    return total;
  }

  /// Adds the dealer's ends after this hand to `scores_`.
  void deal(const BlackjackHand& dealer, double probability) {
    if (dealer.total >= Blackjack::dealer_stands) {
      (dealer.natural() ? natural_ : scores_[dealer.score()]) += probability;
      return;
    }
    for (int card = 1; card <= 10; ++card) {
      BlackjackHand next = dealer;
      next.add(card);
      deal(next, probability * Blackjack::ranks(card) / 13.);
    }
  }

  [[nodiscard]] double stick(const BlackjackHand& hand) const {
    BlackjackHand dealer{21, true, 2};
    double total = natural_ * static_cast<double>(Blackjack::payoff(hand, dealer));
    for (int score = 0; score <= 21; ++score) {
      dealer = {score, false, 3};
      total += scores_[score] * static_cast<double>(Blackjack::payoff(hand, dealer));
    }
    return total;
  }

  double value(const BlackjackHand& hand) {
    if (hand.bust()) return -1;
    const int known = 2 * hand.total + (hand.usable ? 1 : 0);
    if (!hand.natural() && known_[known]) return values_[known];
    const Array<double, 2> values{{stick(hand), over_cards([this, &hand](int card, double p) {
                                     BlackjackHand next = hand;
                                     next.add(card);
                                     return p * value(next);
                                   })}};
    const float seen[] = {static_cast<float>(hand.total), static_cast<float>(showing_),
                          hand.usable ? 1.f : 0.f};
    const double chosen = choose_(In<float>{seen}, values);
    if (!hand.natural()) known_[known] = true, values_[known] = chosen;
    return chosen;
  }

  int showing_;
  const Choose& choose_;
  Array<double, 22> scores_{};  // probability of each score of the dealer's, a natural apart
  double natural_ = 0;
  Array<double, 44> values_{};  // of hands that are no natural, by total and usable ace
  Array<bool, 44> known_{};
};

template <class Choose>
double blackjack_return(const Choose& choose) {
  double total = 0;
  for (int showing = 1; showing <= 10; ++showing) {
    total += Blackjack::ranks(showing) / 13. * BlackjackValues<Choose>(showing, choose).dealt();
  }
  return total;
}

/// The value of the start, `steps` steps before the limit; 0: without limit.
template <class Choose>
double frozen_lake_return(double discount, int steps, const Choose& choose) {
  constexpr double settled = 1e-14;
  Array<double, FrozenLake::cells> values{};
  for (int step = 0; steps == 0 || step < steps; ++step) {
    Array<double, FrozenLake::cells> next{};
    double change = 0;
    for (int cell = 0; cell < FrozenLake::cells; ++cell) {
      if (FrozenLake::ends(cell)) continue;
      Array<double, 4> actions{};
      for (int action = 0; action < 4; ++action) {
        for (int slip = 0; slip < 3; ++slip) {
          const int to = FrozenLake::move(cell, FrozenLake::slipped(action, slip));
          actions[action] += (to == FrozenLake::goal ? 1 : discount * values[to]) / 3;
        }
      }
      const float seen = static_cast<float>(cell);
      next[cell] = choose(In<float>{&seen}, actions);
      const double moved = next[cell] - values[cell];
      change = moved > change ? moved : change;  // values rise from zero
    }
    values = next;
    if (steps == 0 && change < settled) break;
  }
  return values[FrozenLake::start];
}

}  // namespace internal

/// The mean return of Blackjack under the policy.
template <class Policy>
double blackjack_return(const Policy& policy) {
  return internal::blackjack_return(internal::PolicyChoice<Policy>{policy});
}
/// The mean return of Blackjack under the best policy, -0.043113.
inline double blackjack_optimum() { return internal::blackjack_return(internal::BestChoice{}); }

/// The discounted return of the FrozenLake under the policy, with at most `steps` steps (0: without limit).
template <class Policy>
double frozen_lake_return(const Policy& policy, double discount = 1, int steps = 0) {
  return internal::frozen_lake_return(discount, steps, internal::PolicyChoice<Policy>{policy});
}
/// The same under the best policy, which with a limit may go by the steps that are left.
inline double frozen_lake_optimum(double discount = 1, int steps = 0) {
  return internal::frozen_lake_return(discount, steps, internal::BestChoice{});
}

}  // namespace polis
