// Five points in a plane that steer round each other to their goals: a team for benchmarks, of the sizes of
// rl_tools' Bottleneck (observations of 12 numbers, a state of 60, two numbers of action, one reward).
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/particle/world.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A point begins on a circle of radius 1, somewhere in its fifth of it, and its goal lies opposite. Points
/// are pushed by forces of up to `strength` in each direction, and push each other off where they are nearer
/// than `reach`. The team earns what all come nearer to their goals, minus .05 for each pair that touches. An
/// episode is truncated after 100 steps.
struct Crossing {
  static constexpr int agents = 5;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  struct Push : Box<2> {
    static constexpr float low = -1, high = 1;
  };
  using Action = Push;
  /// Velocity, the way to the goal, the ways to the others in their order.
  using Observation = Box<4 + 2 * (agents - 1)>;
  /// What all agents observe, one after the other.
  using State = Box<agents * Observation::words>;

  static constexpr float strength = 3, reach = .2f;
  static constexpr int length = 100;

  Array<particle::Body, agents> bodies{};
  Array<particle::Vector, agents> goals{};
  int steps = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    for (int i = 0; i < agents; ++i) {
      constexpr float fifth = 6.28318531f / agents;
      const float angle = fifth * (static_cast<float>(i) + ctx.random.uniform(.2f, .8f));
      bodies[i].position = {math::cos(angle), math::sin(angle)};
      goals[i] = -1.f * bodies[i].position;
    }
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    Array<particle::Vector, agents> forces{};
    for (int i = 0; i < agents; ++i) forces[i] = strength * particle::Vector{actions[i][0], actions[i][1]};
    int touching = 0;
    for (int i = 0; i < agents; ++i) {
      for (int j = i + 1; j < agents; ++j) {
        const particle::Vector apart = bodies[i].position - bodies[j].position;
        if (apart.squared_length() > 1.1f * reach * reach) continue;  // nor is there a force
        touching += particle::touching(bodies[i].position, bodies[j].position, reach) ? 1 : 0;
        const particle::Vector force = particle::contact(bodies[i].position, bodies[j].position, reach);
        forces[i] = forces[i] + force;
        forces[j] = forces[j] - force;
      }
    }
    const float before = distance();
    for (int i = 0; i < agents; ++i) particle::move<particle::Original>(bodies[i], forces[i]);
    ctx.reward_all(before - distance() - .05f * static_cast<float>(touching));
    if (++steps == length) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    particle::Pen pen(out);
    write(agent, pen);
  }
  POLIS_HD void state(Row out) const {
    particle::Pen pen(out);
    for (int i = 0; i < agents; ++i) write(i, pen);
  }

  /// Of all points from their goals together.
  POLIS_HD float distance() const {
    float sum = 0;
    for (int i = 0; i < agents; ++i) sum += (goals[i] - bodies[i].position).length();
    return sum;
  }
  void metrics(auto&& visit) const { visit("distance", static_cast<double>(distance())); }

 private:
  POLIS_HD void write(int agent, particle::Pen& pen) const {
    const particle::Vector& own = bodies[agent].position;
    pen.write(bodies[agent].velocity);
    pen.write(goals[agent] - own);
    for (int other = 0; other < agents; ++other) {
      if (other != agent) pen.write(bodies[other].position - own);
    }
  }
};

}  // namespace polis
