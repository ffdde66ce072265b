// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", 2011).
//
// A number is a function of its key and counter, so that every draw is addressed by what it is for (seed,
// step, lane, agent, purpose), whichever thread or rank makes it and in whatever order; no generator is ever
// stored.
#pragma once

#include <cstdint>
#include <span>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>

namespace polis {

/// What random numbers are drawn for: part of the counter, so that draws for one purpose leave all others as
/// they are. The numbers are part of what makes runs reproducible: append, never renumber. At most 4096.
enum class Purpose : std::uint32_t {
  initialization,  ///< fresh weights
  reset,           ///< an environment's first state
  environment,     ///< an environment's steps
  action,          ///< sampling from the policy
  permutation,     ///< order of samples in minibatches
  curriculum,      ///< which task an episode gets
  evaluation,      ///< episodes that measure
  exploration,     ///< noise on top of the policy
  bootstrap,       ///< resampling in statistics
  data,            ///< choices in large data: days, windows, symbols
  noise,           ///< noise within networks and losses
  test,            ///< tests and examples
  matchup,         ///< by which of its policies an agent plays an episode
  reservoir,       ///< what is kept of all that came in
  opponent,        ///< against whom an episode is played
  population,      ///< settings of a population's members, and who takes over from whom
};

/// Philox4x32-10 as published: a keyed bijection of 128-bit counters.
struct Philox {
  using Counter = Array<std::uint32_t, 4>;
  using Key = Array<std::uint32_t, 2>;

  static constexpr std::uint32_t multiplier0 = 0xD2511F53u, multiplier1 = 0xCD9E8D57u;
  static constexpr std::uint32_t weyl0 = 0x9E3779B9u, weyl1 = 0xBB67AE85u;
  static constexpr int rounds = 10;

  POLIS_HD static constexpr Counter block(Counter counter, Key key) {
    for (int i = 0; i < rounds; ++i) {
      const std::uint64_t a = std::uint64_t{multiplier0} * counter[0];
      const std::uint64_t b = std::uint64_t{multiplier1} * counter[2];
      counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
                  static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)}};
      key[0] += weyl0;
      key[1] += weyl1;
    }
    return counter;
  }

  /// The key is the seed; lower word first.
  POLIS_HD static constexpr Key key(std::uint64_t seed) {
    return {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  }

  /// The counter's words: draw, step, lane, and agent (upper 20 bits) with purpose (lower 12).
  POLIS_HD static constexpr Counter counter(std::uint32_t draw, std::uint32_t step, std::uint32_t lane,
                                            std::uint32_t agent, Purpose purpose) {
    return {{draw, step, lane, agent << 12 | static_cast<std::uint32_t>(purpose)}};
  }
};

namespace internal {

/// Random::integer by the bits of any stream.
template <class Stream>
POLIS_HD constexpr int integer_below(Stream& stream, int n) {
  const auto range = static_cast<std::uint32_t>(n);
  std::uint64_t product = std::uint64_t{stream.bits()} * range;
  if (static_cast<std::uint32_t>(product) < range) {
    const std::uint32_t threshold = (0u - range) % range;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{stream.bits()} * range;
  }
  return static_cast<int>(product >> 32);
}

}  // namespace internal

/// One stream of random numbers. Trivially copyable: a copy goes on with the same numbers.
class Random {
 public:
  Random() = default;

  /// The stream of one agent of one (global) lane at one step, for one purpose. Agents count to 2^20, steps
  /// modulo 2^32.
  POLIS_HD constexpr Random(std::uint64_t seed, std::uint64_t step, std::uint32_t lane, std::uint32_t agent,
                            Purpose purpose)
      : key_(Philox::key(seed)),
        counter_(Philox::counter(0, static_cast<std::uint32_t>(step), lane, agent, purpose)) {}

  /// 32 random bits.
  POLIS_HD constexpr std::uint32_t bits() {
    if (used_ == 4) {
      words_ = Philox::block(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return words_[used_++];
  }

  /// Uniform on [0, 1), a multiple of 2^-24.
  POLIS_HD constexpr float uniform() { return from_word(bits()); }

  /// Uniform on [low, high); high itself only by rounding.
  POLIS_HD float uniform(float low, float high) { return math::fma(high - low, uniform(), low); }

  /// Uniform on [0, 1), a multiple of 2^-53.
  POLIS_HD constexpr double uniform_double() {
    const std::uint64_t high = bits() >> 5, low = bits() >> 6;
    return static_cast<double>(high << 26 | low) * 0x1p-53;
  }

  /// Standard normal (Box and Muller 1958): two numbers from two words, the second kept for the next call.
  POLIS_HD float normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const float u = uniform(), v = uniform();
    const Array<float, 2> pair = normal_pair<float>(u, v);
    spare_ = pair[1];
    has_spare_ = true;
    return pair[0];
  }

  /// Uniform on 0, ..., n - 1 for n >= 1, without bias (Lemire 2019).
  POLIS_HD constexpr int integer(int n) { return internal::integer_below(*this, n); }

  /// The number in [0, 1) that a word stands for.
  POLIS_HD static constexpr float from_word(std::uint32_t word) {
    return static_cast<float>(word >> 8) * 0x1p-24f;
  }

  /// The stream for agent i of the lane whose own stream this is, from its beginning.
  [[nodiscard]] POLIS_HD constexpr Random of_agent(int i) const {
    Random other = *this;
    other.counter_[0] = 0, other.counter_[3] += static_cast<std::uint32_t>(i + 1) << 12;
    other.used_ = 4, other.has_spare_ = false;
    return other;
  }

  /// Two independent standard normal numbers from two uniform ones on [0, 1).
  template <class T>
  POLIS_HD static Array<T, 2> normal_pair(const T& u, const T& v) {
    const T one = math::constant<T>(1);
    const T radius = math::sqrt(math::constant<T>(-2) * math::log(one - u));  // 1 - u is never 0
    T sine = one, cosine = one;
    math::sincos(math::constant<T>(6.283185307179586) * v, sine, cosine);
    return {{radius * cosine, radius * sine}};
  }

 private:
  Philox::Key key_{};
  Philox::Counter counter_{}, words_{};
  int used_ = 4;
  float spare_ = 0;
  bool has_spare_ = false;
};

/// Brings values into a random order, each of the n! equally likely (Fisher and Yates; Durstenfeld 1964).
template <class T, class Stream>
POLIS_HD constexpr void shuffle(T* values, int count, Stream& random) {
  for (int i = count - 1; i > 0; --i) {
    const int j = random.integer(i + 1);
    const T kept = values[i];
    values[i] = values[j];
    values[j] = kept;
  }
}
template <class T, class Stream>
void shuffle(std::span<T> values, Stream& random) {
  shuffle(values.data(), static_cast<int>(values.size()), random);
}

}  // namespace polis
