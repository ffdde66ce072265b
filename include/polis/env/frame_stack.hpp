// FrameStack<E, K>: agents see their last K observations, so that a network without memory sees how things
// move (Mnih et al. 2015 stack four).
//
// The oldest comes first. At a reset the first observation stands in every place. Frames are one step of the
// environment apart, also for an agent that waits for its turn. The state, legal actions and all else are E's
// own: a state is the whole situation already.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/wrapper.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

template <class S, class Indices>
struct TupleOfCopies;
template <class S, std::size_t... I>
struct TupleOfCopies<S, std::index_sequence<I...>> {
  template <std::size_t>
  using Copy = S;
  using type = Tuple<Copy<I>...>;
};

template <class S, int K>
struct StackOf {
  using type = typename TupleOfCopies<S, std::make_index_sequence<std::size_t{K}>>::type;
};
/// Numbers stay numbers side by side: networks take them as they are stored.
template <class S, int K>
  requires(S::kind == SpaceKind::box)
struct StackOf<S, K> {
  using type = Box<K * S::words>;
};

/// The roles with their observations stacked, and how many floats one frame of all agents has.
template <class List, int K>
struct StackedRoles;
template <class... R, int K>
struct StackedRoles<Roles<R...>, K> {
  using type = Roles<Role<typename R::Tag, R::count, typename StackOf<typename R::Observation, K>::type,
                          typename R::Action>...>;
  static constexpr int words = (0 + ... + (R::count * R::Observation::words));
};

/// Where in a frame the observations of E's R-th role begin.
template <class E, int R>
constexpr int first_word() {
  if constexpr (R == 0) {
    return 0;
  } else {
    return first_word<E, R - 1>() + RoleOf<E, R - 1>::count * RoleOf<E, R - 1>::Observation::words;
  }
}

}  // namespace internal

/// K observations of S in a row: Box<K N> for a Box<N>, a Tuple of K for any other space.
template <Space S, int K>
using Stacked = typename internal::StackOf<S, K>::type;

template <Environment E, int K>
class FrameStack;

template <class E, int K>
struct InsideOf<FrameStack<E, K>> {
  using type = E;
};

template <class E, int K>
struct Actions<FrameStack<E, K>> : Actions<E> {};

/// E, whose agents see the last K of what E shows them.
template <Environment E, int K>
class FrameStack : public Wrapper<E> {
  static_assert(K > 0, "a stack has at least one frame");

 public:
  using Roles = typename internal::StackedRoles<RolesOf<E>, K>::type;

  POLIS_HD void reset(Context<FrameStack>& ctx) {
    this->env_.reset(static_cast<Context<E>&>(ctx));
    for (int k = 0; k < K; ++k) push(ctx);
  }

  POLIS_HD void step(const Actions<FrameStack>& actions, Context<FrameStack>& ctx) {
    this->env_.step(static_cast<const Actions<E>&>(actions), static_cast<Context<E>&>(ctx));
    push(ctx);
  }

  template <class Tag>
    requires(role_index<E, Tag> < role_count<E>)
  POLIS_HD void observe(Tag, int index, Row out) const {
    constexpr int role = role_index<E, Tag>;
    constexpr int words = RoleOf<E, role>::Observation::words;
    const int first = internal::first_word<E, role>() + index * words;
    for (int k = 0; k < K; ++k) {
      const int slot = newest_ + 1 + k < K ? newest_ + 1 + k : newest_ + 1 + k - K;
      for (int i = 0; i < words; ++i) out[k * words + i] = frames_[slot * frame_words + first + i];
    }
  }
  POLIS_HD void observe(int agent, Row out) const
    requires(role_count<E> == 1)
  {
    observe(typename RoleOf<E, 0>::Tag{}, agent, out);
  }

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(this->env_, frames_, newest_);
  }

 private:
  static constexpr int frame_words = internal::StackedRoles<RolesOf<E>, K>::words;

  /// Writes what all agents see now over the oldest frame.
  POLIS_HD void push(const Context<FrameStack>& ctx) {
    const View<E> view(ctx.config(), ctx.task(), ctx.data());
    newest_ = newest_ + 1 < K ? newest_ + 1 : 0;
    push_role<0>(Row{&frames_[newest_ * frame_words]}, view);
  }
  template <int R>
  POLIS_HD void push_role(Row frame, const View<E>& view) {
    constexpr int words = RoleOf<E, R>::Observation::words;
    for (int i = 0; i < RoleOf<E, R>::count; ++i) {
      internal::observe<R>(this->env_, i, frame.from(internal::first_word<E, R>() + i * words), view);
    }
    if constexpr (R + 1 < role_count<E>) push_role<R + 1>(frame, view);
  }

  Array<float, K * frame_words> frames_{};  // a ring of K frames
  int newest_ = 0;
};

}  // namespace polis
