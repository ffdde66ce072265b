// Every built-in environment, played at random by a kernel.
#include <polis/device/cuda_kernels.cuh>
#include <polis/device/play.hpp>

#include "../cuda/environments.hpp"

namespace {

template <class... E>
void launch_all(test_cuda::Types<E...>) {
  (polis::internal::CudaLaunch<polis::internal::PlayKernel<E>>::launch({}, 1, nullptr), ...);
}

}  // namespace

/// Never called: what it launches is compiled.
void compile_all() { launch_all(test_cuda::Environments{}); }
