// expect: DeviceSumsOverItsRanks gpus_sum_by_collective_nccl
#include <polis/polis.hpp>

#include <polis/device/host_kernels.hpp>

using namespace polis;

/// As Cuda, whose memory a collective of the CPU does not reach.
struct Gpu : HostKernels {
  template <class Ranks>
  static constexpr bool sums_over = !Ranks::distributed;
};
struct Two : Local {
  static constexpr bool distributed = true;
};

int main() {
  Trainer<PPO, MultiAgentEnv<CartPole>, Device<Gpu>, Collective<Two>> trainer;
  trainer.train(1000);
}
