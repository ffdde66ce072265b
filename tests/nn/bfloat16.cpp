// Networks with products of bfloat16: against the same arithmetic in double with the same operands rounded,
// and against the float32 network whose weights they have.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include <polis/core/bfloat16.hpp>
#include <polis/nn/bfloat16.hpp>
#include <polis/nn/comm_net.hpp>
#include <polis/nn/dueling.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/mlp.hpp>

#include "doubles.hpp"

namespace test_bfloat16_network {

using namespace polis;
using namespace polis_test;

static_assert(Network<Bfloat16<Mlp<64, 64>>::network<4, 2, Tanh>>);
static_assert(!TurnsWeights<Bfloat16<Mlp<64, 64>>::network<4, 2, Tanh>>);
static_assert(MadeOfDenseLayers<Mlp<64>> && MadeOfDenseLayers<Mlp<>> && !MadeOfDenseLayers<Gru<64>>);
static_assert(!MadeOfDenseLayers<CommNet<2, 32, 2, 0>> && !MadeOfDenseLayers<Bfloat16<Mlp<64>>>);
static_assert(!MadeOfDenseLayers<Dueling<Mlp<64>>>);  // the other way round:
static_assert(Network<Dueling<Bfloat16<Mlp<64>>>::network<4, 2, Relu>>);

Doubles rounded(const Doubles& values) {
  Doubles result;
  for (const double value : values) {
    result.push_back(static_cast<double>(round_to_bfloat16(static_cast<float>(value))));
  }
  return result;
}

/// Outputs and gradients of a dense network in double. What layers wide enough multiply is rounded, if
/// asked for.
template <class Act>
struct Reference {
  std::vector<int> widths;
  Doubles w, x, dy;
  int rows;
  bool rounds;
  Doubles y, dw, dx;

  Doubles operand(const Doubles& values, int in, int out) const {
    return rounds && in >= 16 && out >= 16 ? rounded(values) : values;
  }
  std::size_t index(int row, int column, int stride) const {
    return static_cast<std::size_t>(row * stride + column);
  }

  void run() {
    std::vector<Doubles> seen = {x};
    std::vector<int> offsets;
    int offset = 0;
    for (std::size_t layer = 0; layer + 1 < widths.size(); ++layer) {
      const int in = widths[layer], out = widths[layer + 1];
      Doubles weights = operand(Doubles(w.begin() + offset, w.begin() + offset + in * out), in, out);
      weights.insert(weights.end(), w.begin() + offset + in * out, w.begin() + offset + in * out + out);
      const double* from = weights.data();
      y = dense(from, operand(seen.back(), in, out), out, rows);
      if (layer + 2 < widths.size()) {
        for (double& value : y) value = Act{}(value);
        seen.push_back(y);
      }
      offsets.push_back(offset);
      offset += in * out + out;
    }
    dw.assign(w.size(), 0);
    Doubles above = dy;
    for (std::size_t layer = offsets.size(); layer-- > 0;) {
      const int in = widths[layer], out = widths[layer + 1], at = offsets[layer];
      const Doubles weights = operand(Doubles(w.begin() + at, w.begin() + at + in * out), in, out);
      const Doubles left = operand(above, in, out), right = operand(seen[layer], in, out);
      dx.assign(static_cast<std::size_t>(in * rows), 0);
      for (int o = 0; o < out; ++o) {
        for (int r = 0; r < rows; ++r) {
          dw[static_cast<std::size_t>(at + in * out + o)] += above[index(o, r, rows)];
          for (int i = 0; i < in; ++i) {
            dw[static_cast<std::size_t>(at + o * in + i)] +=
                left[index(o, r, rows)] * right[index(i, r, rows)];
            dx[index(i, r, rows)] += weights[index(o, i, in)] * left[index(o, r, rows)];
          }
        }
      }
      if (layer > 0) {
        for (std::size_t i = 0; i < dx.size(); ++i) dx[i] *= Act::derivative(seen[layer][i]);
      }
      above = dx;
    }
  }
};

template <class Net>
struct Run {
  AlignedVector<float> y = AlignedVector<float>(Net::outputs * tile_rows),
                       dw = AlignedVector<float>(Net::parameters);
  AlignedVector<float> dx = AlignedVector<float>(Net::inputs * tile_rows);

