// Pendulum: swing a pole up and hold it upright, with a torque too weak to lift it in one go.
//
// Dynamics (semi-implicit Euler), cost, reset and time limit are those of Gymnasium's Pendulum-v1, which
// tests/envs/pendulum.cpp follows step for step.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The torque itself (N m), as Gymnasium has it.
struct Torque : Box<1> {
  static constexpr float low = -2, high = 2;
};

/// The torque as a share of the largest one.
struct NormalizedTorque : Box<1> {
  static constexpr float low = -1, high = 1;
};

/// Pendulum-v1. An action beyond the bounds of its space is clipped to them. The reward is
/// -(angle^2 + .1 angular_velocity^2 + .001 torque^2), of the angle in [-pi, pi), before the step. Never
/// terminates. `Scalar` is the precision of the physics (Gymnasium computes in double); `ActionSpace` is
/// Torque or NormalizedTorque, or any Box<1> with `high` standing for 2 N m.
template <class Scalar = float, BoundedSpace ActionSpace = Torque>
struct BasicPendulum {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Cosine and sine of the angle from the vertical, angular velocity (rad/s).
  using Observation = Box<3>;
  using Action = ActionSpace;

  struct Config {
    int max_steps = 200;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static constexpr Scalar gravity = Scalar(10), mass = Scalar(1), length = Scalar(1), time_step = Scalar(.05);
  static constexpr Scalar largest_torque = Scalar(2), largest_velocity = Scalar(8);
  static constexpr Scalar pi = Scalar(3.14159265358979323846);

  Scalar angle = 0;  ///< rad, 0 upright, counted on through full turns
  Scalar angular_velocity = 0;
  int steps = 0, steps_upright = 0;

  /// The angle starts uniform in [-pi, pi), the angular velocity in [-1, 1).
  POLIS_HD void reset(auto& ctx) {
    angle = pi * Scalar(ctx.random.uniform(-1.f, 1.f));
    angular_velocity = Scalar(ctx.random.uniform(-1.f, 1.f));
    steps = steps_upright = 0;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    constexpr Scalar low = Scalar(Action::low), high = Scalar(Action::high);
    const Scalar torque = largest_torque / high * math::clamp(Scalar(actions[0][0]), low, high);
    const Scalar tilt = wrapped_angle();
    const Scalar cost =
        tilt * tilt + Scalar(.1) * angular_velocity * angular_velocity + Scalar(.001) * torque * torque;
    const Scalar acceleration = Scalar(3) * gravity / (Scalar(2) * length) * math::sin(angle) +
                                Scalar(3) / (mass * length * length) * torque;
    constexpr Scalar fastest = largest_velocity;
    angular_velocity = math::clamp(angular_velocity + time_step * acceleration, -fastest, fastest);
    angle += time_step * angular_velocity;
    ++steps;
    if (math::abs(wrapped_angle()) < pi / Scalar(15)) ++steps_upright;
    ctx.reward(0) = -static_cast<float>(cost);
    if (steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const {
    Scalar sine = 0, cosine = 0;
    math::sincos(angle, sine, cosine);
    out[0] = static_cast<float>(cosine);
    out[1] = static_cast<float>(sine);
    out[2] = static_cast<float>(angular_velocity);
  }

  /// The share of the episode that ended each step within 12 degrees of the vertical.
  void metrics(auto&& visit) const {
    visit("upright", steps > 0 ? static_cast<double>(steps_upright) / steps : 0.);
  }

  /// The angle in [-pi, pi).
  POLIS_HD Scalar wrapped_angle() const {
    return angle - Scalar(2) * pi * math::floor((angle + pi) / (Scalar(2) * pi));
  }
};

using Pendulum = BasicPendulum<float>;
/// Pendulum with actions in [-1, 1], which suits policies whose action scale is 1: torque = 2 clamp(a, -1,
/// 1).
using NormalizedPendulum = BasicPendulum<float, NormalizedTorque>;

}  // namespace polis
