// CartPole: keep a pole upright by pushing the cart it stands on to the left or to the right.
//
// A. Barto, R. Sutton, C. Anderson, "Neuronlike adaptive elements that can solve difficult learning control
// problems" (1983); the equations of motion of R. Florian, "Correct equations for the dynamics of the
// cart-pole system" (2005), without friction. Constants, explicit Euler steps, reset and ends are those of
// Gymnasium's CartPole-v1, which tests/envs/cartpole.cpp follows step for step.
#pragma once

#include <polis/core/constant_quotient.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// CartPole-v1. Actions: 0 pushes to the left, 1 to the right. The reward is 1 every step, the last one
/// included. Terminates when the cart is more than 2.4 m from the middle or the pole more than 12 degrees
/// from the vertical. `Scalar` is the precision of the physics; Gymnasium computes in double.
template <class Scalar = float>
struct BasicCartPole {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Position (m), velocity (m/s), angle (rad, positive to the right), angular velocity (rad/s).
  using Observation = Box<4>;
  using Action = Discrete<2>;

  struct Config {
    int max_steps = 500;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static OptimalValue optimal_value(const auto& view) {
    return {static_cast<double>(view.config().max_steps)};
  }

  static constexpr Scalar gravity = Scalar(9.8), pole_mass = Scalar(.1), total_mass = Scalar(1.1);
  static constexpr Scalar half_length = Scalar(.5), force = Scalar(10), time_step = Scalar(.02);
  static constexpr Scalar track_end = Scalar(2.4), largest_angle = Scalar(3.14159265358979323846 / 15);

  Scalar position = 0, velocity = 0, angle = 0, angular_velocity = 0;
  int steps = 0;

  /// Every number of the state starts uniform in [-.05, .05).
  POLIS_HD void reset(auto& ctx) {
    position = Scalar(ctx.random.uniform(-.05f, .05f));
    velocity = Scalar(ctx.random.uniform(-.05f, .05f));
    angle = Scalar(ctx.random.uniform(-.05f, .05f));
    angular_velocity = Scalar(ctx.random.uniform(-.05f, .05f));
    steps = 0;
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    advance<Scalar>(*this, actions[0] == 1 ? force : -force);
    ++steps;
    ctx.reward(0) = 1.f;
    if (left_track() || fell()) ctx.terminate();
    if (steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const {
    out[0] = static_cast<float>(position);
    out[1] = static_cast<float>(velocity);
    out[2] = static_cast<float>(angle);
    out[3] = static_cast<float>(angular_velocity);
  }

  /// 1 once the pole has stood for 475 steps, the mean return at which CartPole-v1 counts as solved.
  POLIS_HD float success() const { return steps >= 475 ? 1.f : 0.f; }

  /// How the episode ended, if not by its length.
  void metrics(auto&& visit) const {
    visit("fell", fell() ? 1. : 0.);
    visit("left_track", left_track() ? 1. : 0.);
  }

  POLIS_HD bool left_track() const { return math::abs(position) > track_end; }
  POLIS_HD bool fell() const { return math::abs(angle) > largest_angle; }

  /// Lanes side by side (env/step_tile.hpp).
  template <class T>
  struct Tile {
    T position, velocity, angle, angular_velocity, steps;
  };
  static constexpr void columns(auto& self, auto&& visit) {
    visit(self.position), visit(self.velocity);
    visit(self.angle), visit(self.angular_velocity);
    visit(self.steps);
  }

  template <class T>
  [[gnu::always_inline]] static void reset_tile(Tile<T>& lanes, auto& ctx) {
    lanes.position = ctx.random.uniform(-.05f, .05f);
    lanes.velocity = ctx.random.uniform(-.05f, .05f);
    lanes.angle = ctx.random.uniform(-.05f, .05f);
    lanes.angular_velocity = ctx.random.uniform(-.05f, .05f);
    lanes.steps = T(0.f);
  }

  template <class T>
  [[gnu::always_inline]] static void step_tile(Tile<T>& lanes, const auto& actions, auto& ctx) {
    advance<T>(lanes, math::select(actions[0][0] == T(1.f), T(force), T(-force)));
    lanes.steps += T(1.f);
    ctx.reward(0) = T(1.f);
    ctx.terminate(math::abs(lanes.position) > T(track_end) || math::abs(lanes.angle) > T(largest_angle));
    ctx.truncate(lanes.steps >= T(static_cast<float>(ctx.config().max_steps)));
  }

  template <class T>
  [[gnu::always_inline]] static void observe_tile(const Tile<T>& lanes, int, Out<T> out) {
    out.set(0, lanes.position);
    out.set(1, lanes.velocity);
    out.set(2, lanes.angle);
    out.set(3, lanes.angular_velocity);
  }

 private:
  /// One explicit Euler step under a horizontal force (N), of one lane or of a register of lanes.
  template <class T>
  [[gnu::always_inline]] POLIS_HD static void advance(auto& at, const T& push) {
    T sine = at.angle, cosine = at.angle;
    math::sincos(at.angle, sine, cosine);
    constexpr Scalar pole = pole_mass * half_length;
    const T spin = T(pole) * at.angular_velocity * at.angular_velocity;
    const T mass(total_mass);
    const T drive = math::constant_quotient(math::fma(spin, sine, push), mass);
    const T angular_acceleration =
        math::fma(T(gravity), sine, -(cosine * drive)) /
        (T(half_length) *
         (T(Scalar(4. / 3.)) - math::constant_quotient(T(pole_mass) * cosine * cosine, mass)));
    const T acceleration = drive - math::constant_quotient(T(pole) * angular_acceleration * cosine, mass);
    at.position = math::fma(T(time_step), at.velocity, at.position);
    at.velocity = math::fma(T(time_step), acceleration, at.velocity);
    at.angle = math::fma(T(time_step), at.angular_velocity, at.angle);
    at.angular_velocity = math::fma(T(time_step), angular_acceleration, at.angular_velocity);
  }
};

using CartPole = BasicCartPole<float>;

}  // namespace polis
