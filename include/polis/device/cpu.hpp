// Where a trainer computes.
#pragma once

#include <polis/core/simd.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The CPU, with SIMD registers of the architecture `A`. It is part of a composition's type, so that two
/// translation units compiled with different flags make different types and cannot mix their kernels.
///
/// What a trainer asks of a device: whether it takes lanes and learner over (`offloads`), by a `Loop`, and
/// which environments it `steps`, algorithms it `trains`, curricula it `draws` from and collectives whose
/// ranks it `sums_over`.
template <class A>
struct BasicCpu {
  using Arch = A;
  static constexpr bool offloads = false;
  template <class E>
  static constexpr bool steps = true;
  template <class Algorithm, class E>
  static constexpr bool trains = true;
  template <class Curriculum>
  static constexpr bool draws = true;
  template <class Ranks>
  static constexpr bool sums_over = true;
  template <class Algorithm, class E, class Curriculum, class Ranks>
  struct Loop {};
};
using Cpu = BasicCpu<Simd>;

/// Names a trainer's device: `Device<Cpu>`.
template <class D>
struct Device {
  using word = word::Device;
  using type = D;
};

}  // namespace polis
