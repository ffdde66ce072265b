// The loss of a state value against its target, and its derivative: one half of the squared error, alone or
// with PPO's clip.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

/// A value's loss and its derivative with respect to the value.
template <class T>
struct ValueLoss {
  T loss, d_value;
};

/// 1/2 (value - target)^2.
template <class T>
POLIS_HD ValueLoss<T> squared_value_loss(const T& value, const T& target) {
  const T error = value - target;
  return {math::constant<T>(.5) * error * error, error};
}

/// The larger of the losses of the value and of the value held within `clip` of what it was when the data
/// were collected (as in the implementation of Schulman et al. 2017): no gradient draws it further than that.
template <class T>
POLIS_HD ValueLoss<T> clipped_value_loss(const T& value, const T& old_value, const T& target, const T& clip) {
  const ValueLoss<T> plain = squared_value_loss<T>(value, target);
  // Within the bound it is the value itself: old + (value - old) may be off by a rounding, and which of the
  // losses is larger would be chance, and with it whether there is a gradient.
  const T move = value - old_value;
  const T held = math::select(math::abs(move) > clip, old_value + math::clamp(move, -clip, clip), value);
  const ValueLoss<T> clipped = squared_value_loss<T>(held, target);
  const auto moves = plain.loss >= clipped.loss;
  return {math::max(plain.loss, clipped.loss), math::select(moves, plain.d_value, math::constant<T>(0))};
}

}  // namespace polis
