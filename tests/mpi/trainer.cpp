// N ranks equal one rank with all their lanes, to rounding; their checkpoint is that of all lanes.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include <polis/mpi.hpp>
#include <polis/polis.hpp>

#include "../train/environments.hpp"
#include "ranks.hpp"

namespace test_mpi_trainer {

using namespace polis;
using polis_test::Race;
using test_mpi::apart, test_mpi::rounding, test_mpi::Scratch, test_mpi::wait_for_all;

template <class... Words>
struct Pair {
  using OverRanks = Trainer<Words..., Collective<Mpi>>;
  using Alone = Trainer<Words...>;
};

using Plain = Pair<PPO, MultiAgentEnv<CartPole>>;
using Normalised = Pair<PPO::With<Mlp<32>, NormalizeObservations, ScaleRewards, ValueNormalization>,
                        MultiAgentEnv<Pendulum>>;
using Recurrent = Pair<PPO::With<Gru<16>>, MultiAgentEnv<CartPole>>;
using Team = Pair<MAPPO, MultiAgentEnv<SimpleSpread<>>>;
using Turns =
    Pair<PPO::With<Mlp<16>, NormalizeObservations, ScaleRewards>, MultiAgentEnv<Race>, Curriculum<Adaptive>>;
using Anew = Pair<PPO::With<VTrace>, MultiAgentEnv<CartPole>>;
using Grouped = Pair<PPO::With<GroupNormalised>, MultiAgentEnv<CartPole>>;

template <class T>
typename T::Config settings() {
  typename T::Config config;
  config.seed = 11, config.lanes = 48, config.threads = 1;
  config.algorithm.steps = 16;
  config.algorithm.segment = 4;
  config.algorithm.minibatch = 192;
  config.algorithm.epochs = 2;
  if constexpr (requires { config.curriculum.cooldown; })
    config.curriculum = {
        .window = 20, .advance_at = .3f, .regress_at = .1f, .advance_windows = 1, .cooldown = 10};
  return config;
}

std::vector<float> weights_of(auto& trainer) {
  const auto values = trainer.learner().agents().front().weights().values();
  return {values.begin(), values.end()};
}

}  // namespace test_mpi_trainer

TEST_CASE_TEMPLATE("mpi/trainer: ranks equal one rank with all their lanes", P, test_mpi_trainer::Plain,
                   test_mpi_trainer::Normalised, test_mpi_trainer::Recurrent, test_mpi_trainer::Team,
                   test_mpi_trainer::Turns, test_mpi_trainer::Anew, test_mpi_trainer::Grouped) {
  using namespace test_mpi_trainer;
  typename P::OverRanks ranks(settings<typename P::OverRanks>());
  typename P::Alone alone(settings<typename P::Alone>());
  const auto first = weights_of(alone);
  CHECK(weights_of(ranks) == first);
  CHECK(ranks.lanes().lanes() * ranks.ranks().ranks() == 48);
  for (int i = 0; i < 5; ++i) ranks.iterate(), alone.iterate();
  const double difference = apart(weights_of(ranks), weights_of(alone), first);
  CAPTURE(difference);
  CHECK(difference < rounding);
  if (ranks.ranks().ranks() == 1) CHECK(weights_of(ranks) == weights_of(alone));
  // What all ranks know of their episodes is the same, number by number.
  CHECK(ranks.episodes().count() == alone.episodes().count());
  CHECK(ranks.clock().steps == alone.clock().steps);
  CHECK(ranks.curriculum().stage() == alone.curriculum().stage());
  if (alone.episodes().count() > 0)
    CHECK(ranks.episodes().mean_return() == doctest::Approx(alone.episodes().mean_return()).epsilon(1e-4));
  const auto ours = ranks.learner().statistics(), theirs = alone.learner().statistics();
  CHECK(ours.value_loss == doctest::Approx(theirs.value_loss).epsilon(1e-2));
  CHECK(ours.entropy == doctest::Approx(theirs.entropy).epsilon(1e-3));
  CHECK(ours.gradient_norm == doctest::Approx(theirs.gradient_norm).epsilon(1e-2));
  CHECK(ours.explained_variance == doctest::Approx(theirs.explained_variance).scale(1).epsilon(1e-2));
  CHECK(ours.samples == theirs.samples);
}

TEST_CASE_TEMPLATE("mpi/trainer: a checkpoint goes on bit by bit, and on another number of ranks", P,
                   test_mpi_trainer::Normalised, test_mpi_trainer::Recurrent, test_mpi_trainer::Turns) {
  using namespace test_mpi_trainer;
  using OverRanks = typename P::OverRanks;
  using Alone = typename P::Alone;
  const Scratch file("resume"), back("back");
  OverRanks whole(settings<OverRanks>()), second(settings<OverRanks>());
  const auto first = weights_of(whole);
  for (int i = 0; i < 3; ++i) whole.iterate();
  whole.save(file.path());
  for (int i = 0; i < 3; ++i) whole.iterate();
  second.resume(file.path());
  for (int i = 0; i < 3; ++i) second.iterate();
  CHECK(weights_of(second) == weights_of(whole));
  CHECK(second.episodes().count() == whole.episodes().count());

  Alone one(settings<Alone>());  // all lanes in each rank, from the file of all ranks
  one.resume(file.path());
  for (int i = 0; i < 3; ++i) one.iterate();
  CHECK(one.clock().steps == whole.clock().steps);
  const double there = apart(weights_of(one), weights_of(whole), first);
  CAPTURE(there);
  CHECK(there < rounding);

  if (second.ranks().rank() == 0) one.save(back.path());  // and back to several
  wait_for_all();
  OverRanks third(settings<OverRanks>());
  third.resume(back.path());
  CHECK(weights_of(third) == weights_of(one));
  one.iterate(), third.iterate();
  const double and_back = apart(weights_of(third), weights_of(one), first);
  CAPTURE(and_back);
  CHECK(and_back < rounding);
  wait_for_all();
}

