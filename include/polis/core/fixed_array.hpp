// An array whose size is set once: what is sized when training begins and keeps its size.
//
// It has a tenth of std::vector's functions: where the library holds a dozen types of scratch, lanes and
// shards, that is a thousand functions fewer to compile in every program. Elements are made in place, so that
// they need neither move nor default constructor.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include <polis/core/aligned.hpp>

namespace polis {

/// `size()` elements on the heap. What std::data and std::size reach, so archives take it by `fixed`.
template <class T>
class FixedArray {
 public:
  FixedArray() = default;
  /// Elements begin as T{}.
  explicit FixedArray(std::size_t size) : FixedArray(size, [](std::size_t) { return T{}; }) {}
  /// Element i begins as make(i).
  template <class Make>
  FixedArray(std::size_t size, Make&& make) : FixedArray() {
    if (size == 0) return;
    const std::size_t lines = (size * sizeof(T) + alignment - 1) / alignment;
    data_ = static_cast<T*>(::operator new(lines * alignment, std::align_val_t{alignment}));
    for (; size_ < size; ++size_) ::new (static_cast<void*>(data_ + size_)) T(make(size_));
  }
  FixedArray(const FixedArray& other)
      : FixedArray(other.size_, [&](std::size_t i) -> const T& { return other[i]; }) {}
  FixedArray(FixedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FixedArray& operator=(FixedArray other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~FixedArray() {
    if (!data_) return;
    while (size_ > 0) data_[--size_].~T();
    ::operator delete(data_, std::align_val_t{alignment});
  }

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_[i]; }
  [[nodiscard]] T& front() { return *data_; }
  [[nodiscard]] const T& front() const { return *data_; }
  [[nodiscard]] T* begin() { return data_; }
  [[nodiscard]] const T* begin() const { return data_; }
  [[nodiscard]] T* end() { return data_ + size_; }
  [[nodiscard]] const T* end() const { return data_ + size_; }

 private:
  // Whole cache lines: what one thread writes is not on a line that another one waits for.
  static constexpr std::size_t alignment = alignof(T) > cache_line ? alignof(T) : cache_line;

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace polis
