// simple_speaker_listener: one agent knows where to go and can only speak, the other can go there and only
// hears.
//
// R. Lowe et al., "Multi-agent actor-critic for mixed cooperative-competitive environments" (2017), where it
// is called cooperative communication; the physics is a type (particle/world.hpp).
// tests/envs/simple_speaker_listener.cpp follows PettingZoo's two versions of it step for step.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/particle/world.hpp>
#include <polis/space/space.hpp>

namespace polis::particle {

// The roles.
struct Speaker {};
struct Listener {};

}  // namespace polis::particle

namespace polis {

/// simple_speaker_listener. The reward is shared: minus the squared distance of the listener from the goal,
/// which is one of three landmarks. (The environments of 2017 pay both agents the sum of both: twice this.)
/// The listener hears a word at the step after it was said. Nobody collides with anything. An episode is
/// truncated after 25 steps; random play returns about -40 in both physics.
template <class Physics = particle::Original>
struct SimpleSpeakerListener {
  static constexpr int landmark_count = 3, words = 3;
  /// The speaker sees the goal as its colour: .65 for the goal's number, .15 for the others. The listener
  /// sees its velocity, the landmarks from where it is, and the word, one-hot (zeros before the first).
  /// Landmarks are always listed in the same order, so that a word can stand for one.
  using Roles = polis::Roles<
      Role<particle::Speaker, 1, Box<landmark_count>, Discrete<words>>,
      Role<particle::Listener, 1, Box<2 + 2 * landmark_count + words>, Discrete<particle::moves>>>;
  /// The listener's velocity and position, the landmarks' positions, the goal and the word, one-hot.
  using State = Box<4 + 3 * landmark_count + words>;
  static constexpr RewardStructure rewards = RewardStructure::shared;

  using Config = particle::EpisodeConfig;

  static constexpr float strength = 5;          // of the listener's moves
  static constexpr float reached_within = .1f;  // of the goal

  particle::Body listener;
  Array<particle::Vector, landmark_count> landmarks{};
  int goal = 0, word = -1, steps = 0;

  /// The listener rests; it and the landmarks are uniform on [-1, 1)^2, the goal is any of them.
  POLIS_HD void reset(auto& ctx) {
    *this = {};
    goal = ctx.random.integer(landmark_count);
    listener.position = particle::anywhere(ctx.random);
    for (particle::Vector& landmark : landmarks) landmark = particle::anywhere(ctx.random);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    particle::move<Physics>(listener, particle::push(actions.of(particle::Listener{})[0], strength));
    word = actions.of(particle::Speaker{})[0];
    ctx.reward_all(-(listener.position - landmarks[goal]).squared_length());
    particle::count_step(steps, ctx);
  }

  POLIS_HD void observe(particle::Speaker, int, Row out) const {
    for (int i = 0; i < landmark_count; ++i) out[i] = i == goal ? .65f : .15f;
  }

  POLIS_HD void observe(particle::Listener, int, Row out) const {
    particle::Pen pen(out);
    pen.write(listener.velocity);
    for (const particle::Vector& landmark : landmarks) pen.write(landmark - listener.position);
    pen.write_one_hot(word, words);
  }

  POLIS_HD void state(Row out) const {
    particle::Pen pen(out);
    pen.write(listener.velocity);
    pen.write(listener.position);
    for (const particle::Vector& landmark : landmarks) pen.write(landmark);
    pen.write_one_hot(goal, landmark_count);
    pen.write_one_hot(word, words);
  }

  /// Whether the listener is within .1 of the goal.
  POLIS_HD float success() const { return distance_to_goal() < reached_within ? 1.f : 0.f; }

  void metrics(auto&& visit) const { visit("distance", static_cast<double>(distance_to_goal())); }

  POLIS_HD float distance_to_goal() const { return (listener.position - landmarks[goal]).length(); }
};

}  // namespace polis
