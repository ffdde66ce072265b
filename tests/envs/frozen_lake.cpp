// Frozen lake: the map, the ice, and the values of its best policies, computed exactly.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include <polis/core/random.hpp>
#include <polis/envs/games/chance.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/envs/games/frozen_lake.hpp>

#include "../env/lane.hpp"

namespace test_frozen_lake {

using namespace polis;
using polis_test::Lane;

static_assert(DeviceEnvironment<FrozenLake> && DeviceEnvironment<FrozenLake100>);
static_assert(StatesSuccess<FrozenLake> && StatesSuccess<FrozenLake100> && !HasState<FrozenLake>);

TEST_CASE("envs/frozen_lake: the best policies' values are the known ones") {
  CHECK(frozen_lake_optimum() == doctest::Approx(14. / 17).epsilon(1e-9));
  CHECK(frozen_lake_optimum(.99) == doctest::Approx(.542026).epsilon(1e-6));
  CHECK(frozen_lake_optimum(1, 100) == doctest::Approx(.744190).epsilon(1e-6));
}

TEST_CASE("envs/frozen_lake: steps go as meant or aside, each a third, and end at holes and goal") {
  const std::string map = "SFFFFHFHFFFHHFFG";
  const int rows[] = {0, 1, 0, -1}, columns[] = {-1, 0, 1, 0};  // left, down, right, up
  const Lane<FrozenLake> lane;
  for (int cell = 0; cell < 16; ++cell) {
    const char kind = map[static_cast<std::size_t>(cell)];
    CHECK(FrozenLake::hole(cell) == (kind == 'H'));
    CHECK(FrozenLake::ends(cell) == (kind == 'H' || kind == 'G'));
    if (FrozenLake::ends(cell)) continue;
    for (int action = 0; action < 4; ++action) {
      double expected[16] = {}, found[16] = {};
      for (int side = -1; side <= 1; ++side) {
        const int direction = (action + side + 4) % 4;
        const int row = cell / 4 + rows[direction], column = cell % 4 + columns[direction];
        const bool stays = row < 0 || row > 3 || column < 0 || column > 3;
        expected[stays ? cell : 4 * row + column] += 1. / 3;
      }
      Actions<FrozenLake> actions{};
      actions[0] = action;
      for_each_step(FrozenLake{cell}, actions, lane.view(), [&](const FrozenLake& next, auto& ctx, double p) {
        found[next.cell] += p;
        const char at = map[static_cast<std::size_t>(next.cell)];
        CHECK(ctx.rewards[0] == (at == 'G' ? 1.f : 0.f));
        CHECK(ctx.episode() == (at == 'G' || at == 'H' ? End::terminated : End::none));
      });
      for (int to = 0; to < 16; ++to) CHECK(found[to] == doctest::Approx(expected[to]));
    }
  }
}

TEST_CASE("envs/frozen_lake: episodes earn what the exact value says, and the limit truncates") {
  constexpr int episodes = 20'000;
  // Sends back what drifts toward the holes: best without a limit of time (value 14/17).
  const int best[16] = {0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0};
  const auto policy = [&](In<float> seen) { return certain<4>(best[static_cast<int>(seen[0])]); };
  CHECK(frozen_lake_return(policy) == doctest::Approx(14. / 17).epsilon(1e-9));
  const double exact = frozen_lake_return(policy, 1, 100);
  CHECK(exact < .744190);
  Lane<FrozenLake100> lane;
  double earned = 0;
  int longest = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    lane.number = static_cast<std::uint32_t>(episode);
    lane.reset();
    lane.episode = End::none;
    int length = 0;
    for (; lane.episode == End::none; ++length) {
      Actions<FrozenLake100> actions{};
      actions[0] = best[lane.env.env().cell];
      lane.step(actions);
    }
    REQUIRE((lane.episode == End::terminated) == FrozenLake::ends(lane.env.env().cell));
    earned += static_cast<double>(lane.rewards[0]) / episodes;
    longest = length > longest ? length : longest;
  }
  CHECK(longest == 100);
  CHECK(earned == doctest::Approx(exact).epsilon(.02));  // 4 standard errors
}

}  // namespace test_frozen_lake
