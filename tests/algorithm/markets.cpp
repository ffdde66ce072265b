// What is learnt of markets with known optima: quotes better than Avellaneda and Stoikov's, and a portfolio
// better than the myopic one.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <polis/algorithm/ppo.hpp>
#include <polis/env/rescaled_actions.hpp>
#include <polis/envs/market/market_making.hpp>
#include <polis/envs/market/quadratic_portfolio.hpp>
#include <polis/normalization/rewards.hpp>
#include <polis/train/trainer.hpp>

namespace test_markets_learning {

using namespace polis;

template <class Learning>
typename Learning::Config settings(float log_std) {
  typename Learning::Config config{.seed = 1, .lanes = 64};
  config.algorithm.steps = 64;
  config.algorithm.minibatch = 512;
  config.algorithm.optimizer.learning_rate = 1e-3f;
  config.algorithm.schedule.kind = ScheduleKind::linear;
  config.algorithm.policy.log_std = log_std;
  config.algorithm.entropy_coefficient = 0;
  return config;
}

TEST_CASE("algorithm/markets: a maker learns to bear as much inventory as is good" *
          doctest::test_suite("learning")) {
  using Learning = Trainer<PPO::With<ScaleRewards>, MultiAgentEnv<RescaledActions<MarketMaking>>>;
  auto config = settings<Learning>(-1);
  config.algorithm.returns.discount = 1;
  Learning trainer(config);
  // Its first quotes are the best ones for who minds no risk.
  const MakingFigures careless = exact_making(config.env, [](int, int) { return Quotes{1, 1}; });
  CHECK(std::abs(trainer.evaluate(2000).mean - careless.value) < 1);
  trainer.train(500'000);
  const MarketMaking::Formula paper{true};
  const double papers =
      exact_making(config.env, [&](int done, int q) { return paper.quotes(config.env, done, q); }).value;
  const EvaluationResult result = trainer.evaluate(2000);
  const double error = result.deviation / std::sqrt(2000);
  CHECK(result.mean > papers + 4 * error);
  CHECK(result.mean < BestMaking(config.env).value() + 4 * error);
}

TEST_CASE("algorithm/markets: a portfolio learns to trade ahead of its signal's decay" *
          doctest::test_suite("learning")) {
  using Learning = Trainer<PPO::With<ScaleRewards>, MultiAgentEnv<QuadraticPortfolio>>;
  auto config = settings<Learning>(-.7f);
  config.algorithm.returns = {.discount = .98f, .lambda = .9f};
  config.algorithm.optimizer.learning_rate = 2e-3f;
  Learning trainer(config);
  trainer.train(300'000);

  // Beside the optimal rule on the same signals, whose average is known exactly.
  constexpr int lanes = 64, settling = 100, steps = 2000;
  QuadraticPortfolioConfig endless = config.env;
  endless.steps = std::numeric_limits<int>::max();
  MultiAgentEnv<QuadraticPortfolio> learnt(lanes, 7, endless), best(lanes, 7, endless);
  learnt.reset(), best.reset();
  auto player = trainer.player(lanes);
  const QuadraticPortfolio::Linear optimal{endless.optimal()};
  Random unused(7, 0, 0, 0, Purpose::test);
  Actions<QuadraticPortfolio> actions[lanes]{};
  double less = 0;
  for (int t = 0; t < settling + steps; ++t) {
    LaneTile<QuadraticPortfolio> tile{&learnt, 0, lanes, static_cast<std::uint64_t>(t), 0, actions};
    player(tile);
    for (int lane = 0; lane < lanes; ++lane) {
      learnt.advance(lane, actions[lane]);
      best.advance(lane, optimal(best.lane(lane), best.view(lane), unused));
      REQUIRE(learnt.lane(lane).signal == best.lane(lane).signal);
      const double difference = static_cast<double>(best.reward(lane, 0) - learnt.reward(lane, 0));
      if (t >= settling) less += difference / (lanes * steps);
    }
  }
  const double optimum = average_reward(endless, endless.optimal());
  const double myopic = average_reward(endless, endless.myopic());
  CHECK(optimum - less > myopic + .3 * (optimum - myopic));
  CHECK(less > 0);
}

}  // namespace test_markets_learning
