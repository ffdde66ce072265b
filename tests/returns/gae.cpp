#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <vector>

#include <polis/returns/gae.hpp>

#include "row.hpp"

namespace {

using polis::Gae;
using polis_test::check, polis_test::Row, polis_test::none, polis_test::terminated, polis_test::truncated;

static_assert(polis::ReturnEstimator<Gae>);
static_assert(!polis::ReturnEstimator<int>);

}  // namespace

TEST_CASE("returns/gae: the vector of rlax' multistep_test") {
  Row row{{0, 0, 1, 0, -.5f}, {1, 4, -3, -2, -1, -1}};
  // Published to four digits where the fifth is not given: 2.4846 and .6704.
  check(row.estimate<Gae>({.discount = .99f, .lambda = .7f}), {-.676979, -5.248167, 2.484608, .67043, -.49},
        1e-6);
  for (std::size_t i = 0; i < 5; ++i) CHECK(row.returns[i] == row.advantages[i] + row.values[i]);
}

TEST_CASE("returns/gae: a discount of zero inside is a termination") {
  const std::vector<double> expected{3, 2, 1, 0, -4.9};
  Row by_discount{{0, 0, 0, 0, 1}, {-3, -2, -1, 0, 5, -1}};
  by_discount.discounts = {.9f, .9f, .9f, 0, .9f};
  check(by_discount.estimate<Gae>({.lambda = 1}), expected, 1e-6);
  Row by_end{{0, 0, 0, 0, 1}, {-3, -2, -1, 0, 5, -1}, {none, none, none, terminated, none}};
  check(by_end.estimate<Gae>({.discount = .9f, .lambda = 1}), expected, 1e-6);
}

TEST_CASE("returns/gae: truncation bootstraps from the final observation and cuts the recursion") {
  // By hand, discount .5, lambda .5:
  //   t = 3: delta = 4 + .5 * 8 - 1 = 7
  //   t = 2: delta = 3 + .5 * 1 - 2 = 1.5,  A = 1.5 + .25 * 7 = 3.25
  //   t = 1: the end. Truncated with V(final) = 6: 2 + .5 * 6 - 3 = 2; terminated: 2 - 3 = -1. No recursion.
  //   t = 0: delta = 1 + .5 * 3 - 4 = -1.5, A = -1.5 + .25 * A_1
  const std::vector<float> rewards{1, 2, 3, 4}, values{4, 3, 2, 1, 8}, final_values{100, 6, 100, 100};
  Row cut{rewards, values, {none, truncated, none, none}};
  cut.final_values = final_values;
  check(cut.estimate<Gae>({.discount = .5f, .lambda = .5f}), {-1, 2, 3.25, 7}, 1e-6);
  Row over{rewards, values, {none, terminated, none, none}};
  over.final_values = final_values;
  check(over.estimate<Gae>({.discount = .5f, .lambda = .5f}), {-1.75, -1, 3.25, 7}, 1e-6);
  // At the last slot an end makes the bootstrap value of no effect.
  Row last{{2}, {3, 8}, {truncated}};
  last.final_values = {6};
  check(last.estimate<Gae>({.discount = .5f}), {2}, 1e-6);
  last.ends = {terminated};
  check(last.estimate<Gae>({.discount = .5f}), {-1}, 1e-6);
}

TEST_CASE("returns/gae: the masked vector, where a slot without a decision is skipped and inherits") {
  Row row{{0, 0, 0, 1}, {.5f, .6f, 9, .8f, 0}};
  row.decided = {1, 1, 0, 1};
  check(row.estimate<Gae>({.discount = 1, .lambda = .95f}), {.4705, .39, .2, .2}, 1e-6);
  CHECK(row.returns[2] == 0);
  row.values[2] = std::numeric_limits<float>::quiet_NaN();  // never read into a result
  check(row.estimate<Gae>({.discount = 1, .lambda = .95f}), {.4705, .39, .2, .2}, 1e-6);
}

TEST_CASE(
    "returns/gae: rewards between two decisions belong to the first, time counts in decisions or steps") {
  // Decisions at slots 0 and 3; bootstrap 10, values 1 and 2; discount .5, lambda .5.
  Row row{{1, 2, 4, 8, 16}, {1, 0, 0, 2, 0, 10}};
  row.decided = {1, 0, 0, 1, 0};
  // Decisions: A_3 = 24 + .5 * 10 - 2 = 27;  A_0 = 7 + .5 * 2 - 1 + .25 * 27 = 13.75.
  check(row.estimate<Gae>({.discount = .5f, .lambda = .5f}), {13.75, 27, 27, 27, 0}, 1e-5);
  // Steps: A_3 = 8 + .5 * 16 + .25 * 10 - 2 = 16.5;
  //        A_0 = 1 + .5 * 2 + .25 * 4 + .125 * 2 - 1 + .125 * .5 * 16.5 = 3.28125.
  check(row.estimate<Gae>({.discount = .5f, .lambda = .5f, .time_in_steps = true}),
        {3.28125, 16.5, 16.5, 16.5, 0}, 1e-5);
}

TEST_CASE("returns/gae: an end on a slot without a decision ends the waiting transition") {
  // The agent decides at slots 0 and 3; the episode ends at slot 1, while another is at turn.
  Row row{{1, 2, 50, 8}, {1, 0, 0, 2, 10}, {none, terminated, none, none}};
  row.decided = {1, 0, 0, 1};
  // A_3 = 8 + .5 * 10 - 2 = 11; A_0 = 1 + 2 - 1 = 2. Slot 1 has no later decision in its episode; slot 2 has.
  check(row.estimate<Gae>({.discount = .5f, .lambda = .5f}), {2, 0, 11, 11}, 1e-6);
  row.ends[1] = truncated;
  row.final_values = {0, 4, 0, 0};
  check(row.estimate<Gae>({.discount = .5f, .lambda = .5f}), {4, 0, 11, 11}, 1e-6);
}

TEST_CASE("returns/gae: lambda 1 is the discounted return less the value, lambda 0 the one-step error") {
  Row row{{1, -2, 3, .5f}, {.3f, -.1f, 2, 1, 4}};
  check(
      row.estimate<Gae>({.discount = .9f, .lambda = 1}),
      {1 - 1.8 + 2.43 + .3645 + 2.6244 - .3, -2 + 2.7 + .405 + 2.916 + .1, 3 + .45 + 3.24 - 2, .5 + 3.6 - 1},
      1e-5);
  check(row.estimate<Gae>({.discount = .9f, .lambda = 0}),
        {1 - .09 - .3, -2 + 1.8 + .1, 3 + .9 - 2, .5 + 3.6 - 1}, 1e-5);
}

TEST_CASE("returns/gae: registers of rows give the bits of single rows") {
  polis_test::check_registers<Gae>({});
}
