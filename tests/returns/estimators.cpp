// The published vectors of rlax' multistep_test, and what the rules of truncation, turns and time mean for
// each.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <polis/returns/gae.hpp>
#include <polis/returns/lambda_return.hpp>
#include <polis/returns/monte_carlo.hpp>
#include <polis/returns/n_step.hpp>
#include <polis/returns/v_trace.hpp>

#include "row.hpp"

namespace {

using polis::LambdaReturn, polis::MonteCarlo, polis::NStep, polis::VTrace;
using polis_test::check, polis_test::Row;
using polis_test::none, polis_test::terminated, polis_test::truncated;

static_assert(polis::ReturnEstimator<LambdaReturn> && polis::ReturnEstimator<MonteCarlo>);
static_assert(polis::ReturnEstimator<NStep<1>> && polis::ReturnEstimator<VTrace>);
static_assert(polis::recomputes<VTrace> && !polis::recomputes<LambdaReturn>);
static_assert(polis::complete_episodes<MonteCarlo> && !polis::complete_episodes<VTrace>);
static_assert(polis::uses_values<MonteCarlo>);

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// The data that the published vectors share: values are v_tm1 with the last v_t behind them.
Row published() {
  Row row{{1, 0, -1, 0, 1}, {2, 3, 1, 5, -5, 3}};
  row.discounts = {.5f, .9f, 1, .5f, .8f};
  return row;
}

// Decisions at slots 0, 2 and 3, and an end on slot 4, where nothing is decided; then slots 5 and 6 of
// another episode. What is not to be read is not a number.
Row turns(polis::End end) {
  Row row{{1, 2, 4, 8, 16, 32, 64}, {1, nan, 2, 3, nan, 4, nan, 10}};
  row.decided = {1, 0, 1, 1, 0, 1, 0};
  row.ends[4] = end;
  row.final_values = {nan, nan, nan, nan, 6, nan, nan};
  return row;
}

// The episodes of `turns` with nothing but decisions in them, rewards between summed.
Row without_waiting(polis::End end) {
  Row row{{3, 4, 24, 96}, {1, 2, 3, 4, 10}, {none, none, end, none}};
  row.final_values = {nan, nan, 6, nan};
  return row;
}

std::vector<double> doubles(const std::vector<float>& v, const std::vector<std::size_t>& at) {
  std::vector<double> picked;
  for (const std::size_t i : at) picked.push_back(static_cast<double>(v[i]));
  return picked;
}

// Waiting changes nothing but where the numbers stand; a slot without a decision inherits the next one's
// advantage within its episode, and has no return.
template <class Returns>
void check_turns(const typename Returns::Config& config, std::vector<float> ratios = {}) {
  for (const polis::End end : {terminated, truncated}) {
    Row waiting = turns(end), plain = without_waiting(end);
    if (!ratios.empty()) {
      plain.ratios = ratios;
      waiting.ratios = {ratios[0], nan, ratios[1], ratios[2], nan, ratios[3], nan};
    }
    waiting.template estimate<Returns>(config);
    plain.template estimate<Returns>(config);
    check(plain.advantages, doubles(waiting.advantages, {0, 2, 3, 5}), 1e-5);
    check(plain.returns, doubles(waiting.returns, {0, 2, 3, 5}), 1e-5);
    CHECK(waiting.advantages[1] == waiting.advantages[2]);
    CHECK(waiting.advantages[4] == 0);
    CHECK(waiting.advantages[6] == 0);
    for (const std::size_t i : {1u, 4u, 6u}) CHECK(waiting.returns[i] == 0);
  }
}

// Time in steps: the same rewards at the same distances, of an agent that decides at every slot and one that
// decides at the first only, come to the same return if no value is read between.
template <class Returns>
void check_time_in_steps(typename Returns::Config config) {
  config.discount = .5f, config.time_in_steps = true;
  Row row{{1, 2, 4}, {7, nan, nan, 16}};
  row.decided = {1, 0, 0};
  row.template estimate<Returns>(config);
  check(row.returns, {1 + .5 * 2 + .25 * 4 + .125 * 16, 0, 0});
  check(row.advantages, {5 - 7., 0, 0});
  config.time_in_steps = false;
  row.template estimate<Returns>(config);
  check(row.returns, {7 + .5 * 16, 0, 0});
}

}  // namespace

TEST_CASE("returns/lambda_return: the published vector, at its ends one-step returns and Monte Carlo") {
  Row row = published();
  row.estimate<LambdaReturn>({.lambda = .75f});
  check(row.returns, {1.6460547, .72281253, .7375001, .6500001, 3.4});
  for (std::size_t i = 0; i < 5; ++i) CHECK(row.advantages[i] == row.returns[i] - row.values[i]);
  row.estimate<LambdaReturn>({.lambda = 1});
  check(row.returns, {1.315, .63, .7, 1.7, 3.4});
  row.estimate<LambdaReturn>({.lambda = 0});
  check(row.returns, {1 + .5 * 3, .9, -1 + 5., -2.5, 3.4});
}

TEST_CASE("returns/lambda_return: equals the return of generalised advantage estimation") {
  Row one = published(), other = published();
  one.ends[2] = truncated, one.final_values = {0, 0, 4, 0, 0};
  other.ends = one.ends, other.final_values = one.final_values;
  one.estimate<LambdaReturn>({.lambda = .75f});
  other.estimate<polis::Gae>({.lambda = .75f});
  check(one.returns, doubles(other.returns, {0, 1, 2, 3, 4}));
}

