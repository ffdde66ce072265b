// xtensor.hpp: buffers as xtensor expressions, without copies.
#include <doctest/doctest.h>

#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include <polis/buffer/rollout.hpp>
#include <polis/xtensor.hpp>

TEST_CASE("xtensor: a rollout's arrays are expressions over the same memory") {
  polis::RolloutArrays rollout({.steps = 3, .rows = 4, .observation = 2, .action = 1});
  for (int t = 0; t < 3; ++t) {
    for (int row = 0; row < 4; ++row) rollout.rewards(t, row) = static_cast<float>(10 * t + row);
  }
  auto rewards = polis::as_xtensor(rollout.rewards);
  REQUIRE(rewards.dimension() == 2);
  CHECK(rewards.shape(0) == 3);
  CHECK(rewards.shape(1) == 4);
  CHECK(rewards(2, 3) == 23.f);
  const xt::xarray<float> by_step = xt::mean(rewards, {1});
  CHECK(by_step(1) == 11.5f);
  xt::view(rewards, 0, xt::all()) += 100.f;
  CHECK(rollout.rewards(0, 3) == 103.f);
  CHECK(rewards.data() == rollout.rewards.data);
}

TEST_CASE("xtensor: strides other than row-major's are kept") {
  float numbers[6] = {0, 1, 2, 3, 4, 5};
  const polis::ArrayView<float, 2> columns{numbers, {{3, 2}}, {{1, 3}}};  // the transpose of a 2 x 3 matrix
  auto transposed = polis::as_xtensor(columns);
  CHECK(transposed(2, 1) == 5.f);
  CHECK(transposed(1, 0) == 1.f);
  CHECK(xt::sum(transposed)() == 15.f);
  const polis::ArrayView<const float, 1> constant{numbers, {{6}}, {{1}}};
  CHECK(xt::sum(polis::as_xtensor(constant))() == 15.f);
}
