// Kernels by threads that really run at once, as those of a GPU's block do: what SerialBlock leaves in order,
// they do not. The thread sanitizer watches (tests/run.sh --preset tsan).
#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <polis/core/aligned.hpp>
#include <polis/device/host_kernels.hpp>
#include <polis/polis.hpp>

#include "pasture.hpp"

using namespace polis;

namespace {

constexpr int threads = 2;

/// One of a block's threads.
class ThreadedBlock {
 public:
  ThreadedBlock(int thread, int index, int blocks, std::barrier<>& barrier)
      : thread_(thread), index_(index), blocks_(blocks), barrier_(&barrier) {}
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] int blocks() const { return blocks_; }

  template <class F>
  void each(int count, F&& f) const {
    for (int i = thread_; i < count; i += threads) f(i);
    barrier_->arrive_and_wait();
  }
  template <class F>
  void each_of_grid(int count, F&& f) const {
    for (int i = index_ * threads + thread_; i < count; i += blocks_ * threads) f(i);
    barrier_->arrive_and_wait();
  }
  template <class F>
  void once(F&& f) const {
    if (thread_ == 0) f();
    barrier_->arrive_and_wait();
  }
  /// All threads of the block are one team.
  template <class F>
  void teams(int count, F&& f) const {
    const auto wait = [](void* barrier) { static_cast<std::barrier<>*>(barrier)->arrive_and_wait(); };
    for (int i = 0; i < count; ++i) f(i, internal::LaneTeam(thread_, threads, wait, barrier_, board));
    barrier_->arrive_and_wait();
  }
  int add(int* to, int number) const { return __atomic_fetch_add(to, number, __ATOMIC_RELAXED); }

 private:
  static inline char board[16 * threads];
  int thread_, index_, blocks_;
  std::barrier<>* barrier_;
};

/// Runs the blocks of a kernel one after the other, each by several threads.
class ThreadedRuntime : public internal::HostRuntime {
 public:
  template <class Kernel>
  void launch(const Kernel& kernel, int blocks) {
    shared_.assign(static_cast<std::size_t>(Kernel::shared), std::numeric_limits<float>::quiet_NaN());
    std::barrier barrier(threads);
    const auto work = [&](int thread) {
      for (int i = 0; i < blocks; ++i) {
        ThreadedBlock block(thread, i, blocks, barrier);
        kernel(block, shared_.data());
        barrier.arrive_and_wait();
      }
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
    for (std::thread& other : others) other.join();
  }

 private:
  AlignedVector<float> shared_;
};
struct ThreadedKernels : internal::KernelDevice<ThreadedRuntime> {};

template <class Algorithm, class E, class C = None>
void compare(const typename Algorithm::Config& algorithm) {
  const auto train = [&]<class D>(D) {
    Trainer<Algorithm, MultiAgentEnv<E>, Curriculum<C>, Device<D>> trainer(
        {.seed = 4, .lanes = 20, .algorithm = algorithm});
    while (trainer.learner().agents().front().carried().updates < 2) trainer.iterate();
    const auto values = trainer.learner().agents().front().weights().values();
    return std::vector<float>(values.begin(), values.end());
  };
  CHECK(train(ThreadedKernels{}) == train(HostKernels{}));
}

}  // namespace

TEST_CASE("threads of a block: normalisation, truncated episodes") {
  compare<PPO::With<NormalizeObservations, ScaleRewards, Mlp<8>>, Pendulum, None>(
      {.steps = 210, .epochs = 2, .minibatch = 700});
}
TEST_CASE("threads of a block: central critic, agents' numbers, values' scale") {
  compare<MAPPO::With<SharedParameters, Mlp<8, 8>>, SimpleSpread<>, None>(
      {.steps = 30, .epochs = 2, .minibatch = 500});
}
TEST_CASE("threads of a block: turns, masks, decisions carried over, estimates made anew") {
  compare<PPO::With<VTrace, Mlp<8>, Silu>, LeducPoker, None>({.steps = 30, .epochs = 2, .minibatch = 200});
}
TEST_CASE("threads of a block: weights of each agent's own, data, curricula") {
  compare<PPO::With<Mlp<8>, SeparateParameters>, Trading, Adaptive>(
      {.steps = 30, .epochs = 2, .minibatch = 200});
}
TEST_CASE("threads of a block: a replay, noise, targets") {
  compare<SAC::With<Mlp<8>>, Pendulum>({.learning_starts = 300, .update_every = 10, .batch = 70});
  compare<TD3::With<Mlp<8>, OrnsteinUhlenbeck>, Pendulum>(
      {.learning_starts = 300, .update_every = 10, .batch = 70});
}
TEST_CASE("threads of a block: a team's transitions, legal actions, a mixer") {
  compare<QMIX::With<Mlp<8>, Qmix<5, 6>>, SimpleSpread<>>(
      {.learning_starts = 300, .update_every = 10, .batch = 70});
  compare<DQN::With<Mlp<8>>, LeducPoker>({.learning_starts = 300, .update_every = 10, .batch = 70});
}
TEST_CASE("threads of a block: loops of agents that a team shares") {
  compare<PPO::With<Mlp<8>>, test_device::Pasture, None>({.steps = 12, .epochs = 2, .minibatch = 200});
}
