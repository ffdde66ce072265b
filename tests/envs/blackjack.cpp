// Blackjack: hands, the dealer's rule, naturals, and the value of policies, computed exactly.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <polis/envs/games/blackjack.hpp>
#include <polis/envs/games/chance.hpp>
#include <polis/envs/games/exact.hpp>
#include <polis/space/enumerable.hpp>

#include "../env/lane.hpp"

namespace test_blackjack {

using namespace polis;
using polis_test::Lane;

static_assert(DeviceEnvironment<Blackjack> && !HasState<Blackjack> && !HasTurns<Blackjack>);
static_assert(element_count<Blackjack::Observation> == 32 * 11 * 2);

BlackjackHand hand(const std::vector<int>& cards) {
  BlackjackHand result;
  for (const int card : cards) result.add(card);
  return result;
}

/// The policy of Sutton and Barto's example 5.1.
Array<double, 2> stick_on_20(In<float> seen) { return certain<2>(seen[0] < 20 ? 1 : 0); }

TEST_CASE("envs/blackjack: an ace counts 11 while that does not bust") {
  CHECK(hand({1, 10}) == BlackjackHand{21, true, 2});
  CHECK(hand({10, 1}).natural());
  CHECK(hand({1, 1}) == BlackjackHand{12, true, 2});
  CHECK(hand({1, 5, 10}) == BlackjackHand{16, false, 3});
  CHECK(hand({6, 5, 1}) == BlackjackHand{12, false, 3});
  CHECK(hand({5, 5, 1}) == BlackjackHand{21, true, 3});
  CHECK_FALSE(hand({5, 5, 1}).natural());
  CHECK(hand({10, 6, 10}).bust());
  CHECK(hand({10, 6, 10}).score() == 0);
}

TEST_CASE("envs/blackjack: the higher score wins, and a natural wins against all but another") {
  CHECK(Blackjack::payoff(hand({10, 9}), hand({10, 8})) == 1.f);
  CHECK(Blackjack::payoff(hand({10, 8}), hand({10, 9})) == -1.f);
  CHECK(Blackjack::payoff(hand({10, 9}), hand({9, 10})) == 0.f);
  CHECK(Blackjack::payoff(hand({2, 2}), hand({10, 6, 10})) == 1.f);
  CHECK(Blackjack::payoff(hand({1, 10}), hand({7, 7, 7})) == 1.f);
  CHECK(Blackjack::payoff(hand({1, 10}), hand({10, 1})) == 0.f);
  CHECK(Blackjack::payoff(hand({7, 7, 7}), hand({10, 1})) == 0.f);
}

TEST_CASE("envs/blackjack: the best policy earns what is known, and to hit until bust always loses") {
  CHECK(blackjack_optimum() == doctest::Approx(-0.043113).epsilon(1e-5));
  CHECK(blackjack_return([](In<float>) { return certain<2>(1); }) == doctest::Approx(-1).epsilon(1e-9));
}

TEST_CASE("envs/blackjack: the environment's own steps have the distribution of the exact computation") {
  const Lane<Blackjack> lane;
  const View<Blackjack> view = lane.view();
  double dealt = 0, naturals = 0;
  for_each_reset<Blackjack>(view, [&](const Blackjack& game, double p) {
    dealt += p;
    if (game.player.natural()) naturals += p;
    CHECK(game.dealer.cards == 1);
  });
  CHECK(dealt == doctest::Approx(1));
  CHECK(naturals == doctest::Approx(2. * 4 / 169));

  // The dealer's rule, from a 10: of an endless deck busts are .2121.
  Blackjack game;
  game.showing = 10, game.dealer = hand({10}), game.player = hand({10, 10});
  double scores[22] = {}, mean = 0;
  for_each_step(game, Actions<Blackjack>{}, view, [&](const Blackjack& next, auto& ctx, double p) {
    CHECK(next.dealer.total >= 17);
    CHECK(ctx.episode() == End::terminated);
    CHECK(ctx.rewards[0] == Blackjack::payoff(game.player, next.dealer));
    scores[next.dealer.score()] += p;
    mean += p * static_cast<double>(ctx.rewards[0]);
  });
  CHECK(scores[0] == doctest::Approx(.2121).epsilon(1e-3));
  CHECK(mean == doctest::Approx(1 - 2 * scores[21] - scores[20]));

  // A hit draws each rank once in 13.
  Actions<Blackjack> hit{};
  hit[0] = 1;
  double busts = 0;
  game.player = hand({10, 6});
  for_each_step(game, hit, view, [&](const Blackjack& next, auto& ctx, double p) {
    CHECK(next.player.bust() == (ctx.episode() == End::terminated));
    CHECK(ctx.rewards[0] == (next.player.bust() ? -1.f : 0.f));
    if (next.player.bust()) busts += p;
  });
  CHECK(busts == doctest::Approx(8. / 13));
}

TEST_CASE("envs/blackjack: episodes earn what the exact value says") {
  constexpr int episodes = 100'000;
  Lane<Blackjack> lane;
  double earned = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    lane.number = static_cast<std::uint32_t>(episode);
    lane.reset();
    lane.episode = End::none;
    while (lane.episode == End::none) {
      float seen[3];
      lane.env.observe(0, Row{seen});
      Actions<Blackjack> actions{};
      actions[0] = stick_on_20(In<float>{seen})[1] > 0 ? 1 : 0;
      lane.step(actions);
    }
    earned += static_cast<double>(lane.rewards[0]) / episodes;
  }
  CHECK(std::abs(earned - blackjack_return(stick_on_20)) < .012);  // 4 standard errors
}

}  // namespace test_blackjack
