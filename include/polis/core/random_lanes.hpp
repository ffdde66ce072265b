// Random numbers of neighbouring lanes side by side, one in each place of a register: word for word those
// that a Random of each lane gives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>

namespace polis {

/// A register of 32-bit words.
template <class Arch = Simd>
using WordBatch = xsimd::batch<std::uint32_t, Arch>;

/// The mask of no place of a register.
template <class Arch>
[[gnu::always_inline]] inline xsimd::batch_bool<float, Arch> no_places() {
  using Mask = xsimd::batch_bool<float, Arch>;
  return Mask(typename Mask::register_type{});
}

namespace internal {

/// The upper and lower 32 bits of each word times `factor`.
template <class Arch>
[[gnu::always_inline]] inline void multiply_wide(const WordBatch<Arch>& words, std::uint32_t factor,
                                                 WordBatch<Arch>& upper, WordBatch<Arch>& lower) {
  // The instructions multiply every second word to 64 bits; then each half goes to its place.
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    const __m512i by = _mm512_set1_epi32(static_cast<int>(factor));
    const __m512i even = _mm512_mul_epu32(words, by);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(words, 32), by);
    upper = WordBatch<Arch>(_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_CDAB));
    lower = WordBatch<Arch>(_mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CDAB));
    return;
  }
#endif
#if XSIMD_WITH_AVX2
  if constexpr (std::is_base_of_v<xsimd::avx2, Arch>) {
    const __m256i by = _mm256_set1_epi32(static_cast<int>(factor));
    const __m256i even = _mm256_mul_epu32(words, by);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(words, 32), by);
    upper = WordBatch<Arch>(_mm256_blend_epi32(_mm256_shuffle_epi32(even, 0xb1), odd, 0xaa));
    lower = WordBatch<Arch>(_mm256_blend_epi32(even, _mm256_shuffle_epi32(odd, 0xb1), 0xaa));
    return;
  }
#endif
  constexpr int width = static_cast<int>(WordBatch<Arch>::size);
  alignas(WordBatch<Arch>) std::uint32_t in[width], high[width], low[width];
  words.store_aligned(in);
  for (int i = 0; i < width; ++i) {
    const std::uint64_t product = std::uint64_t{factor} * in[i];
    high[i] = static_cast<std::uint32_t>(product >> 32);
    low[i] = static_cast<std::uint32_t>(product);
  }
  upper = WordBatch<Arch>::load_aligned(high);
  lower = WordBatch<Arch>::load_aligned(low);
}

}  // namespace internal

/// Philox::block of as many counters as a register has places.
template <class Arch>
[[gnu::always_inline]] inline Array<WordBatch<Arch>, 4> philox_block(Array<WordBatch<Arch>, 4> counter,
                                                                     Philox::Key key) {
  for (int i = 0; i < Philox::rounds; ++i) {
    WordBatch<Arch> upper0, lower0, upper1, lower1;
    internal::multiply_wide<Arch>(counter[0], Philox::multiplier0, upper0, lower0);
    internal::multiply_wide<Arch>(counter[2], Philox::multiplier1, upper1, lower1);
    counter = {{upper1 ^ counter[1] ^ WordBatch<Arch>(key[0]), lower1,
                upper0 ^ counter[3] ^ WordBatch<Arch>(key[1]), lower0}};
    key[0] += Philox::weyl0;
    key[1] += Philox::weyl1;
  }
  return counter;
}

/// first, first + 1, ... in a register.
template <class Arch>
[[gnu::always_inline]] inline WordBatch<Arch> consecutive(std::uint32_t first) {
  alignas(WordBatch<Arch>) std::uint32_t places[WordBatch<Arch>::size];
  for (std::uint32_t i = 0; i < WordBatch<Arch>::size; ++i) places[i] = i;
  return WordBatch<Arch>(first) + WordBatch<Arch>::load_aligned(places);
}

/// Writes those of `values` whose place is in the mask to `to`, one after the other, and returns how many. A
/// whole register of memory from `to` on may be written to.
template <class Arch>
[[gnu::always_inline]] inline int store_selected(const xsimd::batch_bool<float, Arch>& mask,
                                                 const WordBatch<Arch>& values, std::uint32_t* to) {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(mask.data, values));
    return __builtin_popcount(mask.data);
  }
