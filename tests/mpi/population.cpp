// A population over ranks: the same bits as in one process.
#include <doctest/doctest.h>

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

#include <polis/algorithm/ppo.hpp>
#include <polis/envs/classic/cartpole.hpp>
#include <polis/mpi.hpp>
#include <polis/train/population.hpp>
#include <polis/train/trainer.hpp>

namespace test_mpi_population {

using namespace polis;

using Agents = Trainer<PPO::With<Mlp<16>>, MultiAgentEnv<CartPole>>;
using OverRanks = Population<Agents, Mpi>;
using Alone = Population<Agents>;

const std::vector<Explored> explored = {{"algorithm.optimizer.learning_rate", 1e-6, 1e-1},
                                        {"algorithm.entropy_coefficient", 1e-4, 1e-1}};

template <class P>
typename P::Config settings() {
  typename P::Config config{.seed = 5, .members = 6, .interval = 2048, .episodes = 8, .replaced = .5f};
  config.member.lanes = 16, config.member.threads = 1;
  config.member.algorithm.steps = 32;
  config.member.algorithm.minibatch = 128;
  return config;
}

std::vector<float> weights_of(Agents& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

void check_equal(OverRanks& ranks, Alone& alone) {
  CHECK(ranks.scores() == alone.scores());
  CHECK(ranks.round() == alone.round());
  CHECK(ranks.best() == alone.best());
  REQUIRE(ranks.takeovers().size() == alone.takeovers().size());
  for (std::size_t i = 0; i < alone.takeovers().size(); ++i) {
    const Takeover &ours = ranks.takeovers()[i], &theirs = alone.takeovers()[i];
    CHECK(ours.from == theirs.from);
    CHECK(ours.to == theirs.to);
    CHECK(ours.settings == theirs.settings);
    CHECK(ours.settings_before == theirs.settings_before);
  }
  for (int i = 0; i < 6; ++i) {
    if (!ranks.owns(i)) continue;
    CHECK(weights_of(ranks.member(i)) == weights_of(alone.member(i)));
    CHECK(ranks.settings(i) == alone.settings(i));
  }
}

}  // namespace test_mpi_population

TEST_CASE("mpi/population: members over ranks are those of one process, bit by bit, resumed ones too") {
  using namespace test_mpi_population;
  OverRanks ranks(settings<OverRanks>(), explored), resumed(settings<OverRanks>(), explored);
  Alone alone(settings<Alone>(), explored), from_ranks(settings<Alone>(), explored);
  double number = ranks.collective().rank() == 0 ? static_cast<double>(getpid()) : 0.;
  Mpi all;
  all.sum(std::span(&number, 1));
  const std::string path = "/tmp/polis-mpi-population-" + std::to_string(static_cast<long>(number));
  ranks.train(3 * 2048), alone.train(3 * 2048);
  CHECK(alone.takeovers().size() >= 6);  // up to three a round, between ranks and within one
  check_equal(ranks, alone);
  ranks.save(path);
  resumed.resume(path);
  from_ranks.resume(path);  // a file of all ranks, in a process alone
  resumed.train(5 * 2048), from_ranks.train(5 * 2048), alone.train(5 * 2048);
  check_equal(resumed, alone);
  check_equal(resumed, from_ranks);
  all.sum(std::span(&number, 1));  // nobody reads any more
  std::remove(path.c_str());
}

TEST_CASE("mpi/population: members that the ranks cannot share out are refused on all of them") {
  using namespace test_mpi_population;
  auto config = settings<OverRanks>();
  Mpi all;
  if (all.ranks() == 1) return;
  config.members = all.ranks() + 1;
  CHECK_THROWS_AS(OverRanks(config, explored), Error);
}
