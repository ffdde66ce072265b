// The kernels of a device, run on the CPU: what a GPU would compute is what the CPU computes.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

#include "weights.hpp"

using namespace polis;
using test_device::furthest, test_device::weights_of;

namespace {

/// Trains `iterations` times on both devices, a whole rollout a step, since their minibatches are in
/// different orders, and compares weights, lanes, episodes and statistics.
template <class Algorithm, class E, class C>
void compare(typename Algorithm::Config algorithm, int iterations, double tolerance, int epochs = 2) {
  using Reference = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>>;
  using Kernels = Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<HostKernels>>;
  algorithm.minibatch = 0, algorithm.epochs = epochs;
  Reference reference({.seed = 7, .lanes = 21, .threads = 1, .algorithm = algorithm});
  Kernels kernels({.seed = 7, .lanes = 21, .threads = 1, .algorithm = algorithm});
  const std::vector<float> first = weights_of(kernels);
  for (int i = 0; i < iterations; ++i) reference.iterate(), kernels.iterate();
  CHECK(furthest(weights_of(kernels), first) > 100 * tolerance);
  CHECK(furthest(weights_of(reference), weights_of(kernels)) < tolerance);
  CHECK(reference.clock().steps == kernels.clock().steps);
  CHECK(reference.episodes().count() == kernels.episodes().count());
  CHECK(reference.curriculum().stage() == kernels.curriculum().stage());
  const auto expected = reference.learner().statistics(), found = kernels.learner().statistics();
  CHECK(found.samples == expected.samples);
  CHECK(found.entropy == doctest::Approx(expected.entropy).epsilon(1e-4));
  CHECK(found.value_loss == doctest::Approx(expected.value_loss).epsilon(1e-4));
  CHECK(found.gradient_norm == doctest::Approx(expected.gradient_norm).epsilon(1e-3));
  CHECK(found.explained_variance == doctest::Approx(expected.explained_variance).epsilon(1e-3));
}

using SmallCartPole = PPO::With<Silu, Mlp<13, 6>, AdamW, NStep<5>>;
using Normalized = PPO::With<NormalizeObservations, ScaleRewards, Relu, Mlp<32>>;
using Team = MAPPO::With<SharedParameters>;

/// A policy that is worth nothing, and says so.
struct Poisoned {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  int steps = 0;
  POLIS_HD void reset(Context<Poisoned>&) { steps = 0; }
  POLIS_HD void step(const Actions<Poisoned>&, Context<Poisoned>& ctx) {
    ctx.reward(0) = 1;
    if (++steps == 10) ctx.reward(0) = INFINITY, ctx.terminate();
  }
  POLIS_HD void observe(int, Row out) const { out[0] = 1; }
};

/// After ten steps there is nothing that its agent may do.
struct Cornered {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  int steps = 0;
  POLIS_HD void reset(Context<Cornered>&) { steps = 0; }
  POLIS_HD void step(const Actions<Cornered>&, Context<Cornered>&) { ++steps; }
  POLIS_HD void observe(int, Row out) const { out[0] = 1; }
  POLIS_HD void legal(int, Row mask) const {
    if (steps == 10) mask[0] = mask[1] = 0;
  }
};

}  // namespace

TEST_CASE("an update by kernels is the CPU's: turns, dead agents, masks, curricula, data") {
  compare<PPO::With<Mlp<32>>, Trading, Adaptive>({.steps = 40}, 2, 1e-6);
  compare<PPO::With<Mlp<16, 16>>, LeducPoker, None>({.steps = 40}, 3, 1e-6);
}

TEST_CASE("an update by kernels is the CPU's: weights of each agent's own, the main job's sentence") {
  compare<PPO::With<Mlp<32>, SeparateParameters>, Trading, Adaptive>({.steps = 40}, 2, 1e-6);
}

TEST_CASE("an update by kernels is the CPU's: central critic, agents' numbers, normalisation") {
  compare<Team, SimpleSpread<>, None>({.steps = 30}, 3, 1e-6);
  compare<Normalized, Pendulum, None>({.steps = 250}, 3, 1e-6);
}

TEST_CASE(
    "an update by kernels is the CPU's: odd widths, an activation that keeps its input, AdamW, n steps") {
  compare<SmallCartPole, CartPole, None>({.steps = 60}, 4, 1e-5);
}

