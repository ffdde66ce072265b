// simple_spread: three agents are to cover three landmarks, and not to run into each other.
//
// R. Lowe et al., "Multi-agent actor-critic for mixed cooperative-competitive environments" (2017), where it
// is called cooperative navigation; the physics is a type (particle/world.hpp). tests/envs/simple_spread.cpp
// follows PettingZoo's two versions of it step for step.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/particle/world.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace particle {

/// `greedy_assignment` of simple_spread, below, as a reference policy.
struct GreedyAssignment {
  template <class E>
  POLIS_HD Actions<E> operator()(const E& env, const View<E>&, Random& random) const {
    return greedy_assignment(env, random);
  }
};

}  // namespace particle

/// simple_spread with three agents. The reward is shared, and is the sum over the agents of what each earns:
/// minus, for every landmark, its distance from the nearest agent; minus 1 for every agent that it touches
/// (itself included, in the original). So a pair that touches costs 2 a step. EPyMARL's team total, which
/// sums a shared reward over agents once more, is three times as much.
///
/// An episode is truncated after 25 steps. Returns per episode of `random_play`: -231.3 (sd 46.8) with the
/// original physics, -158.7 (sd 47.3) with the revised; of `greedy_assignment` -114.2 and -45.7.
template <class Physics = particle::Original>
struct SimpleSpread {
  static constexpr int agents = 3, landmark_count = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Own velocity and position; from there the landmarks, and the other agents in their order. PettingZoo
  /// appends four zeros, for words that nobody can say here.
  using Observation = Box<4 + 2 * landmark_count + 2 * (agents - 1)>;
  /// Velocity and position of every agent, then the landmarks' positions.
  using State = Box<4 * agents + 2 * landmark_count>;
  using Action = Discrete<particle::moves>;

  using Config = particle::EpisodeConfig;

  static void references(const auto&, auto&& visit) {
    visit("greedy_assignment", particle::GreedyAssignment{});
  }

  static constexpr float radius = .15f, strength = 5;  // of an agent
  static constexpr float occupied_within = .1f;        // of a landmark

  Array<particle::Body, agents> bodies{};
  Array<particle::Vector, landmark_count> landmarks{};
  int steps = 0, collisions = 0;  // pairs that touched, summed over the episode's steps

  /// Agents rest; they and the landmarks are uniform on [-1, 1)^2.
  POLIS_HD void reset(auto& ctx) {
    *this = {};
    for (particle::Body& body : bodies) body.position = particle::anywhere(ctx.random);
    for (particle::Vector& landmark : landmarks) landmark = particle::anywhere(ctx.random);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    Array<particle::Vector, agents> forces{};
    for (int i = 0; i < agents; ++i) forces[i] = particle::push(actions[i], strength);
    for (int i = 0; i < agents; ++i) {
      for (int j = i + 1; j < agents; ++j) {
        const particle::Vector force = particle::contact(bodies[i].position, bodies[j].position, 2 * radius);
        forces[i] = forces[i] + force;
        forces[j] = forces[j] - force;
      }
    }
    for (int i = 0; i < agents; ++i) particle::move<Physics>(bodies[i], forces[i]);

    const int touched = pairs_touching();
    collisions += touched;
    const int counted = 2 * touched + (Physics::collides_with_itself ? agents : 0);
    float uncovered = 0;
    for (int landmark = 0; landmark < landmark_count; ++landmark) uncovered += distance_to(landmark);
    ctx.reward_all(-static_cast<float>(agents) * uncovered - static_cast<float>(counted));
    particle::count_step(steps, ctx);
  }

  POLIS_HD void observe(int agent, Row out) const {
    particle::Pen pen(out);
    const particle::Body& self = bodies[agent];
    pen.write(self.velocity);
    pen.write(self.position);
    for (const particle::Vector& landmark : landmarks) pen.write(landmark - self.position);
    for (int other = 0; other < agents; ++other) {
      if (other != agent) pen.write(bodies[other].position - self.position);
    }
  }

