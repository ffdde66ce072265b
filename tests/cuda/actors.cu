// The heads of actors and the noise on actions are the same source on the CPU and in CUDA kernels: this file
// compiles each of them into a kernel. As with host_device.cu, building it is the test.
#include <polis/exploration/action_noise.hpp>
#include <polis/policy/deterministic_actor.hpp>
#include <polis/policy/gumbel_softmax.hpp>
#include <polis/policy/stochastic_actor.hpp>

namespace test_actors {

using namespace polis;

/// One row: a sample, what follows, the greedy action and, of what is reparametrised, the gradient.
template <class Head>
__global__ void run_head(typename Head::Config config, const float* given, float* result) {
  const In<float> in{given}, everything{};
  const Out<float> out{result};
  float sum = Head::template sample<float>(config, in, everything, in, out);
  sum += Head::template next<float>(config, in, everything, in, out);
  Head::template greedy<float>(config, in, everything, out);
  if constexpr (Head::expected) {
    const auto e = Head::template expectation<float>(in, everything, in);
    Head::template expectation_backward<float>(in, everything, in, e.mean, e.entropy, out);
  } else {
    Head::template backward<float>(config, in, everything, in, in, in, sum, out);
  }
}

template <class Noise>
__global__ void run_noise(typename Noise::Config config, const float* uniforms, float* memory,
                          float* action) {
  Noise::template perturb<3>(config, In<float>{uniforms}, memory, Out<float>{action});
}

template <class Head>
void launch_head(const float* given, float* result) {
  run_head<Head><<<1, 1>>>({}, given, result);
}
template <class Noise>
void launch_noise(const float* given, float* result) {
  run_noise<Noise><<<1, 1>>>({}, given, result, result + 8);
}

}  // namespace test_actors

int main() {
  using namespace test_actors;
  float *given = nullptr, *result = nullptr;
  if (cudaMalloc(&given, 1024) != cudaSuccess || cudaMalloc(&result, 1024) != cudaSuccess) return 1;
  if (cudaMemset(given, 0, 1024) != cudaSuccess) return 1;
  launch_head<DeterministicActor::head<Box<3>>>(given, result);
  launch_head<SmoothedActor::head<Box<3>>>(given, result);
  launch_head<StochasticActor::head<Box<3>>>(given, result);
  launch_head<StochasticActor::head<Discrete<4>>>(given, result);
  launch_head<GumbelSoftmax::head<Discrete<4>>>(given, result);
  launch_noise<SampledActions>(given, result);
  launch_noise<GaussianNoise>(given, result);
  launch_noise<OrnsteinUhlenbeck>(given, result);
  return cudaDeviceSynchronize() == cudaSuccess ? 0 : 1;
}
