// Reservoir: a uniform sample, without replacement, of all that ever came in, of a size that is set once
// (J. Vitter, "Random sampling with a reservoir", 1985, algorithm R).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/error.hpp>
#include <polis/core/random.hpp>

namespace polis {

/// Up to `capacity` items of `words` floats each, in one aligned array. After n items came in, each of them
/// is here with the same probability, min(1, capacity / n).
class Reservoir {
 public:
  Reservoir() = default;
  [[gnu::cold]] Reservoir(int capacity, int words)
      : capacity_(capacity),
        words_(words),
        items_(static_cast<std::size_t>(capacity) * static_cast<std::size_t>(words)) {}

  /// Where the next item is to be written; null: it is not kept. Draws from `random` once there are as many
  /// as it holds.
  [[nodiscard]] float* add(Random& random) {
    const std::uint64_t before = seen_++;
    if (before < static_cast<std::uint64_t>(capacity_)) return at(static_cast<std::int64_t>(before));
    const auto place = static_cast<std::int64_t>(random.uniform_double() * static_cast<double>(seen_));
    return place < capacity_ ? at(place) : nullptr;
  }

  /// Items that are here.
  [[nodiscard]] int size() const {
    return seen_ < static_cast<std::uint64_t>(capacity_) ? static_cast<int>(seen_) : capacity_;
  }
  [[nodiscard]] int capacity() const { return capacity_; }
  [[nodiscard]] int words() const { return words_; }
  /// Items that ever came in.
  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  /// The items one after the other, [size][words].
  [[nodiscard]] const float* data() const { return items_.data(); }
  [[nodiscard]] const float* operator[](int i) const { return items_.data() + offset(i); }

  /// Saves what is here, or restores it. Error: the sizes saved are not these.
  [[gnu::cold]] void archive(auto& a) {
    a.section("reservoir");
    int capacity = capacity_, words = words_;
    a(capacity, words, seen_);
    if (capacity != capacity_ || words != words_)
      throw Error("found other sizes", "saved reservoir", "those of this run's settings");
    a.fixed(std::span(items_.data(), offset(size())));
  }

 private:
  [[nodiscard]] std::size_t offset(std::int64_t i) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(words_);
  }
  [[nodiscard]] float* at(std::int64_t i) { return items_.data() + offset(i); }

  int capacity_ = 0, words_ = 0;
  std::uint64_t seen_ = 0;
  AlignedVector<float> items_;
};

}  // namespace polis
