// Scarce stock is shared by the rule that is named, and by none of them wrongly.
#include <doctest/doctest.h>

#include <cmath>

#include <polis/core/random.hpp>
#include <polis/envs/supply_chain/allocation.hpp>

namespace test_allocation {

using namespace polis;
using doctest::Approx;
using Four = Array<float, 4>;

void check(const Four& found, const Four& expected) {
  for (int i = 0; i < 4; ++i) CHECK(found[i] == Approx(static_cast<double>(expected[i])));
}

TEST_CASE("envs/allocation: the rules by hand") {
  const Four wanted{{2, 2.6f, 4, 5}};
  check(allocate(Allocation::even, wanted, 10, false), {{2, 2.6f, 2.7f, 2.7f}});
  check(allocate(Allocation::proportional, wanted, 6.8f, false), {{1, 1.3f, 2, 2.5f}});
  check(allocate(Allocation::in_turn, wanted, 7, false), {{2, 2.6f, 2.4f, 0}});
  check(allocate(Allocation::in_turn, wanted, 20, false), wanted);
  const Four whole{{2, 0, 7, 5}};
  check(allocate(Allocation::proportional, whole, 7, true), {{1, 0, 4, 2}});  // 1, 0, 3.5, 2.5
  check(allocate(Allocation::even, whole, 9, true), {{2, 0, 4, 3}});          // 2, 0, 3.5, 3.5
  check(allocate(Allocation::in_turn, whole, 1, true), {{1, 0, 0, 0}});
}

TEST_CASE("envs/allocation: nobody gets more than wanted, and nothing is left while somebody wants more") {
  Random random(7, 0, 0, 0, Purpose::test);
  for (int trial = 0; trial < 30'000; ++trial) {
    const auto rule = static_cast<Allocation>(trial % 3);
    const bool whole = trial % 2 == 0;
    Four wanted{};
    float total = 0;
    for (float& want : wanted) {
      want = whole ? static_cast<float>(random.integer(12)) : random.uniform(0.f, 12.f);
      if (random.integer(4) == 0) want = 0;
      total += want;
    }
    const float available = whole ? static_cast<float>(random.integer(40)) : random.uniform(0.f, 40.f);
    const Four got = allocate(rule, wanted, available, whole);
    double sum = 0;
    for (int i = 0; i < 4; ++i) {
      REQUIRE(got[i] >= 0);
      REQUIRE(got[i] <= wanted[i]);
      if (whole) REQUIRE(got[i] == std::floor(got[i]));
      sum += static_cast<double>(got[i]);
    }
    REQUIRE(sum == Approx(static_cast<double>(total < available ? total : available)).epsilon(1e-5));
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        // Who gets less than another and less than is wanted, by an even rule: by less than a unit.
        if (rule == Allocation::even && got[i] < wanted[i]) REQUIRE(got[j] <= got[i] + (whole ? 1.f : 1e-4f));
        if (rule == Allocation::in_turn && i < j && got[j] > 0) REQUIRE(got[i] == wanted[i]);
        if (rule == Allocation::proportional && !whole && total > available) {
          REQUIRE(got[i] * wanted[j] == Approx(static_cast<double>(got[j] * wanted[i])).epsilon(1e-4));
        }
      }
    }
  }
}

}  // namespace test_allocation
