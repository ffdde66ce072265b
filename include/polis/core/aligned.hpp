// Memory that starts on a cache line: tiles, weights, moments and arenas.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <new>
#include <vector>

namespace polis {

/// Alignment of tiles and flat arrays in bytes: a cache line, and the widest register.
inline constexpr std::size_t cache_line = 64;

/// The standard allocator, aligned to a cache line.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  static_assert(alignof(T) <= cache_line);

  AlignedAllocator() = default;
  template <class U>
  constexpr AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{cache_line}));
  }
  void deallocate(T* memory, std::size_t) noexcept {
    ::operator delete(memory, std::align_val_t{cache_line});
  }

  friend constexpr bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};

/// A std::vector whose data() is 64-byte aligned.
template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// Several float arrays in one allocation, each starting on a cache line, all zero at first: scratch memory
/// that is a struct of plain pointers. Moving keeps the pointers valid; copying is refused, since it could
/// not.
class FloatArena {
 public:
  struct Slice {
    float** pointer;
    std::size_t count;
  };
  FloatArena() = default;
  [[gnu::cold, gnu::noinline]] FloatArena(std::initializer_list<Slice> slices) {
    std::size_t total = 0;
    for (const Slice& slice : slices) total += padded(slice.count);
    memory_ = AlignedVector<float>(total);
    float* at = memory_.data();
    for (const Slice& slice : slices) {
      *slice.pointer = at;
      at += padded(slice.count);
    }
  }
  FloatArena(const FloatArena&) = delete;
  FloatArena& operator=(const FloatArena&) = delete;
  FloatArena(FloatArena&&) noexcept = default;
  FloatArena& operator=(FloatArena&&) noexcept = default;
  ~FloatArena() = default;

 private:
  static std::size_t padded(std::size_t count) {
    constexpr std::size_t line = cache_line / sizeof(float);
    return (count + line - 1) / line * line;
  }

  AlignedVector<float> memory_;
};

}  // namespace polis
