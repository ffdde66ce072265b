// What differs between the compilers polis is built with: g++ 12, clang 14, and nvcc 13 for host and device.
#pragma once

/// Marks a function that runs on the CPU and inside CUDA kernels.
#if defined(__CUDACC__)
#define POLIS_HD __host__ __device__
#else
#define POLIS_HD
#endif

/// Marks a function that is compiled once: neither inlined nor copied for arguments that a caller holds
/// constant, which would cost compile time and gain nothing.
#if defined(__GNUC__) && !defined(__clang__)
#define POLIS_ONE_COPY [[gnu::noinline, gnu::noclone]]
#else
#define POLIS_ONE_COPY [[gnu::noinline]]
#endif
