// Actors with Q-critics by the kernels of a device, run on the CPU: their replay, samples, noise and updates
// are the CPU's.
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

/// Dozens of steps of every lane, with two updates after each, on both devices; and on one of
/// them with every phase run backwards.
template <class Algorithm, class E>
void compare(typename Algorithm::Config algorithm) {
  algorithm.learning_starts = 200, algorithm.update_every = 5, algorithm.batch = 100;
  Trainer<Algorithm, MultiAgentEnv<E>> reference(
      {.seed = 7, .lanes = 10, .threads = 1, .algorithm = algorithm});
  using Kernels = Trainer<Algorithm, MultiAgentEnv<E>, Device<HostKernels>>;
  Kernels kernels({.seed = 7, .lanes = 10, .algorithm = algorithm});
  Kernels backwards({.seed = 7, .lanes = 10, .algorithm = algorithm});
  backwards.device().runtime().set_order(PhaseOrder::backwards);
  const std::vector<float> first = all_weights_of(kernels);
  for (int i = 0; i < 36; ++i) reference.iterate(), kernels.iterate(), backwards.iterate();
  CHECK(furthest(all_weights_of(kernels), first) > 1e-2);
  // Which critic is the lesser, or on which side of 0 a unit is, may be a toss by rounding.
  CHECK(furthest(all_weights_of(reference), all_weights_of(kernels)) < 3e-4);
  CHECK(furthest(all_weights_of(backwards), all_weights_of(kernels)) == 0);
  CHECK(reference.episodes().count() == kernels.episodes().count());
  auto &expected = reference.learner().agents().front(), &found = kernels.learner().agents().front();
  CHECK(found.statistics().updates == expected.statistics().updates);
  CHECK(found.statistics().critic_loss == doctest::Approx(expected.statistics().critic_loss).epsilon(1e-4));
  CHECK(found.statistics().entropy == doctest::Approx(expected.statistics().entropy).epsilon(1e-4));
  CHECK(found.statistics().temperature == doctest::Approx(expected.statistics().temperature).epsilon(1e-5));
  CHECK(found.replay().completed(3) == expected.replay().completed(3));
  // What was stored before anything was learnt is the same to the bit, what came after it to rounding.
  const auto ours = found.carried().replay.contents(), theirs = expected.carried().replay.contents();
  REQUIRE(ours.size() == theirs.size());
  double most = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(ours[i] - theirs[i])));
  CHECK(most < 1e-3);
}

/// Episodes of a length that n-step transitions do not divide, some cut off and some terminated.
struct Walk {
  static constexpr int agents = 2;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  using Observation = Box<3>;
  struct Action : Box<2> {
    static constexpr float low = -2, high = 1;
  };
  Array<float, 2> at{};
  int steps = 0, longest = 7;
  POLIS_HD void reset(Context<Walk>& ctx) {
    steps = 0, longest = 5 + ctx.random.integer(4);
    for (int i = 0; i < agents; ++i) at[i] = ctx.random.uniform(-1, 1);
  }
  POLIS_HD void step(const Actions<Walk>& actions, Context<Walk>& ctx) {
    for (int i = 0; i < agents; ++i) {
      at[i] += .3f * actions[i][0] - .1f * actions[i][1];
      ctx.reward(i) = -at[i] * at[i];
    }
    if (++steps == longest) {
      if (longest % 2 == 0) {
        ctx.truncate();
      } else {
        ctx.terminate();
      }
    }
    if (steps == 3 && at[1] > .5f) ctx.terminate(1);
  }
  POLIS_HD void observe(int agent, Row out) const {
    out[0] = at[agent], out[1] = at[1 - agent], out[2] = static_cast<float>(steps) * .1f;
  }
};

}  // namespace

TEST_CASE("SAC by kernels is the CPU's") { compare<SAC::With<Mlp<32, 32>>, Pendulum>({}); }

TEST_CASE(
    "SAC by kernels is the CPU's: n steps, several agents, agents' numbers, deaths, bounds of their own") {
  compare<SAC::With<Mlp<16>, Silu, AgentIds>, Walk>({.n_step = 3});
}

TEST_CASE("TD3 and DDPG by kernels are the CPU's: target actors, noise with and without memory") {
  compare<TD3::With<Mlp<16, 16>>, Pendulum>({});
  compare<DDPG::With<Mlp<24>, OrnsteinUhlenbeck>, Walk>({});
}

TEST_CASE("SAC by kernels is the CPU's: products of bfloat16") {
  compare<SAC::With<Bfloat16<Mlp<20, 33>>>, Pendulum>({});
}

TEST_CASE("SAC on a device is saved, resumed there bit by bit, and goes on on the CPU") {
  test_device::check_resume<SAC::With<Mlp<16>>, Pendulum>(3e-4);
}
