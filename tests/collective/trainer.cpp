// Trainers whose ranks are joined by TCP, on the CPU and with a device each.
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <polis/collective/sockets.hpp>
#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

#include "../device/weights.hpp"
#include "ranks.hpp"

using namespace polis;

TEST_CASE_TEMPLATE("collective/sockets: ranks train as one would, and save what one goes on from" *
                       doctest::test_suite("learning"),
                   D, Cpu, HostKernels) {
  using Alone = Trainer<PPO::With<Mlp<8>>, MultiAgentEnv<CartPole>, Device<D>>;
  using Joined = Trainer<PPO::With<Mlp<8>>, MultiAgentEnv<CartPole>, Device<D>, Collective<Sockets>>;
  constexpr std::uint64_t steps = 12 * 24;
  const std::string path = "/tmp/polis-sockets-" + std::to_string(::getpid());
  std::vector<std::vector<float>> found(2);
  test_sockets::for_ranks(2, [&](Sockets& sockets) {
    const auto rank = static_cast<std::size_t>(sockets.rank());
    Joined joined({.seed = 3, .lanes = 12, .threads = 1, .algorithm = {.steps = 24, .minibatch = 0}}, {},
                  std::move(sockets));
    joined.train(3 * steps);
    joined.save(path);
    for (auto& agents : joined.learner().agents())
      found[rank].insert(found[rank].end(), agents.weights().values().begin(),
                         agents.weights().values().end());
  });
  CHECK(found[0] == found[1]);
  Alone alone({.seed = 3, .lanes = 12, .threads = 1, .algorithm = {.steps = 24, .minibatch = 0}});
  const auto first = test_device::weights_of(alone);
  alone.train(3 * steps);
  CHECK(test_device::furthest(first, found[0]) > 1e-4);
  CHECK(test_device::furthest(test_device::weights_of(alone), found[0]) < 1e-6);
  alone.resume(path);
  CHECK(test_device::weights_of(alone) == found[0]);
  alone.train(4 * steps);
  CHECK(alone.clock().steps == 4 * steps);
  std::remove(path.c_str());
}
