// MountainCar: leave a valley with an engine too weak for the slope, by gathering speed on the other side.
//
// A. Moore, "Efficient memory-based learning for robot control" (1990). Dynamics, reset and ends are those of
// Gymnasium's MountainCar-v0, which tests/envs/mountain_car.cpp follows step for step. The form whose engine
// is a number is in mountain_car_continuous.hpp.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A car in the valley sin(3 position): what both forms of MountainCar move in. One step is the unit of time.
template <class Scalar>
struct ValleyCar {
  static constexpr Scalar left_end = Scalar(-1.2), right_end = Scalar(.6);
  static constexpr Scalar fastest = Scalar(.07), gravity = Scalar(.0025);

  Scalar position = 0, velocity = 0;
  int steps = 0;

  /// The car stands still, uniform in [-.6, -.4), around the lowest point.
  POLIS_HD void place(Random& random) {
    position = Scalar(random.uniform(-.6f, -.4f));
    velocity = 0;
    steps = 0;
  }

  /// One step under an acceleration by the engine. The left end is a wall that stops the car.
  POLIS_HD void drive(Scalar engine) {
    constexpr Scalar limit = fastest, left = left_end, right = right_end;
    velocity = math::clamp(velocity + engine - gravity * math::cos(Scalar(3) * position), -limit, limit);
    position = math::clamp(position + velocity, left, right);
    if (position == left && velocity < 0) velocity = 0;
    ++steps;
  }

  POLIS_HD void show(Row out) const {
    out[0] = static_cast<float>(position);
    out[1] = static_cast<float>(velocity);
  }
};

/// MountainCar-v0. Actions: 0 drives to the left, 1 not at all, 2 to the right. The reward is -1 every step,
/// the last one included. Terminates from position .5 on. `Scalar` is the precision of the physics; Gymnasium
/// computes in double.
template <class Scalar = float>
struct BasicMountainCar : ValleyCar<Scalar> {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  /// Position, velocity.
  using Observation = Box<2>;
  using Action = Discrete<3>;

  struct Config {
    int max_steps = 200;  ///< an episode is truncated after so many steps
    static constexpr void fields(auto& self, auto&& visit) { visit("max_steps", self.max_steps); }
  };

  static constexpr Scalar force = Scalar(.001), goal = Scalar(.5);

  POLIS_HD void reset(auto& ctx) { this->place(ctx.random); }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    this->drive(force * static_cast<Scalar>(actions[0] - 1));
    ctx.reward(0) = -1.f;
    if (reached_goal()) ctx.terminate();
    if (this->steps >= ctx.config().max_steps) ctx.truncate();
  }

  POLIS_HD void observe(int, Row out) const { this->show(out); }

  /// 1 where the goal was reached.
  POLIS_HD float success() const { return reached_goal() ? 1.f : 0.f; }

  POLIS_HD bool reached_goal() const { return this->position >= goal && this->velocity >= 0; }
};

using MountainCar = BasicMountainCar<float>;

}  // namespace polis
