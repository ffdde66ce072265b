// expect: DeviceSumsOverItsRanks gpus_sum_by_collective_nccl
#include <polis/polis.hpp>

#include <polis/device/cuda.hpp>
#include <polis/mpi.hpp>

using namespace polis;

int main() {
  Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>, Collective<Mpi>> trainer;
  trainer.train(1000);
}
