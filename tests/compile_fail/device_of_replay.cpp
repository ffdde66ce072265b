// expect: DeviceTrainsItsAlgorithm
#include <polis/polis.hpp>

#include <polis/device/host_kernels.hpp>

using namespace polis;

int main() {
  Trainer<DQN::With<PrioritizedReplay>, MultiAgentEnv<CartPole>, Device<HostKernels>> trainer;
  trainer.train(1000);
}
