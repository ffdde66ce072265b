// The dueling head: its formula, and the derivatives of a whole network under it by finite differences.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include <polis/core/aligned.hpp>
#include <polis/core/random.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dueling.hpp>
#include <polis/nn/mlp.hpp>

namespace test_dueling {

using namespace polis;

using Below = MlpNetwork<3, 5, Tanh, 6>;
using Net = Dueling<Mlp<6>>::network<3, 4, Tanh>;
static_assert(Network<Net> && Net::inputs == 3 && Net::outputs == 4 && Net::parameters == Below::parameters);

struct Fixture {
  AlignedVector<float> w = AlignedVector<float>(Net::parameters), gradient = w;
  AlignedVector<float> x = AlignedVector<float>(3 * tile_rows), dx = x;
  AlignedVector<float> y = AlignedVector<float>(4 * tile_rows), dy = y;
  AlignedVector<float> cache = AlignedVector<float>(Net::cache_size);
  AlignedVector<float> scratch = AlignedVector<float>(Net::scratch_size);
  int rows = 21;

  Fixture() {
    Random random(2, 0, 0, 0, Purpose::test);
    for (float& value : w) value = random.uniform(-1, 1);
    for (float& value : x) value = random.uniform(-1, 1);
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = i % tile_rows < 21 ? random.uniform(-1, 1) : 0.f;
  }
  double loss() {
    Net::forward<Simd>(w.data(), x.data(), nullptr, y.data(), cache.data(), rows);
    double sum = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) {
      if (i % tile_rows < 21) sum += static_cast<double>(dy[i]) * static_cast<double>(y[i]);
    }
    return sum;
  }
  double worst(std::span<float> values, std::span<const float> derivative) {
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      constexpr float step = 1e-2f;
      const float kept = values[i];
      values[i] = kept + step;
      const double above = loss();
      values[i] = kept - step;
      const double below = loss();
      values[i] = kept;
      const double slope = (above - below) / (2 * static_cast<double>(step));
      worst = std::max(worst, std::abs(slope - static_cast<double>(derivative[i])));
    }
    return worst;
  }
};

}  // namespace test_dueling

TEST_CASE("nn/dueling: the mean over actions is the value, differences are those of the advantages") {
  using namespace test_dueling;
  Fixture f;
  (void)f.loss();
  AlignedVector<float> apart(5 * tile_rows), cache(Below::cache_size);
  Below::forward<Simd>(f.w.data(), f.x.data(), nullptr, apart.data(), cache.data(), f.rows);
  for (std::size_t r = 0; r < 21; ++r) {
    float mean = 0;
    for (std::size_t a = 0; a < 4; ++a) mean += f.y[a * 64 + r] / 4;
    CHECK(mean == doctest::Approx(apart[4 * 64 + r]).epsilon(1e-5));
    for (std::size_t a = 1; a < 4; ++a) {
      CHECK(f.y[a * 64 + r] - f.y[r] == doctest::Approx(apart[a * 64 + r] - apart[r]).epsilon(1e-4));
    }
  }
}

TEST_CASE("nn/dueling: derivatives of weights and inputs by finite differences") {
  using namespace test_dueling;
  Fixture f;
  (void)f.loss();
  Net::backward<Simd>(f.w.data(), f.gradient.data(), f.x.data(), f.dy.data(), f.dx.data(), nullptr,
                      f.cache.data(), f.scratch.data(), f.rows);
  for (std::size_t i = 0; i < f.dx.size(); ++i) {
    if (i % 64 >= 21) f.dx[i] = 0;  // unspecified in padding rows
  }
  const AlignedVector<float> gradient = f.gradient, dx = f.dx;
  CHECK(f.worst(f.w, gradient) < 5e-3);
  CHECK(f.worst(f.x, dx) < 5e-3);
}
