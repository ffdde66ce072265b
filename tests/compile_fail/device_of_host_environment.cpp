// expect: DeviceStepsItsEnvironment
#include <polis/polis.hpp>

#include <polis/device/host_kernels.hpp>

#include <vector>

using namespace polis;

/// Its state is on the heap, where no kernel sees it.
struct OnTheHeap {
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  std::vector<float> state;
  void reset(Context<OnTheHeap>&) { state.assign(1, 0.f); }
  void step(const Actions<OnTheHeap>&, Context<OnTheHeap>& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = state[0]; }
};

int main() {
  Trainer<PPO, MultiAgentEnv<OnTheHeap>, Device<HostKernels>> trainer;
  trainer.train(1000);
}
