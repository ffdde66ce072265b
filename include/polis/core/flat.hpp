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
#include <string>
#include <type_traits>
#include <utility>

#include <polis/core/error.hpp>
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
  }
  (indices);
}

/// values *= factor.
template <class Arch>
void scale(std::span<float> values, float factor) {
  map_registers<Arch>(
      values.size(), [factor](Batch<Arch>& x) { x = x * Batch<Arch>(factor); }, values.data());
}

/// to += factor * from.
template <class Arch>
[[gnu::noinline]] void add_scaled(std::span<float> to, float factor, std::span<const float> from) {
  map_registers<Arch>(
      to.size(),
      [factor](Batch<Arch>& y, const Batch<Arch>& x) { y = multiply_add<Arch>(Batch<Arch>(factor), x, y); },
      to.data(), from.data());
}

/// Most shards that sum_shards takes.
inline constexpr int max_shards = 64;

/// to[i] = the sum of `shards` arrays at first + s * stride (in floats), in a fixed tree: neighbours, then
/// neighbours' sums. `to` may be the first shard. Splitting the range among threads changes nothing.
/// Error: shards outside [1, max_shards].
template <class Arch>
void sum_shards(std::span<float> to, const float* first, std::size_t stride, int shards) {
  using Register = Batch<Arch>;
  constexpr std::size_t width = static_cast<std::size_t>(batch_width<Register>);
  if (shards < 1 || shards > max_shards) {
    throw Error(std::to_string(shards) + " gradient shards", "sum_shards",
                "1 to " + std::to_string(max_shards));
  }
  const auto tree = [shards](Register* part) {
    for (int left = shards; left > 1; left = (left + 1) / 2) {
      for (int i = 0; i < left / 2; ++i) part[i] = part[2 * i] + part[2 * i + 1];
      if (left % 2 == 1) part[left / 2] = part[left - 1];
    }
    return part[0];
  };
  Register part[max_shards];
  std::size_t i = 0;
  for (; i + width <= to.size(); i += width) {
    for (int s = 0; s < shards; ++s) {
      part[s] = Register::load_unaligned(first + static_cast<std::size_t>(s) * stride + i);
    }
    tree(part).store_unaligned(to.data() + i);
  }
  if (i == to.size()) return;
  const std::size_t rest = to.size() - i;
  alignas(Register) float buffer[width] = {};
  for (int s = 0; s < shards; ++s) {
    std::memcpy(buffer, first + static_cast<std::size_t>(s) * stride + i, rest * sizeof(float));
    part[s] = Register::load_aligned(buffer);
  }
  tree(part).store_aligned(buffer);
  std::memcpy(to.data() + i, buffer, rest * sizeof(float));
}

/// The sum of squares in double precision, in an order that is the same on every machine: sixteen interleaved
/// sums, then halves. Squares of floats are exact in double, so fused and separate operations agree.
[[gnu::noinline]] inline double squared_norm(std::span<const float> values) {
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
