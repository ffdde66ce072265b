// Spaces whose elements can be counted: what tables of values and walks through game trees are indexed by.
//
// Discrete and MultiDiscrete are countable as they are. A Box whose numbers encode few situations (a one-hot
// card and what was bet) says so in a type derived from it:
//
//     struct Observation : Box<5> {
//       static constexpr int count = 6;
//       POLIS_HD static int index(In<float> words);  // 0 to count - 1
//     };
#pragma once

#include <concepts>

#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// A space that states how many elements it has and the number of each.
template <class S>
concept NumbersItsElements = Space<S> && requires(In<float> words) {
  { S::count } -> std::convertible_to<int>;
  { S::index(words) } -> std::convertible_to<int>;
};

/// Its elements have numbers from 0 to element_count<S> - 1.
template <class S>
concept EnumerableSpace =
    NumbersItsElements<S> ||
    (Space<S> && (S::kind == SpaceKind::discrete || S::kind == SpaceKind::multi_discrete));

namespace internal {

template <EnumerableSpace S>
POLIS_HD constexpr int count_elements() {
  if constexpr (NumbersItsElements<S>) {
    return S::count;
  } else if constexpr (S::kind == SpaceKind::discrete) {
    return S::size;
  } else {
    int count = 1;
    for (const int size : S::sizes) count *= size;
    return count;
  }
}

}  // namespace internal

/// How many elements the space has.
template <EnumerableSpace S>
inline constexpr int element_count = internal::count_elements<S>();

/// The number of the element that `words` (S::words floats) stand for. Of a MultiDiscrete the last integer
/// counts fastest.
template <EnumerableSpace S>
POLIS_HD int element_index(In<float> words) {
  if constexpr (NumbersItsElements<S>) {
    return S::index(words);
  } else if constexpr (S::kind == SpaceKind::discrete) {
    return static_cast<int>(words[0]);
  } else {
    constexpr auto sizes = S::sizes;  // in device code a static member has a value but no address
    int index = 0;
    for (int i = 0; i < S::words; ++i) index = index * sizes[i] + static_cast<int>(words[i]);
    return index;
  }
}

}  // namespace polis
