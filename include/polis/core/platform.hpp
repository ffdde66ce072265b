// What differs between the compilers polis is built with: g++ 12, clang 14, and nvcc 13 for host and device.
#pragma once

/// Marks a function that runs on the CPU and inside CUDA kernels. The only such macro in polis.
#if defined(__CUDACC__)
#define POLIS_HD __host__ __device__
#else
#define POLIS_HD
#endif
