// Q-learning by the kernels of a device, run on the CPU: its replay and its samples are the CPU's, and so are
// its updates, to rounding.
#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

#include "weights.hpp"

using namespace polis;
using test_device::all_weights_of, test_device::furthest;

namespace {

/// Dozens of steps of every lane, with two updates after each, on both devices; and on one of them with every
/// phase run backwards.
template <class Algorithm, class E>
void compare(typename Algorithm::Config algorithm, double within = 3e-5) {
  algorithm.learning_starts = 200, algorithm.update_every = 5, algorithm.batch = 90;
  Trainer<Algorithm, MultiAgentEnv<E>> reference(
      {.seed = 7, .lanes = 10, .threads = 1, .algorithm = algorithm});
  using Kernels = Trainer<Algorithm, MultiAgentEnv<E>, Device<HostKernels>>;
  Kernels kernels({.seed = 7, .lanes = 10, .algorithm = algorithm});
  Kernels backwards({.seed = 7, .lanes = 10, .algorithm = algorithm});
  backwards.device().runtime().set_order(PhaseOrder::backwards);
  const std::vector<float> first = all_weights_of(kernels);
  for (int i = 0; i < 50; ++i) reference.iterate(), kernels.iterate(), backwards.iterate();
  CHECK(furthest(all_weights_of(kernels), first) > 1e-3);
  CHECK(furthest(all_weights_of(reference), all_weights_of(kernels)) < within);
  CHECK(furthest(all_weights_of(backwards), all_weights_of(kernels)) == 0);
  CHECK(reference.episodes().count() == kernels.episodes().count());
  auto &expected = reference.learner().agents().front(), &found = kernels.learner().agents().front();
  CHECK(found.statistics().updates == expected.statistics().updates);
  CHECK(found.statistics().loss == doctest::Approx(expected.statistics().loss).epsilon(1e-3));
  CHECK(found.statistics().value == doctest::Approx(expected.statistics().value).epsilon(1e-3));
  CHECK(found.statistics().gradient_norm ==
        doctest::Approx(expected.statistics().gradient_norm).epsilon(1e-3));
  CHECK(found.statistics().exploration == doctest::Approx(expected.statistics().exploration));
  const auto ours = found.carried().replay.contents(), theirs = expected.carried().replay.contents();
  REQUIRE(ours.size() == theirs.size());
  CHECK(std::equal(ours.begin(), ours.end(), theirs.begin()));
}

/// A team whose members wait and leave, with actions that are not always legal and episodes that are
/// terminated or cut off, of a length that n steps do not divide.
struct Crew {
  static constexpr int agents = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<3>;
  using Action = Discrete<5>;
  using State = Box<4>;
  Array<float, 3> at{};
  int steps = 0, longest = 7;
  POLIS_HD void reset(Context<Crew>& ctx) {
    steps = 0, longest = 5 + ctx.random.integer(4);
    for (int i = 0; i < agents; ++i) at[i] = ctx.random.uniform(-1, 1);
  }
  POLIS_HD void step(const Actions<Crew>& actions, Context<Crew>& ctx) {
    float together = 0;
    for (int i = 0; i < agents; ++i) {
      if (acting(i)) at[i] += .2f * static_cast<float>(actions[i] - 2);
      together += at[i];
    }
    ctx.reward_all(-together * together);
    if (++steps == longest) {
      if (longest % 2 == 0) {
        ctx.truncate();
      } else {
        ctx.terminate();
      }
    }
    if (steps == 3 && at[1] > .5f) ctx.terminate(1);
  }
  [[nodiscard]] POLIS_HD bool acting(int agent) const { return (steps + agent) % 3 != 0; }
  POLIS_HD void observe(int agent, Row out) const {
    out[0] = at[agent], out[1] = at[0] + at[1] + at[2], out[2] = static_cast<float>(steps) * .1f;
  }
  POLIS_HD void legal(int agent, Row mask) const {
    if (at[agent] > 1) mask[4] = 0;
    if (at[agent] < -1) mask[0] = 0;
  }
  POLIS_HD void state(Row out) const {
    for (int i = 0; i < agents; ++i) out[i] = at[i];
    out[3] = static_cast<float>(steps) * .1f;
  }
};

/// Nobody can do anything for long.
struct Stuck {
  static constexpr int agents = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  int steps = 0;
  POLIS_HD void reset(Context<Stuck>&) {}
  POLIS_HD void step(const Actions<Stuck>&, Context<Stuck>& ctx) { ++steps, ctx.reward_all(0); }
  POLIS_HD void observe(int, Row out) const { out[0] = 1; }
  POLIS_HD void legal(int agent, Row mask) const {
    if (agent == 2 && steps == 4) mask[0] = mask[1] = 0;
  }
};

}  // namespace

TEST_CASE("DQN by kernels is the CPU's") {
  compare<DQN::With<Mlp<32, 16>>, CartPole>({.n_step = 2});
  compare<DQN::With<Mlp<13>, SquaredError, SoftTarget>, LeducPoker>({.double_q = false});
}
TEST_CASE("DQN by kernels is the CPU's: matrices that Muon makes orthogonal, wide and tall") {
  compare<DQN::With<Mlp<21, 14, 30>, Muon>, CartPole>({});
}
TEST_CASE("QMIX by kernels is the CPU's: members who wait and leave, legal actions, n steps") {
  compare<QMIX::With<Mlp<16>, Qmix<7, 9>>, Crew>({.target = {.every = 20}, .reward_scale = .5f, .n_step = 3});
}
TEST_CASE("QMIX by kernels is the CPU's: simple_spread") {
  compare<QMIX::With<Mlp<16, 16>>, SimpleSpread<>>({.target = {.every = 20}});
}
TEST_CASE("IQL and VDN by kernels are the CPU's") {
  compare<IQL::With<Mlp<16>>, Crew>({});
  compare<VDN::With<Mlp<16>, Adam>, Crew>({.n_step = 2});
}

TEST_CASE("QMIX on a device is saved, resumed there bit by bit, and goes on on the CPU") {
  test_device::check_resume<QMIX::With<Mlp<16>>, Crew>(1e-4);
}

TEST_CASE("an agent of a team without a legal action is named") {
  Trainer<VDN, MultiAgentEnv<Stuck>, Device<HostKernels>> trainer({.lanes = 4});
  CHECK_THROWS_WITH_AS(trainer.train(1000), doctest::Contains("agent 2"), Error);
}
