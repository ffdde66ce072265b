// The kernels that the tests of the GPU train by.
#include <polis/device/cuda_kernels.cuh>

#include "../device/pasture.hpp"
#include "compositions.hpp"

POLIS_INSTANTIATE_KERNELS(test_gpu::Plain, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Small, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Orthogonal, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Rounded, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Wide, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Normalized, polis::Pendulum, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Team, polis::SimpleSpread<>, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Plain, polis::LeducPoker, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Anew, polis::LeducPoker, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Plain, test_device::Pasture, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Traders, polis::Trading, polis::Adaptive)
POLIS_INSTANTIATE_KERNELS(test_gpu::Soft, polis::Pendulum, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Twin, polis::Pendulum, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Deep, polis::CartPole, polis::None)
POLIS_INSTANTIATE_KERNELS(test_gpu::Mixed, polis::SimpleSpread<>, polis::None)
