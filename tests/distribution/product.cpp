#include <doctest/doctest.h>

#include <type_traits>

#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/product.hpp>
#include <polis/distribution/simplex_gaussian.hpp>

#include "checks.hpp"

namespace {

using polis::Categorical;
using polis::DiagGaussian;
using polis::Product;
using polis::SimplexGaussian;

using Order = Product<Categorical<3>, DiagGaussian<2>, Product<Categorical<2>, SimplexGaussian<3>>>;
static_assert(Order::inputs == 9 && Order::weights == 4 && Order::words == 7 && Order::noise == 6);
static_assert(Order::mask_size == 5);
static_assert(std::is_same_v<Order::Config, polis::GaussianConfig>);
static_assert(std::is_same_v<Product<Categorical<2>, Categorical<3>>::Config, polis::NoDistributionConfig>);
static_assert(polis::Distribution<Order> && polis::Distribution<Product<>> && !polis::Distribution<int>);

}  // namespace

TEST_CASE("distribution/product: gradients, registers, consistency") {
  checks::all<Order>();
  checks::all<Order>(true);
  checks::all<Product<Categorical<2>, Categorical<4>>>(true);
}

TEST_CASE("distribution/product: the sum of its parts, each at its place") {
  const checks::Samples<Order> s(4, true);
  for (int row = 0; row < polis::tile_rows; ++row) {
    const auto inputs = s.in<float>(s.inputs, row), weights = s.in<float>(s.weights, row);
    const auto mask = s.legal<float>(row), action = s.in<float>(s.actions, row);
    const auto a = Categorical<3>::evaluate<float>(inputs, weights, mask, action);
    const auto b = DiagGaussian<2>::evaluate<float>(inputs.from(3), weights, {}, action.from(1));
    const auto c = Categorical<2>::evaluate<float>(inputs.from(5), {}, mask.from(3), action.from(3));
    const auto d = SimplexGaussian<3>::evaluate<float>(inputs.from(7), weights.from(2), {}, action.from(4));
    const auto all = s.evaluate<float>(row);
    CHECK(all.log_prob == doctest::Approx(a.log_prob + b.log_prob + c.log_prob + d.log_prob).epsilon(1e-5));
    CHECK(all.entropy == doctest::Approx(a.entropy + b.entropy + c.entropy + d.entropy).epsilon(1e-5));
  }
}

TEST_CASE("distribution/product: every part needs a legal action; settings reach the parts that have them") {
  float mask[5] = {0, 1, 0, 0, 1};
  CHECK(Order::valid({mask, 1}));
  mask[4] = 0;
  CHECK(!Order::valid({mask, 1}));
  mask[4] = 1, mask[1] = 0;
  CHECK(!Order::valid({mask, 1}));
  float weights[4] = {};
  Order::initialize({.log_std = -2.f}, weights);
  for (const float w : weights) CHECK(w == -2.f);
}
