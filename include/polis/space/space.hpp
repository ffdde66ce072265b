// Spaces: the types of observations and actions.
//
// A space states the type of its elements (`Element`), how many floats one element takes in a buffer
// (`words`; a discrete index is one float, exact up to 2^24) and how many inputs it gives a network
// (`features`; a discrete index becomes a one-hot vector). Bounds of a Box are constexpr members of a type
// derived from it:
//
//     struct Torque : Box<1> { static constexpr float low = -1, high = 1; };
#pragma once

#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>

namespace polis {

enum class SpaceKind { box, discrete, multi_discrete, simplex, tuple };

/// Vectors of N real numbers, unbounded unless a derived type states `low` and `high` (numbers, or arrays of
/// N).
template <int N>
struct Box {
  static constexpr SpaceKind kind = SpaceKind::box;
  static constexpr int words = N, features = N;
  using Element = Array<float, N>;
};

/// The integers 0 to N-1.
template <int N>
struct Discrete {
  static_assert(N > 0);
  static constexpr SpaceKind kind = SpaceKind::discrete;
  static constexpr int words = 1, features = N, size = N;
  using Element = int;
};

/// Several integers, the i-th below N_i.
template <int... N>
struct MultiDiscrete {
  static constexpr SpaceKind kind = SpaceKind::multi_discrete;
  static constexpr int words = sizeof...(N), features = (N + ...);
  using Element = Array<int, words>;
  static constexpr Array<int, words> sizes{{N...}};
};

/// Vectors of N non-negative numbers that sum to one: portfolio weights, shares of a resource.
template <int N>
struct Simplex {
  static_assert(N > 1);
  static constexpr SpaceKind kind = SpaceKind::simplex;
  static constexpr int words = N, features = N;
  using Element = Array<float, N>;
};

/// A space as the library uses it; see the top of the file for what each member means.
template <class S>
concept Space = requires {
  typename S::Element;
  { S::kind } -> std::convertible_to<SpaceKind>;
  { S::words } -> std::convertible_to<int>;
  { S::features } -> std::convertible_to<int>;
};

/// The element of a Tuple: `get<I>()` is the element of its I-th space.
template <class... S>
struct TupleElement {};

template <class First, class... Rest>
struct TupleElement<First, Rest...> {
  typename First::Element first;
  TupleElement<Rest...> rest;

  template <int I>
  POLIS_HD constexpr auto& get() {
    if constexpr (I == 0) {
      return first;
    } else {
      return rest.template get<I - 1>();
    }
  }
  template <int I>
  POLIS_HD constexpr const auto& get() const {
    if constexpr (I == 0) {
      return first;
    } else {
      return rest.template get<I - 1>();
    }
  }
};

/// Several spaces side by side: an order has a size *and* a holding period.
template <class... S>
struct Tuple {
  static_assert((Space<S> && ...));
  static constexpr SpaceKind kind = SpaceKind::tuple;
  static constexpr int words = (S::words + ... + 0), features = (S::features + ... + 0);
  using Element = TupleElement<S...>;
};

template <class S>
concept BoundedSpace = Space<S> && requires {
  S::low;
  S::high;
};

namespace internal {

template <class Bound>
POLIS_HD constexpr float bound_at(const Bound& bound, int i) {
  if constexpr (std::is_arithmetic_v<Bound>) {
    return static_cast<float>(bound);
  } else {
    return static_cast<float>(bound[i]);
  }
}

template <class... S>
POLIS_HD void decode_tuple(In<float> words, TupleElement<S...>& element);

}  // namespace internal

/// The element of S that `words` (S::words floats) stand for. Values of a bounded Box are clipped to its
/// bounds; a Simplex takes coordinates that are already on it.
template <Space S>
POLIS_HD typename S::Element decode(In<float> words) {
  typename S::Element element{};
  if constexpr (S::kind == SpaceKind::discrete) {
    element = static_cast<int>(words[0]);
  } else if constexpr (S::kind == SpaceKind::tuple) {
    internal::decode_tuple(words, element);
  } else {
    for (int i = 0; i < S::words; ++i) {
      if constexpr (S::kind == SpaceKind::multi_discrete) {
        element[i] = static_cast<int>(words[i]);
      } else if constexpr (BoundedSpace<S>) {
        constexpr auto low = S::low;  // in device code a static member has a value but no address
        constexpr auto high = S::high;
        element[i] = math::clamp(words[i], internal::bound_at(low, i), internal::bound_at(high, i));
      } else {
        element[i] = words[i];
      }
    }
  }
  return element;
}

namespace internal {

template <class... S>
POLIS_HD void decode_tuple(In<float> words, TupleElement<S...>& element) {
  auto walk = [&words]<class First, class... Rest>(auto& self, TupleElement<First, Rest...>& at, int word) {
    at.first = decode<First>(words.from(word));
    if constexpr (sizeof...(Rest) > 0) self(self, at.rest, word + First::words);
  };
  if constexpr (sizeof...(S) > 0) walk(walk, element, 0);
}

template <class S>
struct Expand {
  /// Writes the network inputs of one element: one-hot for indices, the numbers themselves otherwise.
  POLIS_HD static void apply(In<float> words, Out<float> features) {
    if constexpr (S::kind == SpaceKind::discrete) {
      for (int i = 0; i < S::features; ++i) features.set(i, i == static_cast<int>(words[0]) ? 1.f : 0.f);
    } else if constexpr (S::kind == SpaceKind::multi_discrete) {
      constexpr auto sizes = S::sizes;
      int at = 0;
      for (int k = 0; k < S::words; ++k) {
        for (int i = 0; i < sizes[k]; ++i) features.set(at + i, i == static_cast<int>(words[k]) ? 1.f : 0.f);
        at += sizes[k];
      }
    } else {
      for (int i = 0; i < S::words; ++i) features.set(i, words[i]);
    }
  }
};

template <class... S>
struct Expand<Tuple<S...>> {
  POLIS_HD static void apply(In<float> words, Out<float> features) {
    int word = 0, feature = 0;
    ((Expand<S>::apply(words.from(word), features.from(feature)), word += S::words, feature += S::features),
     ...);
  }
};

}  // namespace internal

/// Writes the S::features network inputs of the element that `words` stand for.
template <Space S>
POLIS_HD void expand(In<float> words, Out<float> features) {
  internal::Expand<S>::apply(words, features);
}

/// Whether network inputs are the stored words themselves, so that a batch can be gathered without expanding.
template <Space S>
inline constexpr bool stored_as_features = S::kind == SpaceKind::box || S::kind == SpaceKind::simplex;

}  // namespace polis
