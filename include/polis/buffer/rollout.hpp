// Rollout: what on-policy learners collect between two updates.
//
// Arrays of [slot][row][...], a row being one agent of one lane and a slot one step of the environment, in
// one aligned arena. Not every slot of a row holds a decision: `decided` says which do (turns, dead agents),
// and only those are ever gathered. Where agents take turns, slot 0 is kept for a decision of the rollout
// before, whose rewards were still coming in when that one ended.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/arena.hpp>
#include <polis/core/array_view.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/word.hpp>
#include <polis/env/end.hpp>

namespace polis {

/// The sizes of a rollout's arrays.
struct RolloutShape {
  int steps = 0;          ///< environment steps between two updates
  int rows = 0;           ///< lanes times agents
  int observation = 0;    ///< floats of one observation
  int state = 0;          ///< floats of the environment's state, 0 where no critic sees it
  int rows_of_state = 1;  ///< rows that a state is kept once for
  int joint = 0;          ///< floats of the actions of all agents of the lane, 0 where nobody asks for them
  int action = 0;         ///< floats of one action
  int mask = 0;           ///< legality flags, 0 where every action is legal
  int carry = 0;          ///< floats of a recurrent policy's carry
  int segments = 0;       ///< segments a row is cut into for a recurrent policy
  bool idle = false;      ///< whether some rows are kept whose agents do not act
  bool carried = false;   ///< whether slot 0 is kept for the pending decision of the rollout before

  [[nodiscard]] int slots() const { return steps + (carried ? 1 : 0); }
};

/// The arrays of a rollout, wherever they lie: on the CPU in a RolloutArrays, or on a device. Value and
/// observation have one slot more than there are steps: the state after the last.
class RolloutViews {
 public:
  RolloutViews() = default;
  [[gnu::cold]] explicit RolloutViews(const RolloutShape& shape) : shape_(shape) {}

  [[nodiscard]] POLIS_HD const RolloutShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t bytes() const {
    RolloutViews other(shape_);
    return arena_bytes([&other](auto&& visit) { other.layout(visit); });
  }
  /// Has all views show the arrays in `memory`, which has `bytes()` bytes.
  [[gnu::cold, gnu::noinline]] void place(void* memory) {
    place_arrays([this](auto&& visit) { layout(visit); }, memory);
  }

  ArrayView<float, 3> observations;         // [slots + 1][rows][observation]
  ArrayView<float, 3> states;               // [slots + 1][rows / rows_of_state][state]
  ArrayView<float, 3> actions, masks;       // [slots][rows][...]
  ArrayView<float, 3> joint_actions;        // [slots][rows][joint], -1 of agents that do not act
  ArrayView<float, 3> carries;              // [segments][rows][carry]
  ArrayView<float, 2> log_probs, rewards;   // [slots][rows]
  ArrayView<float, 2> values;               // [slots + 1][rows]
  ArrayView<float, 2> final_values;         // [slots][rows], where an episode was truncated
  ArrayView<float, 2> advantages, returns;  // [slots][rows]
  ArrayView<End, 2> ends;                   // [slots][rows]
  ArrayView<std::uint8_t, 2> decided;       // [slots][rows]
  ArrayView<std::uint8_t, 2> active;        // [slots][rows], where `decided` also holds rows that do not act
  ArrayView<std::uint8_t, 2> starts;        // [slots][rows]: first decision of an episode

  /// f(view, sizes...) for every array.
  template <class F>
  void layout(F&& f) {
    const int slots = shape_.slots(), rows = shape_.rows;
    f(observations, slots + 1, rows, shape_.observation);
    f(states, slots + 1, rows / shape_.rows_of_state, shape_.state);
    f(actions, slots, rows, shape_.action);
    f(joint_actions, slots, rows, shape_.joint);
    f(masks, slots, rows, shape_.mask);
    f(carries, shape_.segments, rows, shape_.carry);
    f(log_probs, slots, rows);
    f(rewards, slots, rows);
    f(values, slots + 1, rows);
    f(final_values, slots, rows);
    f(advantages, slots, rows);
    f(returns, slots, rows);
    f(ends, slots, rows);
    f(decided, slots, rows);
    f(active, shape_.idle ? slots : 0, rows);
    f(starts, slots, rows);
  }

 private:
  RolloutShape shape_;
};

/// The arrays of a rollout on the CPU, in one aligned arena.
class RolloutArrays : public RolloutViews {
 public:
  RolloutArrays() = default;
  [[gnu::cold]] explicit RolloutArrays(const RolloutShape& shape) : RolloutViews(shape) {
    arena_ = AlignedVector<float>(RolloutViews::bytes() / sizeof(float));
    place(arena_.data());
  }
  RolloutArrays(const RolloutArrays& other) : RolloutViews(other), arena_(other.arena_) {
    place(arena_.data());
  }
  RolloutArrays& operator=(const RolloutArrays& other) {
    RolloutViews::operator=(other);
    arena_ = other.arena_;
    place(arena_.data());
    return *this;
  }
  RolloutArrays(RolloutArrays&& other) noexcept : RolloutViews(other), arena_(std::move(other.arena_)) {}
  RolloutArrays& operator=(RolloutArrays&& other) noexcept {
    RolloutViews::operator=(other);
    arena_ = std::move(other.arena_);
    return *this;
  }
  ~RolloutArrays() = default;

  void archive(auto& a) {
    a.section("rollout");
    archive_slots(a, shape().slots() + 1);
  }

  /// Saves or restores slot 0 alone: all that the next rollout takes over from this one.
  void archive_first_slot(auto& a) {
    a.section("pending decisions");
    archive_slots(a, 1);
  }

 private:
  /// The first `most` slots of every array, slot by slot, since each holds all lanes.
  void archive_slots(auto& a, int most) {
    layout([&a, most](auto& view, int slots, auto... rest) {
      const std::size_t each = (std::size_t{1} * ... * static_cast<std::size_t>(rest));
      for (int slot = 0; slot < std::min(slots, most); ++slot)
        a.spread(std::span(view.data + static_cast<std::size_t>(slot) * each, each));
    });
  }

  AlignedVector<float> arena_;  // of bytes, each array padded to a cache line
};

/// The word: on-policy samples, used once and then dropped.
struct Rollout {
  using word = word::Buffer;
  using Arrays = RolloutArrays;
};

}  // namespace polis
