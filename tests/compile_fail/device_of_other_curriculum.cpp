// expect: DeviceDrawsFromItsCurriculum
#include <polis/polis.hpp>

#include <polis/device/host_kernels.hpp>

using namespace polis;

int main() {
  Trainer<PPO, MultiAgentEnv<Trading>, Curriculum<LearningProgress>, Device<HostKernels>> trainer;
  trainer.train(1000);
}
