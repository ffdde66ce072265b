// Networks against a second implementation in double precision, and their gradients against its finite
// differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/nn/network.hpp>

#include "doubles.hpp"

using namespace polis;
using namespace polis_test;

namespace {

template <class Arch, int In, int Out, class Act, int... Widths>
void check_mlp(int rows) {
  using Net = typename Mlp<Widths...>::template network<In, Out, Act>;
  static_assert(Network<Net> && !RecurrentNetwork<Net>);
  Doubles w = draws(Net::parameters, 1, .7), x = draws(In * rows, 2);
  const Doubles dy = draws(Out * rows, 3);
  const auto reference = [&] {
    const double* weights = w.data();
    Doubles hidden = x;
    for (const int width : std::vector<int>{Widths...}) {
      hidden = dense(weights, hidden, width, rows);
      for (double& value : hidden) value = Act{}(value);
    }
    return dense(weights, hidden, Out, rows);
  };
  const auto loss = [&] { return dot(reference(), dy); };

  const auto weights = floats(w), inputs = tile(x, rows, .5f), d_outputs = tile(dy, rows);
  AlignedVector<float> y(Out * tile_rows), dx(In * tile_rows), dw(Net::parameters);
  AlignedVector<float> cache(Net::cache_size + 1), scratch(Net::scratch_size);
  Net::template forward<Arch>(weights.data(), inputs.data(), nullptr, y.data(), cache.data(), rows);
  Net::template backward<Arch>(weights.data(), dw.data(), inputs.data(), d_outputs.data(), dx.data(), nullptr,
                               cache.data(), scratch.data(), rows);
  CHECK(largest_difference(rows_of(y, rows), reference()) < 2e-6);
  CHECK(worst_difference(w, doubles(dw), loss) < 2e-5);
  CHECK(worst_difference(x, rows_of(dx, rows), loss) < 1e-5);

  // Without input gradients, and accumulating: the same again on top.
  Net::template backward<Arch>(weights.data(), dw.data(), inputs.data(), d_outputs.data(), nullptr, nullptr,
                               cache.data(), scratch.data(), rows);
  Doubles half = doubles(dw);
  for (double& value : half) value /= 2;
  CHECK(worst_difference(w, half, loss) < 2e-5);
}

/// With turned weights, for as many rows as are served, the same to the last bit.
template <class Arch, class Net>
void check_turned() {
  static_assert(TurnsWeights<Net>);
  const auto weights = floats(draws(Net::parameters, 1, .7));
  AlignedVector<float> turned(Net::turned_size), cache(Net::cache_size + 1), scratch(Net::turned_scratch);
  Net::turn(weights.data(), turned.data());
  for (int rows = 1; rows <= internal::turned_rows<Arch>; ++rows) {
    const auto x = tile(draws(Net::inputs * rows, 2), rows, .5f);
    AlignedVector<float> plain(Net::outputs * tile_rows), quick(Net::outputs * tile_rows, 7.f);
    Net::template forward<Arch>(weights.data(), x.data(), nullptr, plain.data(), cache.data(), rows);
    Net::template forward_turned<Arch>(turned.data(), x.data(), quick.data(), scratch.data(), rows);
    CHECK(rows_of(quick, rows) == rows_of(plain, rows));
    CHECK(quick[static_cast<std::size_t>(batch_width<Batch<Arch>> - 1)] == 0.f);  // finite beyond the rows
  }
}

}  // namespace

TEST_CASE("nn/network: an Mlp with turned weights makes the same of few rows, to the last bit") {
  check_turned<Simd, MlpNetwork<3, 1, Relu, 64, 64>>();
  check_turned<Simd, MlpNetwork<4, 2, Tanh, 8, 6>>();
  check_turned<Simd, MlpNetwork<3, 19, Silu, 17, 5>>();
  check_turned<Simd, MlpNetwork<19, 3, Tanh>>();
#if defined(__x86_64__)
  check_turned<xsimd::sse2, MlpNetwork<3, 5, Tanh, 18, 7>>();
#endif
}

TEST_CASE("nn/network: Mlp agrees with double precision and with finite differences, for every activation") {
  for (const int rows : {1, 7, 64}) {
    check_mlp<Simd, 4, 2, Tanh, 8, 6>(rows);
    check_mlp<Simd, 3, 1, Relu, 17, 5>(rows);
    check_mlp<Simd, 3, 5, Silu, 6, 7, 18>(rows);
    check_mlp<Simd, 19, 3, Tanh>(rows);
  }
}

#if defined(__x86_64__)
TEST_CASE("nn/network: Mlp on narrower registers") { check_mlp<xsimd::sse2, 4, 2, Silu, 8, 6>(7); }
#endif

