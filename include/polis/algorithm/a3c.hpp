// A3C: asynchronous advantage actor-critic (Mnih, Badia, Mirza et al. 2016), with the correction of IMPALA
// (Espeholt et al. 2018), as the sentence it is.
//
// Every actor collects twenty steps in lanes of its own, weighs them by what the shared policy would have
// done in place of its own slightly older one, and moves the shared weights at once. On one thread it is A2C
// with V-trace, and its results are those of its seed; on several they are not.
#pragma once

#include <polis/algorithm/a2c.hpp>
#include <polis/algorithm/asynchronous_actors.hpp>
#include <polis/returns/v_trace.hpp>

namespace polis {

/// IMPALA's rollouts of 20 steps; the rest is A2C's, with the paper's entropy bonus.
struct A3CDefaults {
  using word = word::Defaults;
  static constexpr ActorCriticDefaults values{.steps = 20,
                                              .epochs = 1,
                                              .minibatch = 0,
                                              .value_coefficient = 1.f,
                                              .entropy_coefficient = .01f,
                                              .max_gradient_norm = .5f,
                                              .normalize_advantages = false};
};

/// A type of its own, so that compilers print its name rather than its words.
struct A3C : A2C::With<VTrace, AsynchronousActors, A3CDefaults> {};

}  // namespace polis
