// Tiny environments, one for each seam between environment, policy and learner. Their optima are known.
#pragma once

#include <polis/env/environment.hpp>

namespace polis_test {

using namespace polis;

struct Sender {};
struct Receiver {};

/// Two roles of different spaces, paid for their agreement: the sender sees a cue and gives a signal, the
/// receiver sees the signal of the step before and names the cue of that step. 8 steps; at best 1 for each
/// but the first.
struct Signalling {
  using Roles =
      polis::Roles<Role<Sender, 1, Discrete<2>, Discrete<3>>, Role<Receiver, 1, Box<3>, Discrete<2>>>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int cue = 0, last_cue = 0, signal = 0, step_count = 0;

  void reset(auto& ctx) { *this = {.cue = ctx.random.integer(2)}; }
  void step(const auto& actions, auto& ctx) {
    if (step_count > 0) ctx.reward_all(actions.of(Receiver{})[0] == last_cue ? 1.f : 0.f);
    last_cue = cue;
    signal = actions.of(Sender{})[0];
    cue = ctx.random.integer(2);
    if (++step_count == 8) ctx.truncate();
  }
  void observe(Sender, int, Row out) const { out[0] = static_cast<float>(cue); }
  void observe(Receiver, int, Row out) const {
    for (int i = 0; i < 3; ++i) out[i] = step_count > 0 && signal == i ? 1.f : 0.f;
  }
};

/// Subtraction game by turns: 7 sticks, each player takes 1 or 2, who takes the last wins +1, the other gets
/// -1. The loser learns of it in the winner's turn. The first player wins: take 1, then leave multiples of 3.
struct Sticks {
  static constexpr int agents = 2;
  using Observation = Discrete<8>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  int left = 7, turn = 0;

  void reset(auto&) { left = 7, turn = 0; }
  void step(const auto& actions, auto& ctx) {
    left -= 1 + actions[turn];
    if (left <= 0) {
      ctx.reward(turn) = left == 0 ? 1.f : -1.f;  // who takes a stick too many has lost
      ctx.reward(1 - turn) = -ctx.reward(turn);
      ctx.terminate();
    }
    turn = 1 - turn;
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(left > 0 ? left : 0); }
  bool acting(int agent) const { return agent == turn; }
};

/// A cue is seen at the first step only; `Delay` steps later the action must equal it (reward 1, else 0).
template <int Delay>
struct Recall {
  static constexpr int agents = 1;
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int cue = 0, at = 0;
  bool right = false;

  void reset(auto& ctx) { cue = ctx.random.integer(2), at = 0, right = false; }
  void step(const auto& actions, auto& ctx) {
    if (at++ < Delay) return;
    right = actions[0] == cue;
    ctx.reward(0) = right ? 1.f : 0.f;
    ctx.terminate();
  }
  void observe(int, Row out) const {
    out[0] = at == 0 ? static_cast<float>(2 * cue - 1) : 0.f;
    out[1] = at == Delay ? 1.f : 0.f;
  }
  float success() const { return right ? 1.f : 0.f; }
};

/// Three agents on posts of which each takes the right one of two actions (its post's side, seen) or dies; a
/// step survived pays 1. Twelve steps, then the episode is cut off.
struct Minefield {
  static constexpr int agents = 3;
  using Observation = Box<2>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  int side[agents] = {}, at = 0;

  void reset(auto& ctx) {
    at = 0;
    draw(ctx);
  }
  void step(const auto& actions, auto& ctx) {
    for (int i = 0; i < agents; ++i) {
      if (actions[i] == side[i]) {
        ctx.reward(i) = 1;
      } else {
        ctx.terminate(i);
      }
    }
    if (++at == 12) ctx.truncate();
    draw(ctx);
  }
  void observe(int agent, Row out) const {
    out[0] = static_cast<float>(2 * side[agent] - 1);
    out[1] = 1;
  }

 private:
  void draw(auto& ctx) {
    for (int& s : side) s = ctx.random.integer(2);
  }
};

/// One cell: every step pays 1 whatever is done, and the episode ends after the second step, truly or by a
/// cut.
template <class ActionSpace, bool terminates>
struct Pair {
  static constexpr int agents = 1;
  using Observation = Discrete<2>;
  using Action = ActionSpace;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  int at = 0;

  void reset(auto&) { at = 0; }
  void step(const auto&, auto& ctx) {
    ctx.reward(0) = 1;
    if (++at < 2) return;
    if (terminates) {
      ctx.terminate();
    } else {
      ctx.truncate();
    }
  }
  void observe(int, Row out) const { out[0] = at == 1 ? 1.f : 0.f; }  // a cut shows the first cell again
};

}  // namespace polis_test
