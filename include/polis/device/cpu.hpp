// Where a trainer computes.
#pragma once

#include <polis/core/simd.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The CPU, with SIMD registers of the architecture `A`. It is part of a composition's type, so that two
/// translation units compiled with different flags make different types and cannot mix their kernels.
template <class A>
struct BasicCpu {
  using Arch = A;
};
using Cpu = BasicCpu<Simd>;

/// Names a trainer's device: `Device<Cpu>`.
template <class D>
struct Device {
  using word = word::Device;
  using type = D;
};

}  // namespace polis
