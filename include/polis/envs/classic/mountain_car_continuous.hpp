// MountainCar with an engine that takes any force, and a price for using it.
//
// Dynamics, costs, reset and ends are those of Gymnasium's MountainCarContinuous-v0, which
// tests/envs/mountain_car.cpp follows step for step.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/classic/mountain_car.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The engine's force as a share of the strongest, to the left where it is negative.
struct Throttle : Box<1> {
  static constexpr float low = -1, high = 1;
};

/// MountainCarContinuous-v0. The reward is 100 for the step that ends at position .45 or beyond, which
/// terminates, less .1 action^2 every step. `step` moves by the action clipped to [-1, 1] but charges it as
/// it is, like Gymnasium. `Scalar` is the precision of the physics; Gymnasium computes in double and keeps
/// its state in single precision.
template <class Scalar = float>
struct BasicMountainCarContinuous : ValleyCar<Scalar> {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Position, velocity.
  using Observation = Box<2>;
  using Action = Throttle;

  struct Config {
    int max_steps = 999;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static constexpr Scalar power = Scalar(.0015), goal = Scalar(.45);

  POLIS_HD void reset(auto& ctx) { this->place(ctx.random); }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const float action = actions[0][0];
    this->drive(power * static_cast<Scalar>(math::clamp(action, -1.f, 1.f)));
    ctx.reward(0) = (reached_goal() ? 100.f : 0.f) - .1f * action * action;
    if (reached_goal()) ctx.terminate();
    if (this->steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const { this->show(out); }

  /// 1 where the goal was reached.
  POLIS_HD float success() const { return reached_goal() ? 1.f : 0.f; }

  POLIS_HD bool reached_goal() const { return this->position >= goal && this->velocity >= 0; }
};

using MountainCarContinuous = BasicMountainCarContinuous<float>;

}  // namespace polis
