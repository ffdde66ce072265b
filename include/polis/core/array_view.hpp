// A view of an array: pointer, shape, strides. What buffers hand out, and what xtensor, CUDA and DLPack can
// take.
#pragma once

#include <cstddef>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>

namespace polis {

/// A strided view of `Rank` dimensions; strides count elements. It owns nothing.
template <class T, int Rank>
struct ArrayView {
  T* data = nullptr;
  Array<std::ptrdiff_t, Rank> shape{};
  Array<std::ptrdiff_t, Rank> strides{};

  /// Element at the given indices, unchecked.
  template <class... I>
  POLIS_HD T& operator()(I... indices) const {
    static_assert(sizeof...(I) == Rank);
    std::ptrdiff_t at = 0;
    int dimension = 0;
    ((at += static_cast<std::ptrdiff_t>(indices) * strides[dimension++]), ...);
    return data[at];
  }
  [[nodiscard]] POLIS_HD std::ptrdiff_t size() const {
    std::ptrdiff_t count = 1;
    for (int i = 0; i < Rank; ++i) count *= shape[i];
    return count;
  }
};

/// A view of contiguous row-major data.
template <class T, class... Sizes>
POLIS_HD ArrayView<T, sizeof...(Sizes)> row_major(T* data, Sizes... sizes) {
  constexpr int rank = sizeof...(Sizes);
  ArrayView<T, rank> view{data, {{static_cast<std::ptrdiff_t>(sizes)...}}, {}};
  std::ptrdiff_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    view.strides[i] = stride;
    stride *= view.shape[i];
  }
  return view;
}

}  // namespace polis
