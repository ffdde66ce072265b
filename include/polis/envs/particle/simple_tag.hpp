// simple_tag: three slow predators hunt a fast prey among two obstacles.
//
// R. Lowe et al., "Multi-agent actor-critic for mixed cooperative-competitive environments" (2017), where it
// is called predator-prey; the physics is a type (particle/world.hpp). tests/envs/simple_tag.cpp follows
// PettingZoo's two versions of it step for step.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/particle/world.hpp>
#include <polis/space/space.hpp>

namespace polis::particle {

// The roles.
struct Predator {};
struct Prey {};

}  // namespace polis::particle

namespace polis {

/// simple_tag. Every predator earns 10 for each predator that touches the prey; the prey loses 10 for each,
/// and what `straying` says for each axis along which it leaves the square. An episode is truncated after 25
/// steps; random play returns 2.8 to a predator and -14.8 to the prey in the original physics, 3.9 and -15.9
/// in the revised.
template <class Physics = particle::Original>
struct SimpleTag {
  static constexpr int predators = 3, prey = predators, agents_in_all = predators + 1, obstacle_count = 2;
  /// All see their own velocity and position, and from there the obstacles and the other agents, predators
  /// first; predators see the prey's velocity too.
  using Roles = polis::Roles<
      Role<particle::Predator, predators, Box<4 + 2 * obstacle_count + 2 * predators + 2>,
           Discrete<particle::moves>>,
      Role<particle::Prey, 1, Box<4 + 2 * obstacle_count + 2 * predators>, Discrete<particle::moves>>>;
  /// Velocity and position of every agent, then the obstacles' positions.
  using State = Box<4 * agents_in_all + 2 * obstacle_count>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;

  using Config = particle::EpisodeConfig;

  static constexpr float obstacle_radius = .2f;
  POLIS_HD static constexpr float radius(int agent) { return agent == prey ? .05f : .075f; }
  POLIS_HD static constexpr float strength(int agent) { return agent == prey ? 4.f : 3.f; }
  POLIS_HD static constexpr float largest_speed(int agent) { return agent == prey ? 1.3f : 1.f; }

  Array<particle::Body, agents_in_all> bodies{};  ///< the predators', then the prey's
  Array<particle::Vector, obstacle_count> obstacles{};
  int steps = 0, catches = 0;  // predators that touched the prey, summed over the episode's steps

  /// Agents rest, uniform on [-1, 1)^2; the obstacles are uniform on [-.9, .9)^2.
  POLIS_HD void reset(auto& ctx) {
    *this = {};
    for (particle::Body& body : bodies) body.position = particle::anywhere(ctx.random);
    for (particle::Vector& obstacle : obstacles) obstacle = particle::anywhere(ctx.random, .9f);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    Array<particle::Vector, agents_in_all> forces{};
    for (int i = 0; i < predators; ++i) {
      forces[i] = particle::push(actions.of(particle::Predator{})[i], strength(i));
    }
    forces[prey] = particle::push(actions.of(particle::Prey{})[0], strength(prey));
    add_contacts(forces);
    for (int i = 0; i < agents_in_all; ++i) {
      particle::move<Physics>(bodies[i], forces[i], largest_speed(i));
    }

    const int caught_by = predators_at_prey();
    catches += caught_by;
    const float won = 10 * static_cast<float>(caught_by);
    for (int i = 0; i < predators; ++i) ctx.reward(particle::Predator{}, i) = won;
    const particle::Vector at = bodies[prey].position;
    ctx.reward(particle::Prey{}, 0) = -won - straying(at.x) - straying(at.y);
    particle::count_step(steps, ctx);
  }

  POLIS_HD void observe(particle::Predator, int index, Row out) const {
    particle::Pen pen(out);
    show(index, pen);
    pen.write(bodies[prey].velocity);
  }

  POLIS_HD void observe(particle::Prey, int, Row out) const {
    particle::Pen pen(out);
    show(prey, pen);
  }

  POLIS_HD void state(Row out) const {
    particle::Pen pen(out);
    for (const particle::Body& body : bodies) {
      pen.write(body.velocity);
      pen.write(body.position);
    }
    for (const particle::Vector& obstacle : obstacles) pen.write(obstacle);
  }

  /// Predators that touched the prey, summed over the steps.
  void metrics(auto&& visit) const { visit("catches", static_cast<double>(catches)); }

  /// What the prey loses at this coordinate: nothing up to .9, then up to 1 at the edge, exp(2 |x| - 2)
  /// beyond it, and never more than 10. So it cannot flee for good.
  POLIS_HD static float straying(float coordinate) {
    const float x = math::abs(coordinate);
    if (x < .9f) return 0;
    if (x < 1.f) return 10 * (x - .9f);
    return math::min(math::exp(2 * x - 2), 10.f);
  }

  POLIS_HD int predators_at_prey() const {
    int count = 0;
    for (int i = 0; i < predators; ++i) {
      const float reach = radius(i) + radius(prey);
      if (particle::touching(bodies[i].position, bodies[prey].position, reach)) ++count;
    }
    return count;
  }

 private:
  POLIS_HD void add_contacts(Array<particle::Vector, agents_in_all>& forces) const {
    for (int i = 0; i < agents_in_all; ++i) {
      const particle::Vector at = bodies[i].position;
      for (int j = i + 1; j < agents_in_all; ++j) {
        const particle::Vector force = particle::contact(at, bodies[j].position, radius(i) + radius(j));
        forces[i] = forces[i] + force;
        forces[j] = forces[j] - force;
      }
      for (const particle::Vector& obstacle : obstacles) {
        forces[i] = forces[i] + particle::contact(at, obstacle, radius(i) + obstacle_radius);
      }
    }
  }

  POLIS_HD void show(int agent, particle::Pen& pen) const {
    const particle::Body& self = bodies[agent];
    pen.write(self.velocity);
    pen.write(self.position);
    for (const particle::Vector& obstacle : obstacles) pen.write(obstacle - self.position);
    for (int other = 0; other < agents_in_all; ++other) {
      if (other != agent) pen.write(bodies[other].position - self.position);
    }
  }
};

}  // namespace polis
