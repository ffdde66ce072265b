// Clark and Scarf's row of stocks: its known figures, and the cases in which it is something simpler.
#include <doctest/doctest.h>

#include <vector>

#include <polis/envs/supply_chain/inventory_exact.hpp>
#include <polis/envs/supply_chain/serial_exact.hpp>

namespace test_serial_line {

using namespace polis;
using doctest::Approx;

TEST_CASE("envs/serial_line: the two stages of the literature") {
  const SerialOptimum best = solve_serial_line({{{1, 1}, {1, 2}}, 20, true}, {DemandKind::poisson, 5, 0, 1});
  CHECK(best.levels == std::vector<double>{16, 27});
  CHECK(best.cost == Approx(20.8284).epsilon(1e-5));
}

TEST_CASE(
    "envs/serial_line: one stage is a newsvendor over lead time and one more period, or the lead time "
    "alone") {
  const SerialOptimum poisson = solve_serial_line({{{1, 4}}, 9, true}, {DemandKind::poisson, 20, 0, 1});
  CHECK(poisson.levels[0] == 113);
  CHECK(poisson.cost == Approx(17.90513).epsilon(1e-6));
  const SerialOptimum known = solve_serial_line({{{1, 5}}, 9, false}, {DemandKind::poisson, 20, 0, 1});
  CHECK(known.levels[0] == 113);
  CHECK(known.cost == Approx(poisson.cost));
  const SerialOptimum normal = solve_serial_line({{{.18, 0}}, .7, true}, {DemandKind::normal, 50, 8, .25});
  CHECK(normal.levels[0] == Approx(56.60396).epsilon(.003));
  CHECK(normal.cost == Approx(1.997605).epsilon(2e-4));
}

TEST_CASE("envs/serial_line: a stage that adds no cost of its own leaves everything at the one before") {
  // Its stock costs what it costs downstream: nothing is gained by holding it there, and both lead times are
  // one long lead time. What is under way between them is charged as in stock.
  const SerialOptimum two = solve_serial_line({{{0, 1}, {1, 2}}, 9, true}, {DemandKind::poisson, 5, 0, 1});
  const SerialOptimum one = solve_serial_line({{{1, 3}}, 9, true}, {DemandKind::poisson, 5, 0, 1});
  CHECK(two.levels[1] == one.levels[0]);
  CHECK(two.cost == Approx(one.cost + 5 * 1).epsilon(1e-9));  // the mean of a period of lead time
  CHECK_THROWS_AS(solve_serial_line({{}, 9, true}, {}), Error);
}

}  // namespace test_serial_line
