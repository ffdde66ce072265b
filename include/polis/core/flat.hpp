// Arithmetic on flat arrays (weights, gradients, moments) in explicit registers.
//
// Every element goes through the same instructions, the last incomplete register too, so that results depend
// on the data alone: not on how an array is split among threads, nor on what the compiler makes of a loop's
// tail.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include <polis/core/platform.hpp>
#include <polis/core/simd.hpp>

namespace polis {

namespace internal {

template <class Arch, class Body, class... P, std::size_t... I>
[[gnu::always_inline]] inline void map_register(const Body& body, std::index_sequence<I...>, P*... p) {
  Batch<Arch> values[] = {Batch<Arch>::load_unaligned(p)...};
  body(values[I]...);
  const auto store = [](auto* to, const Batch<Arch>& value) {
    if constexpr (!std::is_const_v<std::remove_pointer_t<decltype(to)>>) value.store_unaligned(to);
  };
  (store(p, values[I]), ...);
}

/// Copies the last `count` floats at p into a register-sized buffer, or back if p is not const.
template <class T>
inline void copy_back(T* p, const float* buffer, std::size_t count) {
  if constexpr (!std::is_const_v<T>) std::memcpy(p, buffer, count * sizeof(float));
}

}  // namespace internal

/// body(Batch<Arch>&...) on the registers of arrays of `count` floats; what it leaves in the arguments of
/// non-const pointers is stored. The tail is padded with zeros. Arrays must not overlap unless they are
/// equal.
template <class Arch, class Body, class... P>
void map_registers(std::size_t count, const Body& body, P*... p) {
  constexpr std::size_t width = static_cast<std::size_t>(batch_width<Batch<Arch>>);
  constexpr auto indices = std::index_sequence_for<P...>{};
  std::size_t i = 0;
  for (; i + width <= count; i += width) internal::map_register<Arch>(body, indices, (p + i)...);
  if (i == count) return;
  const std::size_t rest = count - i;
  alignas(64) float buffers[sizeof...(P)][width] = {};
  std::size_t next = 0;
  (std::memcpy(buffers[next++], p + i, rest * sizeof(float)), ...);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    internal::map_register<Arch>(body, indices, buffers[I]...);
    (internal::copy_back(p + i, buffers[I], rest), ...);
  }(indices);
}

/// values *= factor.
template <class Arch>
void scale(std::span<float> values, float factor) {
  map_registers<Arch>(
      values.size(), [factor](Batch<Arch>& x) { x = x * Batch<Arch>(factor); }, values.data());
}

/// to += factor * from.
template <class Arch>
POLIS_ONE_COPY void add_scaled(std::span<float> to, float factor, std::span<const float> from) {
  map_registers<Arch>(
      to.size(),
      [factor](Batch<Arch>& y, const Batch<Arch>& x) { y = multiply_add<Arch>(Batch<Arch>(factor), x, y); },
      to.data(), from.data());
}

/// shards[0] += all the others, arrays of `count` floats, in a fixed tree: neighbours, then neighbours' sums.
/// The others are left as scratch. Splitting the range among threads changes nothing.
template <class Arch>
void sum_shards(std::span<float* const> shards, std::size_t count) {
  const auto add_pairs = [&](std::size_t first, std::size_t last, std::size_t from, std::size_t below) {
    for (std::size_t stride = from; stride < below; stride *= 2) {
      for (std::size_t i = first; i + stride < last; i += 2 * stride) {
        add_scaled<Arch>({shards[i], count}, 1.f, {shards[i + stride], count});
      }
    }
  };
  // Eight at once in registers: one pass through memory instead of seven.
  constexpr std::size_t group = 8;
  using Register = Batch<Arch>;
  const auto add_group = [](Register& a, const Register& b, const Register& c, const Register& d,
                            const Register& e, const Register& f, const Register& g,
                            const Register& h) { a = ((a + b) + (c + d)) + ((e + f) + (g + h)); };
  for (std::size_t i = 0; i < shards.size(); i += group) {
    if (i + group > shards.size()) {
      add_pairs(i, shards.size(), 1, group);
    } else {
      const auto at = [&](std::size_t k) -> const float* { return shards[i + k]; };
      map_registers<Arch>(count, add_group, shards[i], at(1), at(2), at(3), at(4), at(5), at(6), at(7));
    }
  }
  add_pairs(0, shards.size(), group, shards.size());
}

/// The sum of squares in double precision, in an order that is the same on every machine: sixteen interleaved
/// sums, then halves. Squares of floats are exact in double, so fused and separate operations agree.
POLIS_ONE_COPY inline double squared_norm(std::span<const float> values) {
  constexpr std::size_t lanes = 16;
  std::array<double, lanes> sum{};
  const auto square = [](float x) { return static_cast<double>(x) * static_cast<double>(x); };
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sum[lane] += square(values[i + lane]);
  }
  for (std::size_t lane = 0; i < values.size(); ++i, ++lane) sum[lane] += square(values[i]);
  for (std::size_t half = lanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sum[lane] += sum[lane + half];
  }
  return sum[0];
}

}  // namespace polis
