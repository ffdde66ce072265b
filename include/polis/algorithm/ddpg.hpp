// DDPG (Lillicrap et al. 2016, "Continuous control with deep reinforcement learning") and TD3 (Fujimoto, van
// Hoof and Meger 2018, "Addressing function approximation error in actor-critic methods"), as the sentences
// they are.
//
// Act by mu(o) and noise, and keep every transition. After each step draw `batch` transitions; with targets
// that follow softly
//
//     y      = r + gamma Q'(o', mu'(o'))        0 beyond a termination
//     critic : mean (Q(o, a) - y)^2
//     actor  : mean -Q(o, mu(o)), by the critic's gradient with respect to the action
//
// TD3 has two critics and takes the smaller of their target values, smooths those over actions nearby, and
// lets the actor and all targets wait for every second update. The updates are read in
// algorithm/actor_q_update.hpp, the actors in policy/deterministic_actor.hpp.
//
// DDPG's own noise is With<OrnsteinUhlenbeck>; later work found independent noise to do as well.
#pragma once

#include <polis/algorithm/actor_q.hpp>
#include <polis/buffer/replay.hpp>
#include <polis/exploration/action_noise.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/deterministic_actor.hpp>

namespace polis {

/// Types of their own, so that compilers print their names rather than their words. Initial weights are
/// PyTorch's.
struct DDPG : ActorQ<DeterministicActor, SingleCritic, LocalCritic, SquaredError, Replay, GaussianNoise,
                     SoftTarget, Adam, Mlp<256, 256>, Relu, Uniform, PerRoleParameters, RawObservations> {};

/// The actor and the targets follow every second update.
struct TD3Defaults {
  using word = word::Defaults;
  static constexpr ActorQDefaults values{.actor_every = 2};
};

struct TD3 : DDPG::With<SmoothedActor, TwinCritics, TD3Defaults> {};

}  // namespace polis