TEST_CASE("mpi/trainer: what two ranks have saved goes on in three") {
  using namespace test_mpi_trainer;
  using OverRanks = Plain::OverRanks;
  int rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (ranks < 3) return;
  const Scratch file("two");
  MPI_Comm two = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank < 2 ? 0 : MPI_UNDEFINED, rank, &two);
  if (two != MPI_COMM_NULL) {
    OverRanks trainer(settings<OverRanks>(), {}, Mpi(two));
    trainer.train(3 * 48 * 16);
    trainer.save(file.path());
    MPI_Comm_free(&two);
  }
  wait_for_all();
  OverRanks rest(settings<OverRanks>());
  Plain::Alone alone(settings<Plain::Alone>());
  const auto first = weights_of(alone);
  rest.resume(file.path());
  rest.train(6 * 48 * 16);
  alone.train(6 * 48 * 16);
  const double difference = apart(weights_of(rest), weights_of(alone), first);
  CAPTURE(difference);
  CHECK(difference < rounding);
  wait_for_all();
}

TEST_CASE("mpi/trainer: several sets of weights") {
  using namespace test_mpi_trainer;
  using Separate = Pair<PPO::With<SeparateParameters>, MultiAgentEnv<SimpleSpread<>>>;
  Separate::OverRanks ranks(settings<Separate::OverRanks>());
  Separate::Alone alone(settings<Separate::Alone>());
  const auto first = weights_of(alone);
  for (int i = 0; i < 4; ++i) ranks.iterate(), alone.iterate();
  const double difference = apart(weights_of(ranks), weights_of(alone), first);
  CAPTURE(difference);
  CHECK(difference < rounding);
}

TEST_CASE("mpi/trainer: rank 0 evaluates, writes and reports; all ranks end together") {
  using namespace test_mpi_trainer;
  struct Counts : Sink {
    int rows = 0, evaluations = 0;
    void row(const MetricsRow& row) override {
      ++(row.kind == MetricsRow::Kind::training ? rows : evaluations);
    }
  };
  const Scratch file("plan"), best("plan.best");
  auto config = settings<Plain::OverRanks>();
  config.evaluation = {.every = 48 * 16, .episodes = 4, .patience = 2, .target = 1e9};
  config.checkpoint = {.path = file.path(), .seconds = 0};
  config.algorithm.optimizer.learning_rate = 0;  // no evaluation is better than the first
  Plain::OverRanks trainer(config);
  Counts counts;
  trainer.add_sink(counts);
  CHECK(trainer.train(1'000'000) == TrainingEnd::patience_exhausted);
  CHECK(trainer.clock().steps == 3 * 48 * 16);
  CHECK(counts.rows == (trainer.ranks().rank() == 0 ? 3 : 0));
  CHECK(counts.evaluations == (trainer.ranks().rank() == 0 ? 3 : 0));
  CHECK(access(file.path().c_str(), F_OK) == 0);
  wait_for_all();
  // Asked to stop by one rank, all stop after the update they are in.
  Plain::OverRanks stopped(settings<Plain::OverRanks>());
  if (stopped.ranks().rank() == stopped.ranks().ranks() - 1) request_stop();
  CHECK(stopped.train(1'000'000) == TrainingEnd::interrupted);
  clear_stop_request();
  CHECK(stopped.clock().steps == 48 * 16);
  wait_for_all();
  std::remove((file.path() + ".best").c_str());
}

TEST_CASE(
    "mpi/trainer: lanes that cannot be shared out, and files that are not there, are errors everywhere") {
  using namespace test_mpi_trainer;
  using OverRanks = Plain::OverRanks;
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  auto config = settings<OverRanks>();
  config.lanes = 6 * ranks + 1;
  if (ranks > 1) {
    const std::string message = "Trainer: lanes = " + std::to_string(config.lanes) +
                                "; expected a multiple of the " + std::to_string(ranks) + " ranks";
    CHECK_THROWS_WITH_AS(OverRanks{config}, message.c_str(), Error);
  }
  OverRanks trainer(settings<OverRanks>());
  CHECK_THROWS_AS(trainer.resume("/tmp/polis-no-such-folder/checkpoint"), Error);
  CHECK_THROWS_AS(trainer.save("/tmp/polis-no-such-folder/checkpoint"), Error);
  trainer.iterate();  // the ranks still keep step
}