  Run(const Doubles& w, const Doubles& x, const Doubles& dy, int rows) {
    const auto weights = floats(w), inputs = tile(x, rows, .5f), d_outputs = tile(dy, rows);
    AlignedVector<float> cache(Net::cache_size + 1), scratch(Net::scratch_size);
    Net::template forward<Simd>(weights.data(), inputs.data(), nullptr, y.data(), cache.data(), rows);
    Net::template backward<Simd>(weights.data(), dw.data(), inputs.data(), d_outputs.data(), dx.data(),
                                 nullptr, cache.data(), scratch.data(), rows);
  }
};

double size(const Doubles& values) { return std::sqrt(dot(values, values)); }
double distance(const Doubles& a, const Doubles& b) {
  REQUIRE(a.size() == b.size());
  Doubles difference;
  for (std::size_t i = 0; i < a.size(); ++i) difference.push_back(a[i] - b[i]);
  return size(difference) / size(b);
}

template <class Act, int In, int Out, int... Widths>
void check(int rows) {
  using Plain = typename Mlp<Widths...>::template network<In, Out, Act>;
  using Net = typename Bfloat16<Mlp<Widths...>>::template network<In, Out, Act>;
  static_assert(Net::parameters == Plain::parameters && Net::cache_size == Plain::cache_size);
  const Doubles w = draws(Net::parameters, 1, .3), x = draws(In * rows, 2), dy = draws(Out * rows, 3);
  const Run<Net> run(w, x, dy, rows);
  Reference<Act> same{{In, Widths..., Out}, w, x, dy, rows, true, {}, {}, {}};
  Reference<Act> exact{{In, Widths..., Out}, w, x, dy, rows, false, {}, {}, {}};
  same.run(), exact.run();
  const Doubles y = rows_of(run.y, rows), dw = doubles(run.dw), dx = rows_of(run.dx, rows);
  CAPTURE(rows);
  // A hidden number near the middle of two of bfloat16's may round to the one in float32 and to the other in
  // double: about one in ten thousand of them does, by 2^-8.
  CHECK(distance(y, same.y) < 3e-4);
  CHECK(distance(dw, same.dw) < 3e-4);
  CHECK(distance(dx, same.dx) < 3e-4);
  // Rounding costs a few thousandths, and is there. A rectifier that it closes or opens costs a derivative.
  const double most = internal::rectifies<Act> ? .2 : .01;
  for (const double off : {distance(y, exact.y), distance(dw, exact.dw), distance(dx, exact.dx)}) {
    CHECK(off < most);
    CHECK(off > 3e-4);
  }
}

}  // namespace test_bfloat16_network

TEST_CASE("nn/bfloat16: outputs and gradients are those of rounded operands, and near those of float32") {
  using namespace test_bfloat16_network;
  for (const int rows : {1, 2, 7, 16, 33, 64}) {
    check<Tanh, 24, 20, 32, 48>(rows);
    check<Relu, 17, 19, 33, 21>(rows);
    check<Tanh, 3, 4, 64, 64>(rows);
  }
}

TEST_CASE("nn/bfloat16: the derivative of the outputs, by finite differences of the float64 network") {
  using namespace test_bfloat16_network;
  using Net = Bfloat16<Mlp<20, 18>>::network<16, 17, Silu>;
  const int rows = 5;
  Doubles w = draws(Net::parameters, 1, .3), x = draws(16 * rows, 2);
  const Doubles dy = draws(17 * rows, 3);
  const auto loss = [&] {
    const double* weights = w.data();
    Doubles hidden = x;
    for (const int width : {20, 18}) {
      hidden = dense(weights, hidden, width, rows);
      for (double& value : hidden) value = Silu{}(value);
    }
    return dot(dense(weights, hidden, 17, rows), dy);
  };
  const Run<Net> run(w, x, dy, rows);
  CHECK(worst_difference(w, doubles(run.dw), loss) < 2e-2);  // of derivatives up to 2
  CHECK(worst_difference(x, rows_of(run.dx, rows), loss) < 2e-2);
}

TEST_CASE("nn/bfloat16: layers narrower than 16 are float32's, to the last bit; weights are laid out alike") {
  using namespace test_bfloat16_network;
  using Net = Bfloat16<Mlp<15, 40>>::network<30, 15, Tanh>;
  using Plain = Mlp<15, 40>::network<30, 15, Tanh>;
  const Doubles w = draws(Net::parameters, 1, .5), x = draws(30 * 9, 2), dy = draws(15 * 9, 3);
  const Run<Net> run(w, x, dy, 9);
  const Run<Plain> plain(w, x, dy, 9);
  CHECK(rows_of(run.y, 9) == rows_of(plain.y, 9));
  CHECK(rows_of(run.dx, 9) == rows_of(plain.dx, 9));
  CHECK(run.dw == plain.dw);
  const Layout a = Net::layout(), b = Plain::layout();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].offset == b[i].offset);
    CHECK(a[i].kind == b[i].kind);
  }
}

TEST_CASE("nn/bfloat16: gradients are added, and the inputs' left out where they are not wanted") {
  using namespace test_bfloat16_network;
  using Net = Bfloat16<Mlp<32>>::network<19, 17, Tanh>;
  const auto w = floats(draws(Net::parameters, 1, .3)), x = tile(draws(19 * 64, 2), 64);
  const auto dy = tile(draws(17 * 64, 3), 64);
  AlignedVector<float> y(17 * tile_rows), once(Net::parameters), twice(Net::parameters),
      cache(Net::cache_size);
  AlignedVector<float> scratch(Net::scratch_size);
  Net::forward<Simd>(w.data(), x.data(), nullptr, y.data(), cache.data(), 64);
  const auto add = [&](AlignedVector<float>& dw) {
    Net::backward<Simd>(w.data(), dw.data(), x.data(), dy.data(), nullptr, nullptr, cache.data(),
                        scratch.data(), 64);
  };
  add(once), add(twice), add(twice);
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == doctest::Approx(2 * once[i]).epsilon(1e-4));
}