TEST_CASE("nn/network: the blocks of an Mlp fill its parameters in order") {
  using Net = Mlp<64, 32>::network<4, 2, Tanh>;
  const Layout layout = Net::layout();
  REQUIRE(layout.size() == 6);
  CHECK(total_size(layout) == static_cast<std::size_t>(Net::parameters));
  CHECK(Net::parameters == 4 * 64 + 64 + 64 * 32 + 32 + 32 * 2 + 2);
  CHECK(layout[0].name == "0.weight");
  CHECK(layout[3].name == "1.bias");
  CHECK(layout[4].kind == BlockKind::output_weight);
  CHECK(layout[4].rows == 2);
  CHECK(layout[4].columns == 32);
  CHECK(layout[2].offset == 4 * 64 + 64);
  Layout both;
  append(both, "actor.", layout);
  append(both, "critic.", layout);
  CHECK(both[6].name == "critic.0.weight");
  CHECK(both[6].offset == total_size(layout));
}

namespace {

/// The GRU's equations over several steps, in double. Returns all outputs, then the last carry.
Doubles gru_reference(const Doubles& w, const std::vector<Doubles>& xs, const Doubles& carry, int out,
                      int rows) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  Doubles h = carry, result;
  const int width = static_cast<int>(carry.size()) / rows;
  for (const Doubles& x : xs) {
    const double* weights = w.data();
    const Doubles from_x = dense(weights, x, 3 * width, rows), from_h = dense(weights, h, 3 * width, rows);
    const std::size_t gate = h.size();
    for (std::size_t i = 0; i < gate; ++i) {
      const double r = sigmoid(from_x[i] + from_h[i]), z = sigmoid(from_x[gate + i] + from_h[gate + i]);
      const double n = std::tanh(from_x[2 * gate + i] + r * from_h[2 * gate + i]);
      h[i] = (1 - z) * n + z * h[i];
    }
    const Doubles y = dense(weights, h, out, rows);
    result.insert(result.end(), y.begin(), y.end());
  }
  result.insert(result.end(), h.begin(), h.end());
  return result;
}

template <int In, int Out, int Width>
void check_gru(int rows, int steps) {
  using Net = typename Gru<Width>::template network<In, Out, Tanh>;
  static_assert(RecurrentNetwork<Net>);
  Doubles w = draws(Net::parameters, 1, .7), carry = draws(Width * rows, 2);
  std::vector<Doubles> xs;
  for (int t = 0; t < steps; ++t) xs.push_back(draws(In * rows, 10 + static_cast<unsigned>(t)));
  const Doubles d_all = draws((steps * Out + Width) * rows, 3);
  const auto loss = [&] { return dot(gru_reference(w, xs, carry, Out, rows), d_all); };

  const auto weights = floats(w);
  auto h = tile(carry, rows);
  std::vector<AlignedVector<float>> caches, inputs;
  Doubles outputs;
  for (int t = 0; t < steps; ++t) {
    inputs.push_back(tile(xs[static_cast<std::size_t>(t)], rows));
    caches.emplace_back(Net::cache_size);
    AlignedVector<float> y(Out * tile_rows);
    Net::template forward<Simd>(weights.data(), inputs.back().data(), h.data(), y.data(),
                                caches.back().data(), rows);
    const Doubles valid = rows_of(y, rows);
    outputs.insert(outputs.end(), valid.begin(), valid.end());
  }
  const Doubles last = rows_of(h, rows);
  outputs.insert(outputs.end(), last.begin(), last.end());
  CHECK(largest_difference(outputs, gru_reference(w, xs, carry, Out, rows)) < 3e-6);

  const auto part = [&](int t) { return d_all.begin() + t * Out * rows; };
  auto d_carry = tile(Doubles(part(steps), d_all.end()), rows);
  AlignedVector<float> dw(Net::parameters), scratch(Net::scratch_size);
  for (int t = steps - 1; t >= 0; --t) {
    const auto now = static_cast<std::size_t>(t);
    const auto dy = tile(Doubles(part(t), part(t + 1)), rows);
    AlignedVector<float> dx(In * tile_rows);
    Net::template backward<Simd>(weights.data(), dw.data(), inputs[now].data(), dy.data(), dx.data(),
                                 d_carry.data(), caches[now].data(), scratch.data(), rows);
    CHECK(worst_difference(xs[now], rows_of(dx, rows), loss) < 1e-5);
  }
  CHECK(worst_difference(w, doubles(dw), loss) < 3e-5);
  CHECK(worst_difference(carry, rows_of(d_carry, rows), loss) < 1e-5);
}

}  // namespace

TEST_CASE("nn/network: Gru agrees with double precision and with finite differences through time") {
  check_gru<3, 2, 5>(5, 4);
  check_gru<2, 1, 17>(18, 3);
}

TEST_CASE("nn/network: the blocks of a Gru fill its parameters") {
  using Net = Gru<32>::network<3, 2, Tanh>;
  CHECK(total_size(Net::layout()) == static_cast<std::size_t>(Net::parameters));
  CHECK(Net::layout()[2].name == "recurrent.weight");
  CHECK(Net::layout()[2].rows == 96);
  CHECK(Net::layout()[2].columns == 32);
}

TEST_CASE("nn/network: the concept tells networks from what is none") {
  struct Nothing {};
  static_assert(!Network<Nothing> && !Network<Tanh> && !Network<Mlp<4>>);
  static_assert(Activation<Tanh> && Activation<Relu> && Activation<Silu> && !Activation<Nothing>);
}
