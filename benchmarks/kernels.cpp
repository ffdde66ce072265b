// The matrix kernels at 64 rows: GFLOP/s, and the share of the peak that the same run measures.
//
// A share is of the peak measured beside the figure: clocks move with the load of the machine.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/gemm.hpp>
#include <polis/core/random.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/mlp.hpp>

#include "google_benchmark.hpp"
#include "peak.hpp"

using namespace polis;

namespace {

AlignedVector<float> uniform(int count, std::uint32_t which) {
  Random random(1, 0, which, 0, Purpose::test);
  AlignedVector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = random.uniform(-.1f, .1f);
  return values;
}

/// Runs `body` as the benchmark; it does `flops` floating-point operations a call.
template <class Body>
void measure(benchmark::State& state, double flops, const Body& body) {
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

template <int In, int Out, class Act, template <int, int> class Layer = Dense>
void forward(benchmark::State& state) {
  const auto w = uniform(Dense<In, Out>::parameters, 0), x = uniform(In * tile_rows, 1);
  AlignedVector<float> y(Out * tile_rows);
  measure(state, 2. * In * Out * tile_rows, [&] {
    Layer<In, Out>::template forward<Simd, Act>(w.data(), x.data(), y.data(), nullptr, tile_rows);
  });
}

template <int In, int Out, template <int, int> class Layer = Dense>
void input_gradient(benchmark::State& state) {
  const auto w = uniform(In * Out, 0), dy = uniform(Out * tile_rows, 1), kept = uniform(In * tile_rows, 2);
  AlignedVector<float> dx(In * tile_rows);
  measure(state, 2. * In * Out * tile_rows, [&] {
    Layer<In, Out>::template input_gradient<Simd, Tanh>(w.data(), dy.data(), dx.data(), kept.data(),
                                                        tile_rows);
  });
}

template <int In, int Out, template <int, int> class DenseLayer = Dense>
void weight_gradient(benchmark::State& state) {
  using Layer = DenseLayer<In, Out>;
  const auto dy = uniform(Out * tile_rows, 1), x = uniform(In * tile_rows, 2);
  AlignedVector<float> dw(Layer::parameters), scratch(Layer::scratch_size);
  measure(state, 2. * In * Out * tile_rows, [&] {
    Layer::template weight_gradient<Simd>(dw.data(), x.data(), dy.data(), scratch.data(), tile_rows);
  });
}

/// Forward and backward of a whole network; the count leaves out the input gradient of the first layer.
template <class Net>
void network(benchmark::State& state) {
  const auto w = uniform(Net::parameters, 0), x = uniform(Net::inputs * tile_rows, 1);
  const auto dy = uniform(Net::outputs * tile_rows, 2);
  AlignedVector<float> dw(Net::parameters), y(Net::outputs * tile_rows), cache(Net::cache_size);
  AlignedVector<float> scratch(Net::scratch_size);
  double products = 0;
  for (const Block& block : Net::layout()) {
    if (block.kind == BlockKind::bias) continue;
    products += static_cast<double>(block.size()) * (block.offset == 0 ? 2 : 3);
  }
  measure(state, 2 * products * tile_rows, [&] {
    Net::template forward<Simd>(w.data(), x.data(), nullptr, y.data(), cache.data(), tile_rows);
    Net::template backward<Simd>(w.data(), dw.data(), x.data(), dy.data(), nullptr, nullptr, cache.data(),
                                 scratch.data(), tile_rows);
  });
}

/// What bounds the kernels of bfloat16: sixteen chains of their products, from registers alone.
void bfloat16_chains(benchmark::State& state) {
  using Format = internal::RoundedOperands<Simd>;
  constexpr int chains = 16, steps = 1000, width = batch_width<Batch<>>;
  const auto values = uniform(2 * width, 0);
  const Batch<> a = Batch<>::load_unaligned(values.data()), b = Batch<>::load_unaligned(&values[width]);
  AlignedVector<float> totals(width);
  const double products = Format::groups(2) == 1 ? 2 : 1;  // of a lane and instruction
  measure(state, 2. * products * width * chains * steps, [&] {
    Batch<> sum[chains];
    internal::unroll<chains>([&](auto i)
                                 __attribute__((always_inline)) { sum[i] = Batch<>(static_cast<float>(i)); });
    for (int step = 0; step < steps; ++step) {
      internal::unroll<chains>([&](auto i) __attribute__((always_inline)) {
        sum[i] = Format::Elements::multiply_add<Simd>(a, b, sum[i]);
      });
    }
    Batch<> total(0.f);
    internal::unroll<chains>([&](auto i) __attribute__((always_inline)) { total = total + sum[i]; });
    total.store_unaligned(totals.data());
  });
}

void adam(benchmark::State& state) {
  using Net = Mlp<64, 64>::network<4, 2, Tanh>;
  const Layout layout = Net::layout();
  auto w = uniform(Net::parameters, 0);
  const auto gradient = uniform(Net::parameters, 1);
  Adam optimizer({}, total_size(layout));
  for (auto _ : state) {
    update_all<Simd>(optimizer, layout, std::span<float>(w), std::span<const float>(gradient), 1e-6f);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * Net::parameters);
  state.SetLabel("parameters");
}

#define POLIS_KERNELS(in, out)           \
  BENCHMARK(forward<in, out, Identity>); \
  BENCHMARK(forward<in, out, Tanh>);     \
  BENCHMARK(input_gradient<in, out>);    \
  BENCHMARK(weight_gradient<in, out>)

// Shares are of float32's peak here too: the quotient of two of them is a speed-up.
#define POLIS_BFLOAT16_KERNELS(in, out)                 \
  BENCHMARK(forward<in, out, Identity, Bfloat16Dense>); \
  BENCHMARK(forward<in, out, Tanh, Bfloat16Dense>);     \
  BENCHMARK(input_gradient<in, out, Bfloat16Dense>);    \
  BENCHMARK(weight_gradient<in, out, Bfloat16Dense>)

POLIS_KERNELS(64, 64);
POLIS_KERNELS(4, 64);
POLIS_KERNELS(64, 2);
POLIS_KERNELS(128, 128);
POLIS_KERNELS(256, 256);
BENCHMARK(bfloat16_chains);
POLIS_BFLOAT16_KERNELS(64, 64);
POLIS_BFLOAT16_KERNELS(128, 128);
POLIS_BFLOAT16_KERNELS(256, 256);
BENCHMARK(network<Mlp<64, 64>::network<4, 2, Tanh>>);
BENCHMARK(network<Mlp<64, 64>::network<4, 2, Relu>>);
BENCHMARK(network<Mlp<256, 256>::network<32, 8, Tanh>>);
BENCHMARK(network<Bfloat16<Mlp<64, 64>>::network<4, 2, Relu>>);
BENCHMARK(network<Bfloat16<Mlp<256, 256>>::network<32, 8, Tanh>>);
BENCHMARK(adam);

}  // namespace

int main(int argc, char** argv) {
  return polis::run_google_benchmarks(argc, argv, [] { return polis::measure_fma_peak<>(10); });
}
