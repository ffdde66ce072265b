// NFSP: neural fictitious self-play (Heinrich and Silver 2016), as the sentence it is: Q-learning whose
// agents also learn the average of their best responses, play by it most of the time, and are judged by it
// (algorithm/average_policy.hpp).
//
// The values of the paper for Leduc poker: anticipatory .1, one hidden layer of 64, a replay of 200,000 and a
// reservoir of 2,000,000 transitions, two updates of 128 every 128 steps, and an exploration that falls from
// .06; Adam here in place of SGD. The squared error, as in the paper: what the rewards of a game come to by
// chance is as large as what play can change, and Huber's loss would learn medians of it in place of means.
#pragma once

#include <polis/algorithm/average_policy.hpp>
#include <polis/algorithm/dqn.hpp>

namespace polis {

/// A game's rewards are not discounted.
struct NfspDefaults {
  using word = word::Defaults;
  static constexpr QLearningDefaults values{.update_every = 64, .batch = 128, .discount = 1.f};
};

/// A type of its own, so that compilers print its name rather than its words.
struct NFSP : DQN::With<SquaredError, AveragePolicy<Mlp<64>>, Mlp<64>, NfspDefaults> {};

}  // namespace polis
