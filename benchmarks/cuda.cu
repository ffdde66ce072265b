// The kernels of the benchmark "cuda".
#include <polis/device/cuda_kernels.cuh>
#include <polis/polis.hpp>

#include "cuda_kernels.hpp"

POLIS_INSTANTIATE_KERNELS(polis::PPO, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(polis::PPO, polis::Trading, polis::Adaptive)
template struct polis::internal::CudaLaunch<polis::internal::PlayKernel<polis::CartPole>>;
template struct polis::internal::CudaLaunch<polis::GaeKernel>;
template struct polis::internal::CudaLaunch<polis::CopyKernel>;
template struct polis::internal::CudaLaunch<polis::ForwardSmall>;
template struct polis::internal::CudaLaunch<polis::ForwardLarge>;
template struct polis::internal::CudaLaunch<polis::ForwardRounded>;
template struct polis::internal::CudaLaunch<polis::PeakKernel>;
