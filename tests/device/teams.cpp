// Lanes that several threads step together: an environment whose agents' loops are shared comes to the same
// as one thread makes of it.
#include <barrier>
#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

#include "pasture.hpp"
#include "weights.hpp"

using namespace polis;
using test_device::Pasture;

namespace {

static_assert(shares_loops<Pasture> && !shares_loops<CartPole>);

struct Barrier {
  std::barrier<> barrier;
  static void wait(void* self) { static_cast<Barrier*>(self)->barrier.arrive_and_wait(); }
};

/// Steps that come to the same by one thread and by a team of `size`.
void compare(int size) {
  using Lane = internal::Lane<Pasture>;
  const internal::LaneStreams streams{5, 3, 1};
  const ConfigOf<Pasture> config{};
  const DatasetOf<Pasture> data{};
  const auto tasks = [](Random&) { return Assignment<Pasture>{}; };
  const auto act = [](const Lane& lane) {
    Actions<Pasture> actions{};
    for (int i = 0; i < Pasture::agents; ++i)
      actions[i] = static_cast<int>(lane.step + static_cast<unsigned>(i) * 7u) % 3;
    return actions;
  };
  std::vector<Lane> alone, together;
  Lane lane;
  lane.begin(tasks, streams, config, data);
  const Lane first = lane;
  for (int step = 0; step < 200; ++step) {
    lane.advance(act(lane), streams, config, data);
    alone.push_back(lane);
    if (lane.over()) lane.begin(tasks, streams, config, data);
  }
  lane = first;
  Barrier barrier{std::barrier<>(size)};
  std::vector<char> board(static_cast<std::size_t>(16 * size));
  Actions<Pasture> actions{};
  const auto work = [&](int rank) {
    const internal::LaneTeam team(rank, size, Barrier::wait, &barrier, board.data());
    for (int step = 0; step < 200; ++step) {
      if (rank == 0) actions = act(lane);
      team.wait();
      lane.advance(actions, streams, config, data, team);
      if (rank == 0) {
        together.push_back(lane);
        if (lane.over()) lane.begin(tasks, streams, config, data);
      }
      team.wait();
    }
  };
  std::vector<std::thread> others;
  for (int rank = 1; rank < size; ++rank) others.emplace_back(work, rank);
  work(0);
  for (std::thread& other : others) other.join();
  int same = 0, ended = 0;
  for (std::size_t i = 0; i < alone.size(); ++i) {
    const Lane &a = alone[i], &b = together[i];
    same += std::memcmp(&a.env, &b.env, sizeof a.env) == 0 &&
            std::memcmp(&a.rewards, &b.rewards, sizeof a.rewards) == 0 &&
            std::memcmp(&a.ends, &b.ends, sizeof a.ends) == 0 && a.episode.end == b.episode.end &&
            a.episode.total == b.episode.total && a.step == b.step;
    ended += a.over();
  }
  CHECK(same == 200);
  CHECK(ended >= 5);
}

}  // namespace

TEST_CASE("a team of threads steps a lane as one thread does") {
  compare(2);
  compare(5);
}

TEST_CASE("an environment whose loops are shared is trained by kernels as on the CPU") {
  using Sentence = PPO::With<Mlp<16>>;
  const Sentence::Config algorithm{.steps = 40, .epochs = 2, .minibatch = 0};
  Trainer<Sentence, MultiAgentEnv<Pasture>> cpu(
      {.seed = 2, .lanes = 6, .threads = 1, .algorithm = algorithm});
  Trainer<Sentence, MultiAgentEnv<Pasture>, Device<HostKernels>> kernels(
      {.seed = 2, .lanes = 6, .algorithm = algorithm});
  const auto first = test_device::weights_of(kernels);
  for (int i = 0; i < 2; ++i) cpu.iterate(), kernels.iterate();
  CHECK(test_device::furthest(test_device::weights_of(kernels), first) > 1e-4);
  CHECK(test_device::furthest(test_device::weights_of(kernels), test_device::weights_of(cpu)) < 1e-6);
}
