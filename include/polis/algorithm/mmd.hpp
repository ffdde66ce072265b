// MMD: magnetic mirror descent (Sokota, D'Orazio, Kolter, Loizou, Lanctot, Mitliagkas, Brown and Kroer 2023,
// "A unified approach to reinforcement learning, quantal response equilibria, and two-player zero-sum
// games"), as the sentence it is. In self-play it comes to equilibria of two-player zero-sum games, round
// which PPO goes for ever:
//
//     r      = pi(a|o) / pi_old(a|o)
//     policy = -r A + KL(pi || pi_old) / step_size              MirrorDescent
//     magnet = coefficient KL(pi || magnet), exact              Magnet
//     loss   = mean(policy + magnet + value_coefficient value)
//
// The magnet follows in steps, `magnet.target.every` updates each: between two of them play comes close to
// the equilibrium regularised by the last, and from step to step to one of the game. Coefficient and step
// size are in units of rewards, since the advantages are not normalised: the noise of a game, by which they
// would be divided, does not end where the learning does.
#pragma once

#include <polis/algorithm/magnet.hpp>
#include <polis/algorithm/ppo.hpp>
#include <polis/objective/mirror_descent.hpp>

namespace polis {

/// No entropy bonus beside the magnet, and advantages as they are.
struct MmdDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{
      .steps = 32, .entropy_coefficient = 0.f, .normalize_advantages = false};
};

/// A type of its own, so that compilers print its name rather than its words.
struct MMD : PPO::With<MirrorDescent, Magnet<HardTarget>, MmdDefaults> {};

}  // namespace polis
