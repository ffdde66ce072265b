// Neural fictitious self-play: averages that come to equilibria, and what they are averages of.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/algorithm/action_probabilities.hpp>
#include <polis/algorithm/nfsp.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/envs/games/exploitability.hpp>
#include <polis/envs/games/kuhn_poker.hpp>
#include <polis/envs/games/leduc_poker.hpp>
#include <polis/envs/games/matrix_game.hpp>
#include <polis/nn/sgd.hpp>
#include <polis/train/trainer.hpp>

namespace test_nfsp {

using namespace polis;
template <class Algorithm, class E>
using Playing = Trainer<Algorithm, MultiAgentEnv<E>>;

template <class E>
auto settings() {
  typename Playing<NFSP, E>::Config config{.seed = 1, .lanes = 64, .threads = 1};
  config.algorithm.optimizer.learning_rate = 1e-2f;
  config.algorithm.average.optimizer.learning_rate = 3e-3f;
  config.algorithm.exploration = {.start = .06f, .end = .01f};
  config.algorithm.buffer.capacity = 20'000;
  config.algorithm.target.every = 100;
  return config;
}
template <class E>
double exploitability(const auto& trainer) {
  return GameTree<E>().exploitability(action_probabilities(trainer.learner()));
}

TEST_CASE("algorithm/nfsp: Kuhn poker's average is within .05 of an equilibrium" *
          doctest::test_suite("learning")) {
  Playing<NFSP, KuhnPoker> trainer(settings<KuhnPoker>());
  trainer.train(1'000'000);
  CHECK(exploitability<KuhnPoker>(trainer) < .05);
}

TEST_CASE("algorithm/nfsp: Leduc poker's exploitability falls to below half of uniform play's" *
          doctest::test_suite("learning")) {
  auto config = settings<LeducPoker>();
  config.algorithm.buffer.capacity = 100'000;
  Playing<NFSP, LeducPoker> trainer(config);
  trainer.train(1'000'000);
  CHECK(exploitability<LeducPoker>(trainer) < 2.373611 / 2);
}

/// What a reservoir of everything holds after so many steps in which nothing is learnt.
template <class E>
const Reservoir& remembered(Playing<NFSP, E>& trainer, std::uint64_t steps) {
  trainer.train(steps);
  return trainer.learner().agents().front().reservoir();
}
template <class E>
auto unlearning() {
  auto config = settings<E>();
  config.algorithm.average.anticipatory = .3f;
  config.algorithm.learning_starts = 1'000'000;
  return config;
}

TEST_CASE("algorithm/nfsp: the reservoir is filled by the anticipatory share of decisions") {
  Playing<NFSP, MatchingPennies> trainer(unlearning<MatchingPennies>());
  const Reservoir& all = remembered(trainer, 64 * 1500);
  const double decisions = 2 * 64 * 1500;  // one of each player a step
  CHECK(std::abs(static_cast<double>(all.seen()) - .3 * decisions) < 4 * std::sqrt(decisions * .21));
  int of_first = 0;
  for (int i = 0; i < all.size(); ++i) of_first += all[i][1] == 0.f ? 1 : 0;
  CHECK(std::abs(of_first - .15 * decisions) < 4 * std::sqrt(decisions / 2 * .21));
}

TEST_CASE("algorithm/nfsp: an agent plays a whole episode by one of its policies") {
  auto config = unlearning<KuhnPoker>();
  config.lanes = 1;  // so that decisions come in as they were made
  Playing<NFSP, KuhnPoker> trainer(config);
  const Reservoir& all = remembered(trainer, 20'000);
  int second = 0, after_first = 0, before = -1;
  for (int i = 0; i < all.size(); ++i) {
    if (all[i][1] != 0.f) continue;
    const int seen = KuhnPoker::Observation::index(In<float>{all[i] + 2});
    const int card = seen / KuhnPoker::Observation::nodes, node = seen % KuhnPoker::Observation::nodes;
    if (node == 3) {  // faces a bet after passing
      ++second, after_first += before == card ? 1 : 0;
    }
    before = node == 0 ? card : -1;
  }
  CHECK(second > 500);
  CHECK(after_first == second);
}

TEST_CASE("algorithm/nfsp: the average's gradient against finite differences") {
  using Small = NFSP::With<AveragePolicy<Mlp<4>, Sgd>, Tanh>;
  Playing<Small, LeducPoker>::Config config{.seed = 4, .lanes = 16};
  config.algorithm.average.optimizer.learning_rate = 1;
  config.algorithm.average.anticipatory = .9f;
  config.algorithm.average.batch = 100;
  config.algorithm.learning_starts = 0;
  config.algorithm.max_gradient_norm = 0;
  Playing<Small, LeducPoker> trainer(config);
  auto& agents = trainer.learner().agents().front();
  const std::vector<float> before(agents.average().values().begin(), agents.average().values().end());
  while (agents.statistics().updates == 0) trainer.iterate();
  REQUIRE(agents.statistics().updates == 1);
  const std::vector<float> after(agents.average().values().begin(), agents.average().values().end());

  // The sample that was learnt from, drawn once more.
  Random random(config.seed, 0, 1, 0, Purpose::permutation);
  std::vector<const float*> sample;
  for (int i = 0; i < 100; ++i)
    sample.push_back(agents.reservoir()[random.integer(agents.reservoir().size())]);
  const auto loss = [&] {
    double sum = 0;
    for (const float* item : sample) {
      constexpr int words = LeducPoker::Observation::words;
      const auto p =
          agents.probabilities(static_cast<int>(item[1]), In<float>{item + 2}, In<float>{item + 2 + words});
      sum -= std::log(p[static_cast<int>(item[0])]) / 100;
    }
    return sum;
  };
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto with = [&](float change) {
      std::copy(before.begin(), before.end(), agents.average().values().begin());
      agents.average().values()[i] += change;
      return loss();
    };
    const double expected = (with(4e-3f) - with(-4e-3f)) / 8e-3;
    const double found = static_cast<double>(before[i]) - static_cast<double>(after[i]);
    worst = std::max(worst, std::abs(found - expected));
    largest = std::max(largest, std::abs(expected));
  }
  CHECK(largest > .02);
  CHECK(worst < 5e-3 * largest);
}

TEST_CASE("algorithm/nfsp: the same bits at any number of threads, and after a pause") {
  auto config = settings<LeducPoker>();
  config.lanes = 40, config.threads = 1;
  config.algorithm.update_every = 100;  // an interval of 2 steps
  config.algorithm.average.capacity = 500;
  config.algorithm.average.anticipatory = .5f;
  Playing<NFSP, LeducPoker> one(config), paused(config), resumed(config);
  config.threads = 2;
  Playing<NFSP, LeducPoker> two(config);
  one.train(12'000), two.train(12'000);
  const auto iterate_to = [](auto& trainer, std::uint64_t steps) {
    while (trainer.clock().steps < steps) trainer.iterate();
  };
  CHECK(to_bytes(one.learner()) == to_bytes(two.learner()));
  Playing<NFSP, LeducPoker> whole(config);
  iterate_to(whole, 12'000), iterate_to(paused, 5'000);
  ArchiveWriter writer;
  paused.archive(writer);
  ArchiveReader reader(writer.bytes());
  resumed.archive(reader);
  reader.finish();
  iterate_to(resumed, 12'000);
  CHECK(to_bytes(whole.learner()) == to_bytes(resumed.learner()));
}

TEST_CASE("algorithm/nfsp: every setting has its key, and none makes no sense") {
  CHECK(fields_complete<NFSP::Config>());
  auto config = settings<KuhnPoker>();
  config.algorithm.average.batch = 0;
  CHECK_THROWS_AS((Playing<NFSP, KuhnPoker>(config)), Error);
  config = settings<KuhnPoker>();
  config.algorithm.average.anticipatory = 1.5f;
  CHECK_THROWS_AS((Playing<NFSP, KuhnPoker>(config)), Error);
}

}  // namespace test_nfsp
