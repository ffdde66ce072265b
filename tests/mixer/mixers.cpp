// Mixers: values by hand, monotone for random weights and states, every derivative by finite differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/core/random.hpp>
#include <polis/mixer/qmix.hpp>
#include <polis/mixer/vdn.hpp>

namespace test_mixers {

using namespace polis;

static_assert(Mixer<Independent> && Mixer<Vdn> && Mixer<Qmix<>> && Mixer<Qmix<8, 16>>);
struct NoMixer {
  using word = word::Mixer;
  static constexpr bool joint = true, needs_state = false;
};
static_assert(!Mixer<NoMixer>);

/// A mixer with random weights, values, states and output gradients, of so many rows.
template <class M, int StateFeatures>
struct Fixture {
  AlignedVector<float> w, gradient, q, state, total, d_total, d_q, cache, scratch;
  int rows;

  Fixture(int rows_, std::uint64_t seed)
      : w(M::parameters),
        gradient(M::parameters),
        q(M::agents * tile_rows),
        state(std::max(1, StateFeatures) * tile_rows),
        total(tile_rows),
        d_total(tile_rows),
        d_q(M::agents * tile_rows),
        cache(M::cache_size),
        scratch(M::scratch_size),
        rows(rows_) {
    Random random(seed, 0, 0, 0, Purpose::test);
    for (auto* values : {&w, &q, &state}) {
      for (float& x : *values) x = random.uniform(-1, 1);
    }
    for (int i = 0; i < rows; ++i) d_total[static_cast<std::size_t>(i)] = random.uniform(-1, 1);
  }
  void forward() {
    M::template forward<Simd>(w.data(), q.data(), state.data(), total.data(), cache.data(), rows);
  }
  void backward() {
    forward();
    M::template backward<Simd>(w.data(), gradient.data(), q.data(), state.data(), d_total.data(), d_q.data(),
                               cache.data(), scratch.data(), rows);
  }
  double loss() {
    forward();
    double sum = 0;
    for (int i = 0; i < rows; ++i) {
      const auto at = static_cast<std::size_t>(i);
      sum += static_cast<double>(d_total[at]) * static_cast<double>(total[at]);
    }
    return sum;
  }
  /// Whether central differences agree; kinks of ReLU, |.| and float rounding leave a tolerance.
  int wrong(std::span<float> values, std::span<const float> derivative) {
    int count = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      constexpr float h = 4e-3f;
      const float kept = values[i];
      const auto difference = [&](float step) {
        values[i] = kept + step;
        const double above = loss();
        values[i] = kept - step;
        const double below = loss();
        values[i] = kept;
        return (above - below) / (2 * static_cast<double>(step));
      };
      const double wide = difference(h), near = difference(h / 4), exact = static_cast<double>(derivative[i]);
      const double tolerance = .01 + .01 * std::abs(exact);
      count += std::min(std::abs(wide - exact), std::abs(near - exact)) > tolerance;
    }
    return count;
  }
};

template <class M, int StateFeatures>
void check_derivatives(int rows) {
  Fixture<M, StateFeatures> f(rows, 5);
  f.backward();
  const AlignedVector<float> gradient = f.gradient, d_q = f.d_q;
  // A weight on a kink within both steps may differ: one in a hundred at most.
  CHECK(f.wrong(f.w, gradient) <= static_cast<int>(f.w.size()) / 100);
  for (int agent = 0; agent < M::agents; ++agent) {
    const auto first = static_cast<std::size_t>(agent * tile_rows), count = static_cast<std::size_t>(rows);
    CHECK(f.wrong(std::span(f.q).subspan(first, count), std::span(d_q).subspan(first, count)) == 0);
  }
}

template <class M, int StateFeatures>
void check_monotone(std::uint64_t seed) {
  Fixture<M, StateFeatures> f(tile_rows, seed);
  std::fill(f.d_total.begin(), f.d_total.end(), 1.f);
  f.backward();
  CHECK(*std::min_element(f.d_q.begin(), f.d_q.end()) >= 0);
  CHECK(*std::max_element(f.d_q.begin(), f.d_q.end()) > 0);
}

}  // namespace test_mixers

TEST_CASE("mixer/mixers: VDN adds, an independent value stays what it is") {
  using namespace test_mixers;
  Fixture<Vdn::mixer<3, 0>, 0> team(5, 1);
  team.backward();
  Fixture<Independent::mixer<1, 0>, 0> alone(5, 1);
  alone.backward();
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(team.total[i] == team.q[i] + team.q[64 + i] + team.q[128 + i]);
    for (std::size_t agent = 0; agent < 3; ++agent) CHECK(team.d_q[agent * 64 + i] == team.d_total[i]);
    CHECK(alone.total[i] == alone.q[i]);
    CHECK(alone.d_q[i] == alone.d_total[i]);
  }
}

TEST_CASE("mixer/mixers: QMIX's derivatives by finite differences, whole and padded tiles") {
  test_mixers::check_derivatives<polis::Qmix<4, 8>::mixer<2, 3>, 3>(64);
  test_mixers::check_derivatives<polis::Qmix<8, 4>::mixer<3, 5>, 5>(19);
}

TEST_CASE("mixer/mixers: QMIX is monotone in every agent's value, whatever weights, state and size") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    test_mixers::check_monotone<polis::Qmix<>::mixer<3, 6>, 6>(seed);
    test_mixers::check_monotone<polis::Qmix<4, 8>::mixer<2, 3>, 3>(seed);
    test_mixers::check_monotone<polis::Qmix<16, 16>::mixer<7, 1>, 1>(seed);
  }
}

TEST_CASE("mixer/mixers: QMIX by its formula, in double precision") {
  using namespace test_mixers;
  using M = Qmix<3, 5>::mixer<2, 4>;
  Fixture<M, 4> f(64, 9);
  f.forward();
  const auto dense = [&](std::size_t at, const std::vector<double>& x, std::size_t out) {
    std::vector<double> y(out);
    for (std::size_t o = 0; o < out; ++o) {
      y[o] = static_cast<double>(f.w[at + out * x.size() + o]);
      for (std::size_t k = 0; k < x.size(); ++k)
        y[o] += static_cast<double>(f.w[at + o * x.size() + k]) * x[k];
    }
    return y;
  };
  const auto relu = [](std::vector<double> x) {
    for (double& value : x) value = std::max(value, 0.);
    return x;
  };
  for (std::size_t row = 0; row < 64; row += 7) {
    std::vector<double> s;
    for (std::size_t k = 0; k < 4; ++k) s.push_back(static_cast<double>(f.state[k * 64 + row]));
    // Blocks in order: w1 (5x4, 6x5), b1 (3x4), w2 (5x4, 3x5), v (3x4, 1x3), biases behind each.
    const auto w1 = dense(25, relu(dense(0, s, 5)), 6), b1 = dense(61, s, 3);
    const auto w2 = dense(76 + 25, relu(dense(76, s, 5)), 3);
    double total = dense(119 + 15, relu(dense(119, s, 3)), 1)[0];
    for (std::size_t e = 0; e < 3; ++e) {
      double x = b1[e];
      for (std::size_t i = 0; i < 2; ++i) {
        x += std::abs(w1[i * 3 + e]) * static_cast<double>(f.q[i * 64 + row]);
      }
      total += std::abs(w2[e]) * (x > 0 ? x : std::exp(x) - 1);
    }
    CHECK(static_cast<double>(f.total[row]) == doctest::Approx(total).epsilon(1e-4));
  }
}