  POLIS_HD void state(Row out) const {
    particle::Pen pen(out);
    for (const particle::Body& body : bodies) {
      pen.write(body.velocity);
      pen.write(body.position);
    }
    for (const particle::Vector& landmark : landmarks) pen.write(landmark);
  }

  /// The share of the landmarks that are occupied.
  POLIS_HD float success() const {
    return static_cast<float>(occupied_landmarks()) / static_cast<float>(landmark_count);
  }

  /// Pairs of agents that touched, summed over the steps; landmarks with an agent within .1 at the end.
  void metrics(auto&& visit) const {
    visit("collisions", static_cast<double>(collisions));
    visit("occupied_landmarks", static_cast<double>(occupied_landmarks()));
  }

  POLIS_HD int occupied_landmarks() const {
    int occupied = 0;
    for (int landmark = 0; landmark < landmark_count; ++landmark) {
      if (distance_to(landmark) < occupied_within) ++occupied;
    }
    return occupied;
  }

  /// The landmark's distance from the nearest agent.
  POLIS_HD float distance_to(int landmark) const {
    float nearest = (bodies[0].position - landmarks[landmark]).squared_length();
    for (int i = 1; i < agents; ++i) {
      nearest = math::min(nearest, (bodies[i].position - landmarks[landmark]).squared_length());
    }
    return math::sqrt(nearest);
  }

  POLIS_HD int pairs_touching() const {
    int pairs = 0;
    for (int i = 0; i < agents; ++i) {
      for (int j = i + 1; j < agents; ++j) {
        if (particle::touching(bodies[i].position, bodies[j].position, 2 * radius)) ++pairs;
      }
    }
    return pairs;
  }
};

/// A reference policy of simple_spread: every agent moves uniformly at random.
template <class Physics>
POLIS_HD Actions<SimpleSpread<Physics>> random_play(const SimpleSpread<Physics>&, Random& random) {
  Actions<SimpleSpread<Physics>> actions{};
  for (int i = 0; i < SimpleSpread<Physics>::agents; ++i) actions[i] = random.integer(particle::moves);
  return actions;
}

namespace internal {

/// The move that brings a body nearer to the target, along the axis where it is farther off; none within .05.
/// Looks two steps ahead at the body's velocity, without which it would overshoot.
POLIS_HD inline int move_towards(const particle::Body& body, particle::Vector target) {
  constexpr float look_ahead = 2 * particle::time_step;
  const particle::Vector error = target - (body.position + look_ahead * body.velocity);
  const bool sideways = math::abs(error.x) > math::abs(error.y);
  const float farther = sideways ? error.x : error.y;
  if (math::abs(farther) < .05f) return 0;
  if (sideways) return farther < 0 ? 1 : 2;
  return farther < 0 ? 3 : 4;
}

}  // namespace internal

/// A reference policy of simple_spread: at every step the three landmarks are given to the three agents so
/// that the sum of the distances is smallest, and each agent goes for its own along the axis where it is
/// farther off. It knows all, plans nothing, and evades nobody. Draws nothing at random.
template <class Physics>
POLIS_HD Actions<SimpleSpread<Physics>> greedy_assignment(const SimpleSpread<Physics>& env, Random&) {
  constexpr int permutations[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  int best = 0;
  float shortest = 0;
  for (int p = 0; p < 6; ++p) {
    float total = 0;
    for (int i = 0; i < 3; ++i) {
      total += (env.landmarks[permutations[p][i]] - env.bodies[i].position).length();
    }
    if (p == 0 || total < shortest) best = p, shortest = total;
  }
  Actions<SimpleSpread<Physics>> actions{};
  for (int i = 0; i < 3; ++i) {
    actions[i] = internal::move_towards(env.bodies[i], env.landmarks[permutations[best][i]]);
  }
  return actions;
}

}  // namespace polis