TEST_CASE("an update by kernels is the CPU's: Muon") {
  compare<PPO::With<Mlp<24, 10>, Muon>, CartPole, None>({.steps = 60}, 3, 1e-5);
}

TEST_CASE("an update by kernels is the CPU's: products of bfloat16") {
  compare<PPO::With<Bfloat16<Mlp<32, 20>>>, CartPole, None>({.steps = 60}, 3, 1e-5);
  const auto train = []<class Network>(Network) {
    Trainer<PPO::With<Network>, MultiAgentEnv<CartPole>, Device<HostKernels>> trainer(
        {.seed = 3, .lanes = 30, .algorithm = {.steps = 25, .epochs = 3, .minibatch = 300}});
    trainer.iterate();
    return weights_of(trainer);
  };
  CHECK(furthest(train(Bfloat16<Mlp<32, 20>>{}), train(Mlp<32, 20>{})) > 1e-4);
}

TEST_CASE("an update by kernels is the CPU's: estimates made anew before every epoch") {
  compare<PPO::With<VTrace, Mlp<32>, NormalizeObservations>, Pendulum, None>({.steps = 220}, 2, 1e-6, 4);
  compare<PPO::With<VTrace, Mlp<16, 16>>, LeducPoker, None>({.steps = 40}, 3, 1e-6, 3);
  compare<Team::With<VTrace>, SimpleSpread<>, None>({.steps = 30}, 2, 1e-6, 3);
}

TEST_CASE("the order in which threads do a phase's work changes no bit") {
  const auto train = [](PhaseOrder order) {
    Trainer<Team::With<VTrace>, MultiAgentEnv<SimpleSpread<>>, Device<HostKernels>> trainer(
        {.seed = 3, .lanes = 30, .algorithm = {.steps = 25, .epochs = 3, .minibatch = 300}});
    trainer.device().runtime().set_order(order);
    for (int i = 0; i < 2; ++i) trainer.iterate();
    return weights_of(trainer);
  };
  CHECK(furthest(train(PhaseOrder::forwards), train(PhaseOrder::backwards)) == 0);
  const auto trade = [](PhaseOrder order) {
    using Each = PPO::With<Mlp<32>, SeparateParameters>;  // sets of weights take turns in any order, too
    Trainer<Each, MultiAgentEnv<Trading>, Curriculum<Adaptive>, Device<HostKernels>> trainer(
        {.seed = 3, .lanes = 21, .algorithm = {.steps = 40, .epochs = 2, .minibatch = 250}});
    trainer.device().runtime().set_order(order);
    for (int i = 0; i < 3; ++i) trainer.iterate();
    return weights_of(trainer);
  };
  CHECK(furthest(trade(PhaseOrder::forwards), trade(PhaseOrder::backwards)) == 0);
}

TEST_CASE("every rank and every epoch has an order of its own") {
  using OnDevice = internal::DeviceOfSentence<PPO, CartPole, None>;
  constexpr int count = 200;
  internal::DeviceStatus status;
  status.units = count, status.all_units = 2 * count;
  const internal::DeviceProgress<StageSampler> progress{};
  std::vector<int> units(count), order(count);
  std::iota(units.begin(), units.end(), 0);
  internal::OnPolicyData<OnDevice> d{};
  d.status = &status, d.progress = &progress, d.units = units.data(), d.order = order.data(), d.ranks = 2;
  std::set<std::vector<int>> orders;
  for (d.rank = 0; d.rank < d.ranks; ++d.rank) {
    for (const int epoch : {0, 1}) {
      internal::HostRuntime().launch(internal::OrderKernel<OnDevice>{d, epoch}, 3);
      orders.insert(order);
      std::vector<int> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      CHECK(sorted == units);
    }
  }
  CHECK(orders.size() == 4);
}

