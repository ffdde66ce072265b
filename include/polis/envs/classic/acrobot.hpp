// Acrobot: swing the free end of two links above the bar they hang from, by a torque between the links alone.
//
// R. Sutton, "Generalization in reinforcement learning: successful examples using sparse coarse coding"
// (1996), with the equations of motion of Sutton and Barto's book, from which the paper's lack a term.
// Masses, lengths, one Runge-Kutta step of order 4 for each .2 s, bounds, reset and ends are those of
// Gymnasium's Acrobot-v1, which tests/envs/acrobot.cpp follows step for step.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// Acrobot-v1. Actions: a torque of -1, 0 or 1 N m on the joint between the links. The reward is -1 a step
/// and 0 for the one that lifts the free end a link's length above the bar, which terminates. `Scalar` is the
/// precision of the physics; Gymnasium computes in double.
template <class Scalar = float>
struct BasicAcrobot {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Cosine and sine of the first link's angle, of the second link's, and both angular velocities (rad/s).
  using Observation = Box<6>;
  using Action = Discrete<3>;

  struct Config {
    int max_steps = 500;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static constexpr Scalar pi = Scalar(3.14159265358979323846);
  static constexpr Scalar gravity = Scalar(9.8), time_step = Scalar(.2);
  static constexpr Scalar mass = Scalar(1), length = Scalar(1), inertia = Scalar(1);  // of each link
  static constexpr Scalar center = Scalar(.5);  // of mass, from the link's upper end
  static constexpr Scalar fastest_first = Scalar(4) * pi, fastest_second = Scalar(9) * pi;

  Scalar first_angle = 0;   ///< rad in [-pi, pi), 0 straight down
  Scalar second_angle = 0;  ///< the same, relative to the first link
  Scalar first_velocity = 0, second_velocity = 0;
  int steps = 0;

  /// Every number of the state starts uniform in [-.1, .1).
  POLIS_HD void reset(auto& ctx) {
    first_angle = Scalar(ctx.random.uniform(-.1f, .1f));
    second_angle = Scalar(ctx.random.uniform(-.1f, .1f));
    first_velocity = Scalar(ctx.random.uniform(-.1f, .1f));
    second_velocity = Scalar(ctx.random.uniform(-.1f, .1f));
    steps = 0;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    advance(static_cast<Scalar>(actions[0] - 1));
    ++steps;
    ctx.reward(0) = reached_goal() ? 0.f : -1.f;
    if (reached_goal()) ctx.terminate();
    if (steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const {
    const Array<Scalar, 2> angles{{first_angle, second_angle}};
    for (int i = 0; i < 2; ++i) {
      Scalar sine = 0, cosine = 0;
      math::sincos(angles[i], sine, cosine);
      out[2 * i] = static_cast<float>(cosine);
      out[2 * i + 1] = static_cast<float>(sine);
    }
    out[4] = static_cast<float>(first_velocity);
    out[5] = static_cast<float>(second_velocity);
  }

  /// 1 where the goal was reached.
  POLIS_HD float success() const { return reached_goal() ? 1.f : 0.f; }

  /// How high the free end hung at the end (m above the bar, from -2 to 2).
  void metrics(auto&& visit) const { visit("height", static_cast<double>(height())); }

  /// Of the free end above the bar (m).
  POLIS_HD Scalar height() const {
    return -length * (math::cos(first_angle) + math::cos(first_angle + second_angle));
  }
  POLIS_HD bool reached_goal() const { return height() > length; }

 private:
  /// Angles and angular velocities, or their changes per second.
  using Motion = Array<Scalar, 4>;

  /// One time step under a torque (N m).
  POLIS_HD void advance(Scalar torque) {
    const Motion start{{first_angle, second_angle, first_velocity, second_velocity}};
    const Motion k1 = change(start, torque);
    const Motion k2 = change(moved(start, k1, time_step / 2), torque);
    const Motion k3 = change(moved(start, k2, time_step / 2), torque);
    const Motion k4 = change(moved(start, k3, time_step), torque);
    Motion end{};
    for (int i = 0; i < 4; ++i) {
      end[i] = start[i] + time_step / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    }
    constexpr Scalar first_limit = fastest_first, second_limit = fastest_second;
    first_angle = wrapped(end[0]);
    second_angle = wrapped(end[1]);
    first_velocity = math::clamp(end[2], -first_limit, first_limit);
    second_velocity = math::clamp(end[3], -second_limit, second_limit);
  }

  POLIS_HD static Motion moved(const Motion& from, const Motion& change, Scalar time) {
    Motion to{};
    for (int i = 0; i < 4; ++i) to[i] = from[i] + time * change[i];
    return to;
  }

  /// The equations of motion (Sutton and Barto, figure "The acrobot"), d and phi as they name them.
  POLIS_HD static Motion change(const Motion& at, Scalar torque) {
    Scalar sine = 0, cosine = 0;
    math::sincos(at[1], sine, cosine);
    const Scalar lever = mass * length * center;
    const Scalar d1 = mass * center * center +
                      mass * (length * length + center * center + 2 * length * center * cosine) + 2 * inertia;
    const Scalar d2 = mass * (center * center + length * center * cosine) + inertia;
    const Scalar phi2 = mass * center * gravity * math::sin(at[0] + at[1]);
    const Scalar phi1 = -lever * at[3] * at[3] * sine - 2 * lever * at[3] * at[2] * sine +
                        (mass * center + mass * length) * gravity * math::sin(at[0]) + phi2;
    const Scalar second = (torque + d2 / d1 * phi1 - lever * at[2] * at[2] * sine - phi2) /
                          (mass * center * center + inertia - d2 * d2 / d1);
    return {{at[2], at[3], -(d2 * second + phi1) / d1, second}};
  }

  /// The angle in [-pi, pi).
  POLIS_HD static Scalar wrapped(Scalar angle) {
    return angle - 2 * pi * math::floor((angle + pi) / (2 * pi));
  }
};

using Acrobot = BasicAcrobot<float>;

}  // namespace polis
