// The peak that shares are measured against: fused multiply-adds of one core, from registers alone.
#pragma once

#include <algorithm>
#include <chrono>

#include <polis/core/gemm_block.hpp>
#include <polis/core/simd.hpp>

namespace polis {

/// GFLOP/s (2 per multiply-add and lane) of independent chains of Arch's multiply-adds, best of
/// `trials` of about half a millisecond each. The chains cover latency 4 on two (or four) units.
template <class Arch = Simd>
double measure_fma_peak(int trials = 40) {
  using B = Batch<Arch>;
  constexpr int chains = batch_width<B> == 16 ? 16 : 12;
  constexpr int steps = 100'000;
  volatile float factor = .999f, addend = .001f,
                 sink = 0;  // unknown to the compiler: nothing folds or vanishes
  double best = 0;
  for (int trial = 0; trial < trials; ++trial) {
    B sum[chains];
    internal::unroll<chains>([&](auto i)
                                 __attribute__((always_inline)) { sum[i] = B(static_cast<float>(i)); });
    const B a(factor), b(addend);
    const auto start = std::chrono::steady_clock::now();
    for (int step = 0; step < steps; ++step) {
      internal::unroll<chains>(
          [&](auto i) __attribute__((always_inline)) { sum[i] = multiply_add<Arch>(sum[i], a, b); });
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    B total(0.f);
    internal::unroll<chains>([&](auto i) __attribute__((always_inline)) { total = total + sum[i]; });
    sink = horizontal_sum<Arch>(total);
    static_cast<void>(sink);
    best = std::max(best, 2e-9 * batch_width<B> * chains * steps / time.count());
  }
  return best;
}

}  // namespace polis
