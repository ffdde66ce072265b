// expect: DeviceTrainsItsAlgorithm
#include <polis/polis.hpp>

#include <polis/device/host_kernels.hpp>

using namespace polis;

int main() {
  Trainer<PPO::With<Mlp<1024, 1024>>, MultiAgentEnv<CartPole>, Device<HostKernels>> trainer;
  trainer.train(1000);
}
