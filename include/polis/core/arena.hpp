// Several arrays in one block of memory, each from a cache line on: what the buffers lay out their arrays
// with.
//
// A layout is a function that calls visit(view, sizes...) for each array in turn, `view` being the ArrayView
// that is to show it.
#pragma once

#include <cstddef>
#include <type_traits>

#include <polis/core/aligned.hpp>
#include <polis/core/array_view.hpp>

namespace polis {

/// Bytes of an array of these sizes, up to the end of its last cache line.
template <class T, class... Sizes>
constexpr std::size_t padded_bytes(Sizes... sizes) {
  const std::size_t bytes = (static_cast<std::size_t>(sizes) * ... * sizeof(T));
  return (bytes + cache_line - 1) / cache_line * cache_line;
}

/// Bytes that the arrays of a layout take.
template <class Layout>
[[gnu::cold]] std::size_t arena_bytes(Layout&& layout) {
  std::size_t bytes = 0;
  layout([&bytes](auto& view, auto... sizes) {
    bytes += padded_bytes<std::remove_reference_t<decltype(*view.data)>>(sizes...);
  });
  return bytes;
}

/// Has the views of a layout show the arrays in `memory`, which has so many bytes.
template <class Layout>
[[gnu::cold]] void place_arrays(Layout&& layout, void* memory) {
  auto* at = static_cast<std::byte*>(memory);
  layout([&at](auto& view, auto... sizes) {
    using T = std::remove_reference_t<decltype(*view.data)>;
    view = row_major(reinterpret_cast<T*>(at), sizes...);
    at += padded_bytes<T>(sizes...);
  });
}

}  // namespace polis
