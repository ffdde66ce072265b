// A random order of n things in which every position is computed by itself: what minibatches are drawn by
// where no thread can hold the whole order.
//
// Rounds of a Feistel network are a bijection of 2^b numbers (Mitchell, Stokes, Frank and Holmes 2022,
// "Bandwidth-optimal random shuffling for GPUs", section 4); where it leads beyond n it is applied again
// until it does not. Twenty-four rounds, as their VariablePhilox has, come close to random permutations.
#pragma once

#include <cstdint>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>

namespace polis {

/// A bijection of 0, ..., count - 1 drawn by `random`, count >= 1.
class Permutation {
 public:
  static constexpr int rounds = 24;

  POLIS_HD Permutation(int count, Random& random) : count_(static_cast<std::uint32_t>(count)) {
    while ((std::uint64_t{1} << (low_ + high_)) < count_) {
      if (low_ <= high_) {
        ++low_;
      } else {
        ++high_;
      }
    }
    for (int i = 0; i < rounds; ++i) keys_[i] = random.bits();
  }

  /// Where position i's thing comes from.
  [[nodiscard]] POLIS_HD int operator()(int i) const {
    auto at = static_cast<std::uint32_t>(i);
    do at = scrambled(at);
    while (at >= count_);
    return static_cast<int>(at);
  }

 private:
  /// The halves, of low_ and high_ bits, change places in each round; the one that stays scrambles the other.
  [[nodiscard]] POLIS_HD std::uint32_t scrambled(std::uint32_t at) const {
    int low_bits = low_, high_bits = high_;
    std::uint32_t low = at & mask(low_bits), high = at >> low_bits;
    for (int i = 0; i < rounds; ++i) {
      const std::uint64_t product = std::uint64_t{Philox::multiplier0} * (low ^ keys_[i]);
      const std::uint32_t mixed =
          static_cast<std::uint32_t>(product >> 32) ^ static_cast<std::uint32_t>(product);
      const std::uint32_t changed = (high ^ mixed) & mask(high_bits);
      high = low, low = changed;
      const int bits = low_bits;
      low_bits = high_bits, high_bits = bits;
    }
    return high << low_bits | low;
  }
  [[nodiscard]] POLIS_HD static std::uint32_t mask(int bits) { return (std::uint32_t{1} << bits) - 1; }

  std::uint32_t count_;
  int low_ = 5, high_ = 5;  // bits of the halves: of few, not all orders would be equally likely
  Array<std::uint32_t, rounds> keys_{};
};

}  // namespace polis
