// What an estimator of returns is: a function of one row's rewards, values and ends, slot by slot.
//
// A slot is a step of the environment; a row is one agent of one lane. A *transition* spans from an agent's
// decision to its next one: the rewards between belong to it, and time counts in the agent's own decisions
// unless an estimator's settings say otherwise. So turns, deaths and agents that act at their own pace are
// the general case, and an agent that decides at every slot the special one.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/env/end.hpp>

namespace polis {

/// One row, or the first of several neighbouring rows, of [slots][rows] arrays: slot t lies at data[t *
/// stride], the same slot of the next row one element further.
struct Trajectory {
  int slots = 0;
  std::ptrdiff_t stride = 1;
  const float* rewards = nullptr;
  const float* values = nullptr;  ///< V at each decision; not read elsewhere
  const float* bootstrap =
      nullptr;  ///< V after the last slot, one for each row; of no effect if that slot is an end
  const End* ends = nullptr;
  const float* final_values =
      nullptr;  ///< V(final observation), read where `ends` says truncated; null if none is
  const std::uint8_t* decided = nullptr;  ///< whether the agent decided; null if it did everywhere
  const float* discounts = nullptr;  ///< a discount for each slot in place of the settings' one; may be null
  /// pi(a|o) / mu(a|o) at each decision, mu being the policy that took it; null: 1.
  const float* ratios = nullptr;
  /// Whether advantages are to carry the ratio. An objective with a ratio of its own says no.
  bool weigh_advantages = true;
  float* advantages = nullptr;
  float* returns = nullptr;

  /// The same from row `rows` on.
  [[nodiscard]] POLIS_HD Trajectory from(int rows) const {
    Trajectory t = *this;
    t.rewards += rows, t.values += rows, t.bootstrap += rows, t.ends += rows, t.advantages += rows,
        t.returns += rows;
    if (final_values) t.final_values += rows;
    if (decided) t.decided += rows;
    if (discounts) t.discounts += rows;
    if (ratios) t.ratios += rows;
    return t;
  }
};

/// `estimate<T>` fills advantages and returns of one row (T = float) or of a register of neighbouring rows;
/// both give the same bits, so that how rows fall into registers does not matter.
template <class R>
concept RowEstimator = requires(const typename R::Config& config, const Trajectory& trajectory) {
  R::template estimate<float>(config, trajectory);
};

/// `estimate_group` fills advantages and returns of a group of rows whose episodes began alike: those of
/// `Config::group` lanes, `step` elements apart from `first` on, for one agent. It writes to until[i * step]
/// how many slots of row i there are to learn from; what comes after them has no estimate.
template <class R>
concept GroupEstimator =
    requires(const typename R::Config& config, const Trajectory& first, std::ptrdiff_t step, int* until) {
      { config.group } -> std::convertible_to<int>;
      R::estimate_group(config, first, step, until);
    };

/// An estimator of returns, a word of a sentence. `Config::discount` is required by name, since reward
/// scaling accumulates with the same discount. Three constants may say more of it:
///
/// - `recomputes`: the estimate depends on the policy that learns, by the ratios, and is made anew before
///   every epoch.
/// - `complete_episodes`: there is nothing to learn from a decision before its episode has ended.
/// - `uses_values`, if false: no value is estimated or learnt.
template <class R>
concept ReturnEstimator =
    std::same_as<typename R::word, word::Returns> && requires(const typename R::Config& config) {
      { config.discount } -> std::convertible_to<float>;
    } && (RowEstimator<R> || GroupEstimator<R>);

template <class R>
inline constexpr bool recomputes = requires { requires R::recomputes; };
template <class R>
inline constexpr bool complete_episodes = requires { requires R::complete_episodes; };
template <class R>
inline constexpr bool uses_values = !requires { requires !R::uses_values; };

/// Estimates `rows` neighbouring rows, a register at a time.
template <class Arch, RowEstimator R>
void estimate_rows(const typename R::Config& config, const Trajectory& first, int rows) {
  constexpr int width = batch_width<Batch<Arch>>;
  int row = 0;
  for (; row + width <= rows; row += width) R::template estimate<Batch<Arch>>(config, first.from(row));
  for (; row < rows; ++row) R::template estimate<float>(config, first.from(row));
}

namespace internal {

/// Bytes of one row, or of a register of rows, as numbers.
template <class T, class Byte>
POLIS_HD T load_bytes(const Byte* from) {
  if constexpr (is_batch<T>) {
    float numbers[batch_width<T>];
    for (int i = 0; i < batch_width<T>; ++i) numbers[i] = static_cast<float>(from[i]);
    return Load<T>::load(numbers);
  } else {
    return static_cast<T>(*from);
  }
}

}  // namespace internal

}  // namespace polis