TEST_CASE("returns/n_step: the published vector, and one step and many") {
  Row row = published();
  row.estimate<NStep<3>>({});
  check(row.returns, {2.8, -3.15, .7, 1.7, 3.4});
  for (std::size_t i = 0; i < 5; ++i) CHECK(row.advantages[i] == row.returns[i] - row.values[i]);
  row.estimate<NStep<1>>({});
  check(row.returns, {1 + .5 * 3, .9, -1 + 5., -2.5, 3.4});
  row.estimate<NStep<9>>({});
  check(row.returns, {1.315, .63, .7, 1.7, 3.4});
}

TEST_CASE("returns/n_step: an end within the N transitions ends the sum") {
  // Discount .5, N = 2. t = 3: 8 + .5 * 32; t = 2: 4 + .5 * 8 + .25 * 32; t = 1: the end; t = 0: 1 + .5 *
  // G_1.
  Row row{{1, 2, 4, 8}, {1, 1, 1, 1, 32}, {none, truncated, none, none}};
  row.final_values = {0, 6, 0, 0};
  row.estimate<NStep<2>>({.discount = .5f});
  check(row.returns, {1 + .5 * 5, 2 + .5 * 6, 16, 24});
  row.ends[1] = terminated;
  row.estimate<NStep<2>>({.discount = .5f});
  check(row.returns, {2, 2, 16, 24});
}

TEST_CASE("returns/monte_carlo: the published vector; a truncation is worth its final observation") {
  Row row = published();
  row.estimate<MonteCarlo>({});
  check(row.returns, {1.315, .63, .7, 1.7, 3.4});
  for (std::size_t i = 0; i < 5; ++i) CHECK(row.advantages[i] == row.returns[i] - row.values[i]);
  Row cut{{1, 2, 4}, {5, 6, 7, 100}, {none, none, truncated}};
  cut.final_values = {0, 0, 8};
  cut.estimate<MonteCarlo>({.discount = .5f});
  check(cut.returns, {1 + 1 + 1 + 1, 2 + 2 + 2, 4 + 4});
  cut.ends[2] = terminated;
  cut.estimate<MonteCarlo>({.discount = .5f});
  check(cut.returns, {3, 4, 4});
}

TEST_CASE("returns/v_trace: the published vectors") {
  Row row = published();
  row.ratios = {.5f, 1.2f, .8f, 2, 1};
  row.estimate<VTrace>({});
  check(row.returns, {1.671, .684, .76, 1.7, 3.4});
  check(row.advantages, {-.329, -2.316, -.24, -3.3, 8.4});
  row.estimate<VTrace>({.lambda = .9f});
  check(row.returns, {1.726762, .674496, .7216, 1.28, 3.4}, 1e-6);
}

TEST_CASE(
    "returns/v_trace: without a ratio it is Monte Carlo, with clips above the ratios it is weighed by them") {
  Row row = published();
  row.estimate<VTrace>({});
  check(row.returns, {1.315, .63, .7, 1.7, 3.4});
  // By hand: t = 4: 3 * 8.4 = 25.2, vs = 20.2. t = 3: delta = 1.5 * (0 - 2.5 - 5) = -11.25;
  // vs = 5 - 11.25 + .5 * 1.5 * 25.2 = 12.65; A = 1.5 * (0 + .5 * 20.2 - 5) = 7.65.
  Row far{{0, 1}, {5, -5, 3}};
  far.discounts = {.5f, .8f}, far.ratios = {1.5f, 3};
  far.estimate<VTrace>({.clip = 5, .trace_clip = 5});
  check(far.returns, {12.65, 20.2}, 1e-5);
  check(far.advantages, {7.65, 25.2}, 1e-5);
  far.weigh_advantages = false;  // the objective does
  far.estimate<VTrace>({.clip = 5, .trace_clip = 5});
  check(far.advantages, {5.1, 8.4}, 1e-5);
  check(far.returns, {12.65, 20.2}, 1e-5);
}

TEST_CASE("returns/v_trace: an end cuts the trace; a truncation is worth its final observation") {
  Row row{{1, 2, 4}, {1, 2, 3, 10}, {none, truncated, none}};
  row.final_values = {0, 6, 0}, row.ratios = {.5f, .8f, 1};
  row.estimate<VTrace>({.discount = .5f});
  // t = 1: .8 * (2 + 3 - 2) = 2.4. t = 0: .5 * (1 + 1 - 1) = .5, vs = 1 + .5 + .25 * 2.4, A = .5 * (1 + 2.2 -
  // 1).
  check(row.returns, {2.1, 4.4, 9}, 1e-6);
  check(row.advantages, {1.1, 2.4, 6}, 1e-6);
  row.ends[1] = terminated;  // t = 1: .8 * (2 - 2) = 0
  row.estimate<VTrace>({.discount = .5f});
  check(row.returns, {1.5, 2, 9}, 1e-6);
}

TEST_CASE("returns: waiting between decisions changes no estimate") {
  check_turns<LambdaReturn>({.discount = .5f, .lambda = .5f});
  check_turns<NStep<2>>({.discount = .5f});
  check_turns<MonteCarlo>({.discount = .5f});
  check_turns<VTrace>({.discount = .5f, .lambda = .9f}, {.5f, 1.5f, .7f, 2});
  check_turns<polis::Gae>({.discount = .5f, .lambda = .5f});
}

TEST_CASE("returns: time counts in decisions or in steps") {
  check_time_in_steps<LambdaReturn>({});
  check_time_in_steps<NStep<2>>({});
  check_time_in_steps<MonteCarlo>({});
  check_time_in_steps<VTrace>({});
}

TEST_CASE("returns: registers of rows give the bits of single rows") {
  polis_test::check_registers<LambdaReturn>({});
  polis_test::check_registers<NStep<3>>({});
  polis_test::check_registers<MonteCarlo>({});
  polis_test::check_registers<VTrace>({.lambda = .9f, .clip = 1.5f});
}