TEST_CASE("a run on a device is saved, resumed there bit by bit, and goes on on the CPU") {
  using Kernels = Trainer<SmallCartPole, MultiAgentEnv<CartPole>, Curriculum<None>, Device<HostKernels>>;
  const std::string path = std::filesystem::temp_directory_path() / "polis_device.checkpoint";
  const Kernels::Config config{
      .seed = 5, .lanes = 40, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 256}};
  Kernels whole(config), half(config), rest(config);
  whole.train(4 * 40 * 32);
  half.train(2 * 40 * 32);
  half.save(path);
  rest.resume(path);
  rest.train(4 * 40 * 32);
  CHECK(furthest(weights_of(whole), weights_of(rest)) == 0);
  CHECK(whole.episodes().count() == rest.episodes().count());

  Trainer<SmallCartPole, MultiAgentEnv<CartPole>> cpu(
      {.seed = 5, .lanes = 40, .threads = 1, .algorithm = {.steps = 32, .epochs = 2, .minibatch = 256}});
  cpu.resume(path);
  CHECK(furthest(weights_of(cpu), weights_of(half)) == 0);
  CHECK(cpu.evaluate(8).mean == half.evaluate(8).mean);
  cpu.train(3 * 40 * 32);
  CHECK(cpu.clock().steps == 3 * 40 * 32);
  std::filesystem::remove(path);
}

TEST_CASE("lanes advance by kernels as on the CPU, state for state") {
  Trainer<SmallCartPole, MultiAgentEnv<CartPole>> cpu({.seed = 9, .lanes = 70, .algorithm = {.steps = 64}});
  Trainer<SmallCartPole, MultiAgentEnv<CartPole>, Device<HostKernels>> kernels(
      {.seed = 9, .lanes = 70, .algorithm = {.steps = 64}});
  cpu.iterate(), kernels.iterate();
  int same = 0;
  for (int lane = 0; lane < 70; ++lane) {
    Array<float, 4> a{}, b{};
    cpu.lanes().observe(lane, 0, Row{a.data()}), kernels.lanes().observe(lane, 0, Row{b.data()});
    same += std::memcmp(a.data(), b.data(), sizeof a) == 0 &&
            cpu.lanes().steps_in_episode(lane) == kernels.lanes().steps_in_episode(lane);
  }
  // An action differs only where a uniform number lies within rounding of a probability.
  CHECK(same >= 69);
}

TEST_CASE("epochs stop on a device when the policy has moved too far") {
  const auto update = [](float target_kl) {
    Trainer<SmallCartPole, MultiAgentEnv<CartPole>, Device<HostKernels>> trainer(
        {.seed = 1,
         .lanes = 16,
         .algorithm = {.optimizer = {.learning_rate = .02f},
                       .steps = 32,
                       .epochs = 6,
                       .minibatch = 128,
                       .target_kl = target_kl}});
    trainer.iterate();
    return trainer.learner().statistics().samples;
  };
  CHECK(update(0) == 6 * 16 * 32);
  CHECK(update(1e-6f) == 16 * 32);
}

TEST_CASE("a gradient that is not finite ends training on a device, and says where") {
  Trainer<SmallCartPole, MultiAgentEnv<Poisoned>, Device<HostKernels>> trainer(
      {.seed = 1, .lanes = 8, .algorithm = {.steps = 16}});
  CHECK_THROWS_WITH_AS(trainer.iterate(), doctest::Contains("the gradient is"), Error);
}

TEST_CASE("an agent without a legal action ends training on a device, and says where") {
  Trainer<SmallCartPole, MultiAgentEnv<Cornered>, Device<HostKernels>> trainer(
      {.seed = 1, .lanes = 8, .algorithm = {.steps = 16}});
  CHECK_THROWS_WITH_AS(trainer.iterate(), doctest::Contains("no action is legal"), Error);
}

TEST_CASE("a setting that kernels do not know is refused by name") {
  Trainer<PPO, MultiAgentEnv<LeducPoker>, Device<HostKernels>> trainer(
      {.lanes = 8, .algorithm = {.returns = {.time_in_steps = true}, .steps = 16}});
  CHECK_THROWS_WITH_AS(trainer.iterate(), doctest::Contains("algorithm.returns.time_in_steps"), Error);
}

TEST_CASE("CartPole is learnt by kernels" * doctest::test_suite("learning")) {
  Trainer<PPO::With<Mlp<32, 32>>, MultiAgentEnv<CartPole>, Device<HostKernels>> trainer(
      {.seed = 2,
       .lanes = 64,
       .algorithm = {.optimizer = {.learning_rate = 1e-3f}, .steps = 32, .minibatch = 256}});
  trainer.train(100'000);
  CHECK(trainer.evaluate(20).mean > 400);
}
