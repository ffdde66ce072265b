// The kernels of Device<Cuda>, for a file that nvcc compiles; see device/cuda.hpp.
#pragma once

#if !defined(__CUDACC__)
#error "polis/device/cuda_kernels.cuh has kernels: compile the file that includes it with nvcc"
#endif

#include <cstddef>

#include <cuda_runtime.h>

#include <polis/device/cuda.hpp>

namespace polis::internal {

template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads) run_kernel(const __grid_constant__ Kernel kernel) {
  extern __shared__ float4 shared[];
  CudaBlock block;
  kernel(block, reinterpret_cast<float*>(shared));
}

// Never inlined away: other translation units call it.
template <class Kernel>
__attribute__((noinline, used)) cudaError_t CudaLaunch<Kernel>::launch(const Kernel& kernel, int blocks,
                                                                       cudaStream_t stream) {
  constexpr std::size_t bytes = sizeof(float) * static_cast<std::size_t>(Kernel::shared);
  if constexpr (bytes > 48 * 1024) {
    const cudaError_t asked = cudaFuncSetAttribute(
        run_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (asked != cudaSuccess) return asked;
  }
  run_kernel<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, bytes, stream>>>(kernel);
  return cudaGetLastError();
}

/// Launches what any runtime may: over one rank that is some of the kernels over several.
struct EveryKernel {
  static constexpr bool distributed = true;
  template <class Kernel>
  void launch(const Kernel& kernel, int blocks) {
    (void)CudaLaunch<Kernel>::launch(kernel, blocks, nullptr);
  }
  void sum(auto* /*values*/, int /*count*/) {}
};

}  // namespace polis::internal

/// Compiles the kernels that train an algorithm in an environment, with the tasks of a curriculum. Types
/// whose names have commas need one without: `using Mine = polis::PPO::With<polis::Relu, polis::Mlp<32,
/// 32>>;`.
#define POLIS_INSTANTIATE_KERNELS(ALGORITHM, ENVIRONMENT, CURRICULUM) \
  template struct polis::internal::Launches<                          \
      polis::internal::EveryKernel, polis::internal::DeviceOfSentence<ALGORITHM, ENVIRONMENT, CURRICULUM>>;
