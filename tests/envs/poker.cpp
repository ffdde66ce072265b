// Kuhn and Leduc poker: turns, payments, what is legal and what is seen.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polis/envs/games/chance.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>

#include "../env/lane.hpp"

namespace test_poker {

using namespace polis;
using polis_test::Lane;

static_assert(DeviceEnvironment<KuhnPoker> && HasTurns<KuhnPoker> && !HasLegalActions<KuhnPoker>);
static_assert(DeviceEnvironment<LeducPoker> && HasTurns<LeducPoker> && HasLegalActions<LeducPoker>);
static_assert(event_order<KuhnPoker>() == EventOrder::sequential);

/// The player whose turn it is; exactly one's.
template <class E>
int turn(const E& game) {
  REQUIRE(game.acting(0) != game.acting(1));
  return game.acting(0) ? 0 : 1;
}

/// Plays the moves, one letter each, from the hand in `lane`; returns what the first player was paid.
template <class E>
float paid(Lane<E>& lane, const std::string& moves, const std::string& letters) {
  for (std::size_t i = 0; i < moves.size(); ++i) {
    Actions<E> actions{};
    actions[turn(lane.env)] = static_cast<int>(letters.find(moves[i]));
    lane.step(actions);
    REQUIRE(lane.rewards[0] == -lane.rewards[1]);
    REQUIRE((lane.episode == End::terminated) == (i + 1 == moves.size()));
    if (i + 1 < moves.size()) REQUIRE(lane.rewards[0] == 0.f);
  }
  return lane.rewards[0];
}

float kuhn(int first, int second, const std::string& moves) {
  Lane<KuhnPoker> lane;
  lane.env.hand = {{first, second}};
  return paid(lane, moves, "pb");
}

TEST_CASE("envs/poker: Kuhn pays the higher card 1, or 2 where a bet was called, and 1 where one folded") {
  for (const auto& [first, second] : {std::pair{2, 0}, std::pair{0, 1}, std::pair{1, 2}, std::pair{2, 1}}) {
    const float higher = first > second ? 1.f : -1.f;
    CHECK(kuhn(first, second, "pp") == higher);
    CHECK(kuhn(first, second, "bb") == 2 * higher);
    CHECK(kuhn(first, second, "pbb") == 2 * higher);
    CHECK(kuhn(first, second, "bp") == 1.f);
    CHECK(kuhn(first, second, "pbp") == -1.f);
  }
}

TEST_CASE("envs/poker: Kuhn deals each pair of cards alike, and shows the own card and the moves") {
  int deals = 0;
  const Lane<KuhnPoker> from;
  for_each_reset<KuhnPoker>(from.view(), [&](const KuhnPoker& game, double p) {
    ++deals;
    CHECK(game.hand[0] != game.hand[1]);
    CHECK(p == doctest::Approx(1. / 6));
  });
  CHECK(deals == 6);
  using Numbers = std::vector<float>;
  Lane<KuhnPoker> lane;
  lane.env.hand = {{2, 0}};
  Numbers seen(7, 7.f);
  lane.env.observe(0, Row{seen.data()});
  CHECK(seen == Numbers{0, 0, 1, 0, 0, 0, 0});
  lane.step({});
  lane.env.observe(1, Row{seen.data()});
  CHECK(seen == Numbers{1, 0, 0, 1, 0, 0, 0});
  Actions<KuhnPoker> bet{};
  bet[1] = 1;
  lane.step(bet);
  lane.env.observe(0, Row{seen.data()});
  CHECK(seen == Numbers{0, 0, 1, 1, 0, 0, 1});
}

/// Leduc with these ranks; the public card is put in place of the one that was shown.
float leduc(int first, int second, int shown, const std::string& before, const std::string& after) {
  Lane<LeducPoker> lane;
  lane.reset();
  lane.env.hand = {{first, second}};
  for (const char move : before) {
    Actions<LeducPoker> actions{};
    actions[turn(lane.env)] = static_cast<int>(std::string("fcr").find(move));
    lane.step(actions);
    REQUIRE(lane.episode == End::none);
  }
  REQUIRE(lane.env.round == 1);
  lane.env.public_rank = shown;
  return paid(lane, after, "fcr");
}

TEST_CASE("envs/poker: Leduc's bets are 2 and then 4, the pair beats the higher card, equal ranks share") {
  CHECK(leduc(2, 1, 0, "cc", "cc") == 1.f);
  CHECK(leduc(2, 1, 1, "cc", "cc") == -1.f);
  CHECK(leduc(1, 1, 0, "crc", "rrc") == 0.f);
  CHECK(leduc(0, 2, 0, "rc", "rc") == 7.f);       // 1 + 2 + 4
  CHECK(leduc(0, 2, 1, "rrc", "crrc") == -13.f);  // 1 + 2 + 2 + 4 + 4
  CHECK(leduc(0, 2, 1, "crrc", "rf") == 5.f);     // the second folds what it put in before
  CHECK(leduc(0, 2, 1, "cc", "rrf") == -5.f);     // the first, after its bet
  Lane<LeducPoker> lane;
  lane.reset();
  CHECK(paid(lane, "rrf", "fcr") == -3.f);
}

TEST_CASE("envs/poker: Leduc allows no fold without a bet and no third raise, and calls in their place") {
  Lane<LeducPoker> lane;
  lane.reset();
  const auto legal = [&] {
    std::vector<float> mask(3, 1.f);
    lane.env.legal(turn(lane.env), Row{mask.data()});
    return mask;
  };
  const auto move = [&](int action) {
    Actions<LeducPoker> actions{};
    actions[turn(lane.env)] = action;
    lane.step(actions);
  };
  using Mask = std::vector<float>;
  CHECK(legal() == Mask{0, 1, 1});
  move(LeducPoker::fold);  // not allowed: checks
  CHECK(lane.episode == End::none);
  CHECK(legal() == Mask{0, 1, 1});
  move(LeducPoker::raise);
  CHECK(legal() == Mask{1, 1, 1});
  move(LeducPoker::raise);
  CHECK(legal() == Mask{1, 1, 0});
  move(LeducPoker::raise);  // not allowed: calls
  CHECK(lane.env.round == 1);
  CHECK(lane.env.public_rank >= 0);
  CHECK(legal() == Mask{0, 1, 1});
}

TEST_CASE("envs/poker: Leduc deals from two cards of each rank") {
  const Lane<LeducPoker> from;
  double pairs = 0, dealt = 0, third = 0;
  for_each_reset<LeducPoker>(from.view(), [&](const LeducPoker& game, double p) {
    dealt += p;
    if (game.hand[0] == game.hand[1]) pairs += p;
    LeducPoker checked = game;
    checked.made[0][0] = LeducPoker::call, checked.moves[0] = 1;
    Actions<LeducPoker> call{};
    call[1] = LeducPoker::call;
    for_each_step(checked, call, from.view(), [&](const LeducPoker& next, const auto&, double q) {
      CHECK_FALSE((next.hand[0] == next.hand[1] && next.public_rank == next.hand[0]));
      if (next.public_rank == next.hand[0]) third += p * q;
    });
  });
  CHECK(dealt == doctest::Approx(1));
  CHECK(pairs == doctest::Approx(1. / 5));
  CHECK(third == doctest::Approx(1. / 5));
}

}  // namespace test_poker
