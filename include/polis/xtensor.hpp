// The library's buffers as xtensor expressions: `as_xtensor(view)` adapts an ArrayView without copying, so
// that users reduce, slice and broadcast rollouts with xtensor's vocabulary.
//
//     const auto& rollout = trainer.learner().agents().front().rollout();
//     const auto mean_reward_by_step = xt::mean(as_xtensor(rollout.rewards), {1});
#pragma once

#include <array>
#include <cstddef>

#include <xtensor/xadapt.hpp>
#include <xtensor/xstrided_view.hpp>

#include <polis/core/array_view.hpp>

namespace polis {

/// The view's elements as an xtensor expression of the same rank, shape and strides. It owns nothing: the
/// buffer must outlive it. Writing through it writes the buffer, unless the view's elements are const.
template <class T, int Rank>
auto as_xtensor(const ArrayView<T, Rank>& view) {
  std::array<std::size_t, Rank> shape{};
  std::array<std::ptrdiff_t, Rank> strides{};
  std::size_t reach = view.size() > 0 ? 1 : 0;  // elements from the first to behind the last
  for (std::size_t i = 0; i < Rank; ++i) {
    const auto dimension = static_cast<std::ptrdiff_t>(i);
    shape[i] = static_cast<std::size_t>(view.shape[dimension]);
    strides[i] = view.strides[dimension];
    if (reach > 0) reach += (shape[i] - 1) * static_cast<std::size_t>(strides[i]);
  }
  return xt::adapt(view.data, reach, xt::no_ownership(), shape, strides);
}

}  // namespace polis