#endif
  constexpr int width = static_cast<int>(WordBatch<Arch>::size);
  alignas(WordBatch<Arch>) std::uint32_t all[width];
  bool selected[width];
  values.store_aligned(all);
  mask.store_unaligned(selected);
  int count = 0;
  for (int i = 0; i < width; ++i) {
    to[count] = all[i];
    count += selected[i] ? 1 : 0;
  }
  return count;
}

/// The streams Random(seed, step, lane, agent, purpose) of the lane in every place of a register.
template <class Arch = Simd>
class RandomLanes {
 public:
  using Register = Batch<Arch>;
  using Words = WordBatch<Arch>;
  using Mask = xsimd::batch_bool<float, Arch>;

  [[gnu::always_inline]] RandomLanes(std::uint64_t seed, std::uint64_t step, const Words& lanes,
                                     std::uint32_t agent, Purpose purpose)
      : key_(Philox::key(seed)),
        counter_(Philox::counter(0, static_cast<std::uint32_t>(step), 0, agent, purpose)),
        lanes_(lanes) {}

  /// 32 random bits in every place.
  [[gnu::always_inline]] Words bits() {
    if (used_ == 4) {
      words_ =
          philox_block<Arch>({{Words(counter_[0]), Words(counter_[1]), lanes_, Words(counter_[3])}}, key_);
      ++counter_[0];
      used_ = 0;
    }
    return words_[used_++];
  }

  /// Uniform on [0, 1), a multiple of 2^-24.
  [[gnu::always_inline]] Register uniform() { return from_words(bits()); }

  /// Uniform on [low, high); high itself only by rounding.
  [[gnu::always_inline]] Register uniform(float low, float high) {
    return math::fma(Register(high - low), uniform(), Register(low));
  }

  /// Uniform on 0, ..., n - 1, as Random::integer has it, as floats (exact below 2^24). Random draws again
  /// where that would be biased, and lanes would part: the places in which it does are `redrawn()`, and what
  /// they hold is not to be used.
  [[gnu::always_inline]] Register integer(int n) {
    const auto range = static_cast<std::uint32_t>(n);
    const std::uint32_t threshold = (0u - range) % range;
    Words index, rest;
    internal::multiply_wide<Arch>(bits(), range, index, rest);
    if (threshold > 0)
      redrawn_ = redrawn_ || to_float(rest >> 8) <= Register(static_cast<float>(threshold >> 8));
    return to_float(index);
  }

  /// Where a stream would have gone on to another word by now; more places than that in one of 2^24 at most.
  [[nodiscard]] [[gnu::always_inline]] Mask redrawn() const { return redrawn_; }

  /// The numbers in [0, 1) that words stand for.
  [[gnu::always_inline]] static Register from_words(const Words& words) {
    return to_float(words >> 8) * Register(0x1p-24f);
  }

 private:
  // Of words below 2^31.
  [[gnu::always_inline]] static Register to_float(const Words& words) {
    return xsimd::to_float(xsimd::bitwise_cast<xsimd::batch<std::int32_t, Arch>>(words));
  }

  Philox::Key key_;
  Philox::Counter counter_;
  Words lanes_;
  Array<Words, 4> words_;
  int used_ = 4;
  Mask redrawn_ = no_places<Arch>();
};

/// The stream Random(seed, step, lane, agent, purpose) where many words of it are wanted: drawn a register of
/// blocks at a time.
template <class Arch = Simd>
class RandomWords {
 public:
  RandomWords(std::uint64_t seed, std::uint64_t step, std::uint32_t lane, std::uint32_t agent,
              Purpose purpose)
      : key_(Philox::key(seed)),
        counter_(Philox::counter(0, static_cast<std::uint32_t>(step), lane, agent, purpose)) {}

  /// 32 random bits.
  std::uint32_t bits() {
    if (used_ == 4 * blocks) draw();
    const int i = used_++;
    return words_[i % 4][i / 4];
  }
  /// Uniform on 0, ..., n - 1, as Random has it.
  int integer(int n) { return internal::integer_below(*this, n); }

