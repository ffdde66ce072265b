// The particle world: round bodies that are pushed about a plane, and push each other off where they touch.
//
// I. Mordatch and P. Abbeel, "Emergence of grounded compositional language in multi-agent populations"
// (2018), as in the multi-agent particle environments of R. Lowe et al., "Multi-agent actor-critic for mixed
// cooperative-competitive environments" (2017). One step of a body of mass 1 under the force F is
//
//     velocity <- (1 - damping) velocity + F dt,  held below the body's largest speed
//     position <- position + velocity dt
//
// in the original, which moves with the new velocity. PettingZoo exchanged the two lines in version 1.24
// (its change #970): a body there moves with the velocity it had, and answers to a push one step later.
// Figures of the one are not figures of the other, and so the physics is a type: particle::Original,
// particle::Revised.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>

namespace polis::particle {

/// The world of 2017: velocity first. The reward of simple_spread counts every agent as in collision with
/// itself, 1 a step and agent. EPyMARL's figures, and all older ones, are for it.
struct Original {
  static constexpr bool velocity_first = true, collides_with_itself = true;
};

/// The world since PettingZoo 1.24 (mpe2): position first; nothing collides with itself.
struct Revised {
  static constexpr bool velocity_first = false, collides_with_itself = false;
};

/// A point of the plane, or a force, or a velocity.
struct Vector {
  float x = 0, y = 0;

  POLIS_HD friend constexpr Vector operator+(Vector a, Vector b) { return {a.x + b.x, a.y + b.y}; }
  POLIS_HD friend constexpr Vector operator-(Vector a, Vector b) { return {a.x - b.x, a.y - b.y}; }
  POLIS_HD friend constexpr Vector operator*(float scale, Vector a) { return {scale * a.x, scale * a.y}; }
  friend bool operator==(const Vector&, const Vector&) = default;

  POLIS_HD constexpr float squared_length() const { return x * x + y * y; }
  POLIS_HD float length() const { return math::sqrt(squared_length()); }
};

/// What moves: where it is and how fast.
struct Body {
  Vector position, velocity;
};

inline constexpr float time_step = .1f, damping = .25f, contact_force = 100, contact_margin = 1e-3f;

/// What an agent that moves can do: 0 nothing, 1 left, 2 right, 3 down, 4 up.
inline constexpr int moves = 5;

/// The force of such a move.
POLIS_HD constexpr Vector push(int move, float strength) {
  if (move == 1) return {-strength, 0};
  if (move == 2) return {strength, 0};
  if (move == 3) return {0, -strength};
  if (move == 4) return {0, strength};
  return {0, 0};
}

/// Whether two bodies overlap whose radii add up to `reach`.
POLIS_HD inline bool touching(Vector a, Vector b, float reach) { return (a - b).length() < reach; }

/// The force on a body at `at` from one at `other`; the other feels its negative. It grows as a softplus of
/// the depth to which they overlap. Below exp(-20) of the margin it is left out, far less than what rounding
/// leaves of a velocity; between bodies in the very same place there is none, for want of a direction.
POLIS_HD inline Vector contact(Vector at, Vector other, float reach) {
  const Vector apart = at - other;
  const float distance = apart.length();
  const float depth = (reach - distance) / contact_margin;  // in margins; negative where they are apart
  if (depth < -20 || distance == 0) return {};
  const float overlap =
      contact_margin * (math::max(depth, 0.f) + math::log(1 + math::exp(-math::abs(depth))));
  return (contact_force * overlap / distance) * apart;
}

/// One step of a body of mass 1 under the force. A largest speed of 0 is none.
template <class Physics>
POLIS_HD void move(Body& body, Vector force, float largest_speed = 0) {
  if constexpr (!Physics::velocity_first) body.position = body.position + time_step * body.velocity;
  body.velocity = (1 - damping) * body.velocity + time_step * force;
  if (largest_speed > 0) {
    const float speed = body.velocity.length();
    if (speed > largest_speed) body.velocity = (largest_speed / speed) * body.velocity;
  }
  if constexpr (Physics::velocity_first) body.position = body.position + time_step * body.velocity;
}

/// A point of the square [-bound, bound)^2.
POLIS_HD inline Vector anywhere(Random& random, float bound = 1) {
  const float x = random.uniform(-bound, bound);
  return {x, random.uniform(-bound, bound)};
}

/// Writes vectors one after another.
class Pen {
 public:
  POLIS_HD explicit Pen(Row out) : out_(out) {}

  POLIS_HD void write(Vector vector) {
    out_[at_++] = vector.x;
    out_[at_++] = vector.y;
  }
  /// `count` numbers, of which the one at `index` is 1 and all others 0; none is, where it is negative.
  POLIS_HD void write_one_hot(int index, int count) {
    for (int i = 0; i < count; ++i) out_[at_++] = i == index ? 1.f : 0.f;
  }

 private:
  Row out_;
  int at_ = 0;
};

/// The settings that every task of this family has.
struct EpisodeConfig {
  int max_steps = 25;  ///< the last step of an episode
  /// Whether the last step ends the episode: the return is that of so many steps, as EPyMARL values it. Else
  /// it is cut there (PettingZoo), and what would follow is valued too.
  bool limit_ends = false;
  static constexpr void fields(auto& self, auto&& visit) {
    visit("max_steps", self.max_steps);
    visit("limit_ends", self.limit_ends);
  }
};

/// Ends or cuts the episode at its last step.
POLIS_HD void count_step(int& steps, auto& ctx) {
  const EpisodeConfig& config = ctx.config();
  if (++steps < config.max_steps) return;
  if (config.limit_ends) {
    ctx.terminate();
  } else {
    ctx.truncate();
  }
}

}  // namespace polis::particle
