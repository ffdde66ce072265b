// One row of rewards, values and ends for the tests of estimators, and what an estimator makes of it.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/core/random.hpp>
#include <polis/returns/returns.hpp>

namespace polis_test {

using polis::End;
constexpr End none = End::none, terminated = End::terminated, truncated = End::truncated;

// `values` has the bootstrap value at its end; empty vectors are not given to the estimator. `estimate` gives
// the advantages.
struct Row {
  std::vector<float> rewards, values;
  std::vector<End> ends = std::vector<End>(rewards.size(), none);
  std::vector<std::uint8_t> decided{};
  std::vector<float> final_values{}, discounts{}, ratios{};
  bool weigh_advantages = true;
  std::vector<float> advantages = std::vector<float>(rewards.size());
  std::vector<float> returns = std::vector<float>(rewards.size());

  template <class Returns>
  const std::vector<float>& estimate(const typename Returns::Config& config) {
    const auto given = [](const auto& v) { return v.empty() ? nullptr : v.data(); };
    const polis::Trajectory row{.slots = static_cast<int>(rewards.size()),
                                .rewards = rewards.data(),
                                .values = values.data(),
                                .bootstrap = &values.back(),
                                .ends = ends.data(),
                                .final_values = given(final_values),
                                .decided = given(decided),
                                .discounts = given(discounts),
                                .ratios = given(ratios),
                                .weigh_advantages = weigh_advantages,
                                .advantages = advantages.data(),
                                .returns = returns.data()};
    Returns::template estimate<float>(config, row);
    return advantages;
  }
};

inline void check(const std::vector<float>& found, const std::vector<double>& expected,
                  double tolerance = 1e-6) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(found[i]) - expected[i]) < tolerance);
  }
}

// Many random rows: registers of them give the bits of single ones, with and without each optional array.
template <class Returns>
void check_registers(typename Returns::Config config) {
  constexpr int slots = 37, rows = 45;
  constexpr auto count = static_cast<std::size_t>(slots * rows);
  polis::Random random(1, 0, 0, 0, polis::Purpose::test);
  std::vector<float> rewards(count), values(count), final_values(count), discounts(count), ratios(count);
  std::vector<float> bootstrap(rows);
  std::vector<End> ends(count);
  std::vector<std::uint8_t> decided(count);
  for (std::size_t i = 0; i < count; ++i) {
    rewards[i] = random.normal(), values[i] = random.normal(), final_values[i] = random.normal();
    discounts[i] = random.uniform(), ratios[i] = 2 * random.uniform();
    const int kind = random.integer(10);
    ends[i] = kind == 0 ? terminated : kind == 1 ? truncated : none;
    decided[i] = random.integer(3) > 0;
  }
  for (float& value : bootstrap) value = random.normal();
  for (int form = 0; form < 16; ++form) {
    config.time_in_steps = (form & 1) != 0;
    std::vector<float> advantages(count), returns(count), one_advantages(count), one_returns(count);
    polis::Trajectory all{.slots = slots,
                          .stride = rows,
                          .rewards = rewards.data(),
                          .values = values.data(),
                          .bootstrap = bootstrap.data(),
                          .ends = ends.data(),
                          .final_values = final_values.data(),
                          .decided = (form & 2) != 0 ? decided.data() : nullptr,
                          .discounts = (form & 4) != 0 ? discounts.data() : nullptr,
                          .ratios = (form & 8) != 0 ? ratios.data() : nullptr,
                          .advantages = advantages.data(),
                          .returns = returns.data()};
    polis::estimate_rows<polis::Simd, Returns>(config, all, rows);
    all.advantages = one_advantages.data(), all.returns = one_returns.data();
    for (int row = 0; row < rows; ++row) Returns::template estimate<float>(config, all.from(row));
    CHECK(advantages == one_advantages);
    CHECK(returns == one_returns);
  }
}

}  // namespace polis_test