 private:
  using Words = WordBatch<Arch>;
  static constexpr int blocks = static_cast<int>(Words::size);

  void draw() {
    const Array<Words, 4> words = philox_block<Arch>(
        {{consecutive<Arch>(counter_[0]), Words(counter_[1]), Words(counter_[2]), Words(counter_[3])}}, key_);
    for (int w = 0; w < 4; ++w) words[w].store_aligned(words_[w]);
    counter_[0] += blocks;
    used_ = 0;
  }

  Philox::Key key_;
  Philox::Counter counter_;
  alignas(Words) std::uint32_t words_[4][blocks] = {};  // word w of every block
  int used_ = 4 * blocks;
};

/// The first `count` uniform numbers of the streams (seed, step, lanes[r], agents[r], purpose) of up to 64
/// rows, as `Random` gives them: number i of row r to uniforms[i * tile_rows + r]; those of further steps
/// behind them, row r of step + s as row s * rows + r. Rows are padded to whole registers with numbers of no
/// stream's concern.
template <class Arch>
POLIS_ONE_COPY void philox_uniform_tile(std::uint64_t seed, std::uint64_t step, Purpose purpose,
                                        const std::uint32_t* lanes, const std::uint32_t* agents, int rows,
                                        int count, float* uniforms, int steps = 1) {
  using Words = WordBatch<Arch>;
  constexpr int width = static_cast<int>(Words::size);
  const Words what(static_cast<std::uint32_t>(purpose));
  int r = 0;
  auto now = static_cast<std::uint32_t>(step);
  for (int row = 0; row < rows * steps; row += width) {
    alignas(Words) std::uint32_t lane[width], agent[width], when[width];
    for (int i = 0; i < width; ++i) {
      lane[i] = lanes[r], agent[i] = agents[r], when[i] = now;
      if (++r == rows) r = 0, ++now;
    }
    const Words who = Words::load_aligned(agent) << 12 | what;
    for (int draw = 0; 4 * draw < count; ++draw) {
      const Array<Words, 4> words =
          philox_block<Arch>({{Words(static_cast<std::uint32_t>(draw)), Words::load_aligned(when),
                               Words::load_aligned(lane), who}},
                             Philox::key(seed));
      for (int w = 0; w < 4 && 4 * draw + w < count; ++w) {
        RandomLanes<Arch>::from_words(words[w]).store_unaligned(uniforms + (4 * draw + w) * tile_rows + row);
      }
    }
  }
}

/// Such tiles of `count` numbers a row, one a step. Few rows leave most of a register empty, which costs as
/// much to draw as a full one: it gets the numbers of the next steps, which are there when asked for.
template <int count>
class UniformTiles {
 public:
  /// Number i of row r at [i * tile_rows + r], unaligned, until the next call; see philox_uniform_tile.
  template <class Arch>
  const float* draw(std::uint64_t seed, std::uint64_t step, Purpose purpose, const std::uint32_t* lanes,
                    const std::uint32_t* agents, int rows) {
    const Streams asked{seed, purpose, rows};
    if (step - first_ >= static_cast<std::uint64_t>(steps_) || !(asked == drawn_) ||
        !std::equal(lanes, lanes + rows, &lanes_[0]) || !std::equal(agents, agents + rows, &agents_[0])) {
      drawn_ = asked, first_ = step;
      steps_ = std::max(1, static_cast<int>(WordBatch<Arch>::size) / rows);
      std::copy_n(lanes, rows, &lanes_[0]), std::copy_n(agents, rows, &agents_[0]);
      philox_uniform_tile<Arch>(seed, step, purpose, lanes, agents, rows, count, numbers_, steps_);
    }
    return numbers_ + static_cast<std::ptrdiff_t>(step - first_) * rows;
  }

 private:
  struct Streams {
    std::uint64_t seed = 0;
    Purpose purpose{};
    int rows = 0;
    bool operator==(const Streams&) const = default;
  };

  Streams drawn_;
  std::uint64_t first_ = 0;
  int steps_ = 0;  // 0: none
  Array<std::uint32_t, tile_rows> lanes_{}, agents_{};
  // A register from any row on lies within.
  alignas(cache_line) float numbers_[(count + 1) * tile_rows] = {};
};

}  // namespace polis
