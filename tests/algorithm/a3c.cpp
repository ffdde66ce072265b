// A3C: one actor is A2C with V-trace, several learn by weights that the others have moved.
#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <polis/algorithm/a3c.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/nn/gru.hpp>
#include <polis/train/trainer.hpp>

namespace test_a3c {

using namespace polis;

template <class Algorithm>
using Student = Trainer<Algorithm, MultiAgentEnv<CartPole>>;

Student<A3C>::Config settings(int actors, int threads = 1) {
  Student<A3C>::Config config{.seed = 5, .lanes = 24, .threads = threads};
  config.algorithm.actors = {.count = actors, .rollouts = 3};
  return config;
}

std::vector<float> weights_of(const auto& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

double metric(const auto& trainer, const std::string& key) {
  std::map<std::string, double> found;
  trainer.learner().metrics([&](const char* name, double value) { found[name] = value; });
  return found.at(key);
}

}  // namespace test_a3c

TEST_CASE("algorithm/a3c: one actor is A2C with V-trace") {
  using namespace test_a3c;
  Student<A3C> one(settings(1));
  using Synchronous = A2C::With<VTrace, A3CDefaults>;
  Student<Synchronous> synchronous({.seed = 5, .lanes = 24, .threads = 1});
  for (int i = 0; i < 2; ++i) one.iterate();
  for (int i = 0; i < 6; ++i) synchronous.iterate();
  REQUIRE(one.clock().steps == synchronous.clock().steps);
  const auto ours = weights_of(one), theirs = weights_of(synchronous);
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) REQUIRE(ours[i] == doctest::Approx(theirs[i]).epsilon(1e-4));
  CHECK(metric(one, "approximate_kl") == doctest::Approx(0).epsilon(1e-6));
}

TEST_CASE("algorithm/a3c: of several, each learns by what the others have done to the weights") {
  using namespace test_a3c;
  Student<A3C> trainer(settings(5));  // 24 lanes: the last actor has fewer
  CHECK(trainer.learner().actors() == 5);
  const auto first = weights_of(trainer);
  trainer.iterate();
  CHECK(weights_of(trainer) != first);
  CHECK(metric(trainer, "approximate_kl") > 1e-7);  // what acted was older than what learnt
}

TEST_CASE_TEMPLATE("algorithm/a3c: on one thread, the same weights after a resume", Algorithm, polis::A3C,
                   polis::A3C::With<polis::Gru<8>>) {
  using namespace test_a3c;
  typename Student<Algorithm>::Config config{.seed = 5, .lanes = 24, .threads = 1};
  config.algorithm.actors = {.count = 4, .rollouts = 2};
  Student<Algorithm> whole(config), half(config), rest(config);
  for (int i = 0; i < 4; ++i) whole.iterate();
  for (int i = 0; i < 2; ++i) half.iterate();
  ArchiveWriter writer;
  half.archive(writer);
  ArchiveReader reader(writer.bytes());
  rest.archive(reader);
  for (int i = 0; i < 2; ++i) rest.iterate();
  CHECK(weights_of(rest) == weights_of(whole));

  config.algorithm.actors.count = 3;
  Student<Algorithm> other(config);
  ArchiveReader again(writer.bytes());
  CHECK_THROWS_WITH_AS(other.archive(again), doctest::Contains("found 4 actors"), Error);
}

TEST_CASE("algorithm/a3c: an actor for each thread, all of them busy") {
  using namespace test_a3c;
  Student<A3C> trainer(settings(0, 3));
  CHECK(trainer.learner().actors() == 3);
  const auto first = weights_of(trainer);
  for (int i = 0; i < 5; ++i) trainer.iterate();
  CHECK(weights_of(trainer) != first);
  CHECK(trainer.evaluate(10).returns.size() == 10);
}

TEST_CASE("algorithm/a3c: balances the pole after 200 thousand steps" * doctest::test_suite("learning")) {
  using namespace test_a3c;
  Student<A3C>::Config config{.seed = 2, .lanes = 16, .threads = 1};  // whose weights are those of the seed
  config.algorithm.actors.count = 4;
  config.algorithm.optimizer.learning_rate = 2e-3f;
  Student<A3C> trainer(config);
  trainer.train(200'000);
  const double learnt = trainer.evaluate(50).mean;
  MESSAGE("mean return " << learnt);
  CHECK(learnt > 200);
}

TEST_CASE("algorithm/a3c: settings that make no sense are Errors") {
  using namespace test_a3c;
  CHECK_THROWS_WITH_AS(Student<A3C>(settings(-1)), doctest::Contains("algorithm.actors.count"), Error);
  auto config = settings(2);
  config.algorithm.actors.rollouts = 0;
  CHECK_THROWS_WITH_AS(Student<A3C>{config}, doctest::Contains("algorithm.actors.rollouts"), Error);
}
