// Population-based training: who is replaced by whom, by what; and that a bad learning rate does not last.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/train/population.hpp>
#include <polis/train/trainer.hpp>

namespace test_population {

using namespace polis;

using Agents = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<CartPole>>;
using Group = Population<Agents>;

const std::vector<Explored> learning_rates = {{"algorithm.optimizer.learning_rate", 1e-7, 1e-1}};

Group::Config settings() {
  Group::Config config{.seed = 5, .members = 6, .interval = 4096, .episodes = 16, .replaced = .34f};
  config.member.lanes = 32, config.member.threads = 1;
  config.member.algorithm.steps = 32;
  config.member.algorithm.minibatch = 256;
  return config;
}

std::vector<float> weights_of(Agents& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

}  // namespace test_population

TEST_CASE("train/population: first settings lie evenly between their bounds, each member has its own seed") {
  using namespace test_population;
  auto config = settings();
  config.members = 400;
  config.member.lanes = 1;
  Group group(config,
              {{"algorithm.optimizer.learning_rate", 1e-4, 1e-2}, {"algorithm.entropy_coefficient", 1, 1}});
  std::vector<double> shares;
  for (int i = 0; i < config.members; ++i) {
    shares.push_back(std::log(group.settings(i)[0] / 1e-4) / std::log(100.));
    CHECK(group.settings(i)[1] == 1);
    CHECK(group.member(i).config().seed == 1 + static_cast<std::uint64_t>(i));
    CHECK(group.member(i).config().algorithm.optimizer.learning_rate ==
          doctest::Approx(group.settings(i)[0]).epsilon(1e-6));
  }
  std::sort(shares.begin(), shares.end());
  double distance = 0;  // Kolmogorov and Smirnov's; 1.63 / sqrt(n) is exceeded once in a hundred times
  for (std::size_t i = 0; i < shares.size(); ++i)
    distance = std::max(distance, std::fabs(shares[i] - (static_cast<double>(i) + .5) / 400));
  CHECK(distance < 1.63 / 20);
}

TEST_CASE("train/population: the worst take over the best ones' state, with settings a factor away") {
  using namespace test_population;
  auto config = settings();
  Group group(config, learning_rates);
  group.train(config.interval);
  const auto& scores = group.scores();
  REQUIRE(group.round() == 1);
  REQUIRE(group.takeovers().size() == 2);
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  for (const Takeover& takeover : group.takeovers()) {
    CHECK(takeover.to_score <= sorted[1]);
    CHECK(takeover.from_score >= sorted[4]);
    CHECK(takeover.to_score == scores[static_cast<std::size_t>(takeover.to)]);
    const double factor = takeover.settings[0] / group.settings(takeover.from)[0];
    CHECK((factor == doctest::Approx(1.25) || factor == doctest::Approx(1 / 1.25)));
    CHECK(group.settings(takeover.to) == takeover.settings);
    CHECK(takeover.settings_before != takeover.settings);
    // The same weights, lanes and clock; from here on by other random numbers.
    Agents &from = group.member(takeover.from), &to = group.member(takeover.to);
    CHECK(weights_of(to) == weights_of(from));
    CHECK(to.clock().steps == from.clock().steps);
    CHECK(to.evaluate(4).returns.size() == 4);
    from.iterate(), to.iterate();
    CHECK(weights_of(to) != weights_of(from));
  }
}

TEST_CASE("train/population: settings go either way equally often, and stay within their bounds") {
  using namespace test_population;
  auto config = settings();
  config.members = 40, config.interval = 16, config.replaced = .5f, config.episodes = 1;
  config.member.lanes = 1, config.member.algorithm.steps = 16;
  Group group(config, {{"algorithm.optimizer.learning_rate", 1e-4, 1.1e-4},
                       {"algorithm.entropy_coefficient", 1e-9, 1e3}});
  int up = 0, down = 0;
  group.train(16 * 10);
  for (const Takeover& takeover : group.takeovers()) {
    CHECK((takeover.settings[0] == 1e-4 || takeover.settings[0] == 1.1e-4));  // a factor leads out of them
    ++(takeover.settings[0] == 1.1e-4 ? up : down);
  }
  CHECK(up + down > 100);
  CHECK(std::abs(up - down) < 3 * std::sqrt(up + down));  // three standard deviations
}

TEST_CASE("train/population: a bad learning rate is replaced, and all members learn" *
          doctest::test_suite("learning")) {
  using namespace test_population;
  auto config = settings();
  Group group(config, learning_rates);
  int worst = 0;
  for (int i = 1; i < config.members; ++i)
    if (group.settings(i)[0] < group.settings(worst)[0]) worst = i;
  const double bad = group.settings(worst)[0];
  CHECK(bad < 2e-5);  // nothing is learnt by it here
  group.train(8 * config.interval);
  CHECK(std::any_of(group.takeovers().begin(), group.takeovers().end(), [&](const Takeover& takeover) {
    return takeover.to == worst && takeover.settings_before[0] == bad;
  }));
  for (int i = 0; i < config.members; ++i) CHECK(group.settings(i)[0] > 1e-4);
  const auto& scores = group.scores();
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted[2] > 150);  // four of six
  CHECK(scores[static_cast<std::size_t>(group.best())] == sorted.back());

  auto alone = config.member;  // what the bad one would have come to
  alone.algorithm.optimizer.learning_rate = static_cast<float>(bad);
  Agents left_alone(alone);
  left_alone.train(8 * config.interval);
  const double alone_score = left_alone.evaluate(50).mean;
  for (const double score : scores) CHECK(score > 1.5 * alone_score);
}

TEST_CASE("train/population: the same bits again, after stop and resume too") {
  using namespace test_population;
  const std::string path = "/tmp/polis-population-test";
  auto config = settings();
  config.members = 4, config.interval = 2048;
  Group whole(config, learning_rates), first(config, learning_rates), second(config, learning_rates);
  whole.train(3 * 2048);
  first.train(2 * 2048);
  first.save(path);
  second.resume(path);
  std::remove(path.c_str());
  second.train(3 * 2048);
  CHECK(second.scores() == whole.scores());
  CHECK(second.takeovers().size() == whole.takeovers().size());
  for (int i = 0; i < 4; ++i) {
    CHECK(weights_of(second.member(i)) == weights_of(whole.member(i)));
    CHECK(second.settings(i) == whole.settings(i));
  }
  CHECK(weights_of(whole.member(0)) != weights_of(whole.member(1)));
}

TEST_CASE("train/population: what makes no sense is refused") {
  using namespace test_population;
  auto config = settings();
  config.members = 1;
  CHECK_THROWS_WITH_AS(Group(config, learning_rates), "population.members: found 1; expected at least 2",
                       Error);
  config = settings();
  config.replaced = .6f;
  CHECK_THROWS_AS(Group(config, learning_rates), Error);
  config = settings();
  CHECK_THROWS_AS(Group(config, {{"algorithm.optimizer.learning_rat", 1e-5, 1e-2}}), Error);
  CHECK_THROWS_AS(Group(config, {{"algorithm.optimizer.learning_rate", 0, 1e-2}}), Error);
  CHECK_THROWS_AS(Group(config, {{"algorithm.steps", 1.5, 1.5}}), Error);  // not a whole number
  Group group(config, learning_rates);
  CHECK_THROWS_WITH_AS((void)group.member(6), "Population: member 6 is not of rank 0; expected 0 to 5",
                       Error);
}
