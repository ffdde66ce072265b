// Pendulum: swing a pole up and hold it upright, with a torque too weak to lift it in one go.
//
// Dynamics (semi-implicit Euler), cost, reset and time limit are those of Gymnasium's Pendulum-v1, which
// tests/envs/pendulum.cpp follows step for step.
#pragma once

#include <polis/core/constant_quotient.hpp>
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
    const Scalar cost = advance<Scalar>(*this, Scalar(actions[0][0]));
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
  POLIS_HD Scalar wrapped_angle() const { return wrapped<Scalar>(angle); }

  /// Lanes side by side (env/step_tile.hpp).
  template <class T>
  struct Tile {
    T angle, angular_velocity, steps, steps_upright;
  };
  static constexpr void columns(auto& self, auto&& visit) {
    visit(self.angle), visit(self.angular_velocity);
    visit(self.steps), visit(self.steps_upright);
  }

  template <class T>
  [[gnu::always_inline]] static void reset_tile(Tile<T>& lanes, auto& ctx) {
    lanes.angle = T(pi) * ctx.random.uniform(-1.f, 1.f);
    lanes.angular_velocity = ctx.random.uniform(-1.f, 1.f);
    lanes.steps = lanes.steps_upright = T(0.f);
  }

  template <class T>
  [[gnu::always_inline]] static void step_tile(Tile<T>& lanes, const auto& actions, auto& ctx) {
    ctx.reward(0) = -advance<T>(lanes, actions[0][0]);
    lanes.steps += T(1.f);
    const auto upright = math::abs(wrapped<T>(lanes.angle)) < T(pi / Scalar(15));
    lanes.steps_upright += math::select(upright, T(1.f), T(0.f));
    ctx.truncate(lanes.steps >= T(static_cast<float>(ctx.config().max_steps)));
  }

  template <class T>
  [[gnu::always_inline]] static void observe_tile(const Tile<T>& lanes, int, Out<T> out) {
    T sine = lanes.angle, cosine = lanes.angle;
    math::sincos(lanes.angle, sine, cosine);
    out.set(0, cosine);
    out.set(1, sine);
    out.set(2, lanes.angular_velocity);
  }

 private:
  template <class T>
  [[gnu::always_inline]] POLIS_HD static T wrapped(const T& at) {
    const T turn(Scalar(2) * pi);
    return math::fma(-turn, math::floor(math::constant_quotient(at + T(pi), turn)), at);
  }

  /// One step under an action, of one lane or of a register of lanes. Returns its cost.
  template <class T>
  [[gnu::always_inline]] POLIS_HD static T advance(auto& at, const T& action) {
    constexpr Scalar share = largest_torque / Scalar(Action::high);
    const T torque = T(share) * math::clamp(action, T(Scalar(Action::low)), T(Scalar(Action::high)));
    const T tilt = wrapped<T>(at.angle);
    const T effort = T(Scalar(.001)) * torque * torque;
    const T cost =
        math::fma(tilt, tilt, math::fma(T(Scalar(.1)) * at.angular_velocity, at.angular_velocity, effort));
    constexpr Scalar fall = Scalar(3) * gravity / (Scalar(2) * length),
                     turn = Scalar(3) / (mass * length * length);
    const T acceleration = math::fma(T(fall), math::sin(at.angle), T(turn) * torque);
    at.angular_velocity = math::clamp(math::fma(T(time_step), acceleration, at.angular_velocity),
                                      T(-largest_velocity), T(largest_velocity));
    at.angle = math::fma(T(time_step), at.angular_velocity, at.angle);
    return cost;
  }
};

using Pendulum = BasicPendulum<float>;
/// Pendulum with actions in [-1, 1], which suits policies whose action scale is 1: torque = 2 clamp(a, -1,
/// 1).
using NormalizedPendulum = BasicPendulum<float, NormalizedTorque>;

}  // namespace polis
