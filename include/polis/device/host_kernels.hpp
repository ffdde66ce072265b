// The kernels of a device, run on the CPU: for tests of what a GPU would compute, and for a debugger.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <vector>

#include <polis/core/aligned.hpp>
#include <polis/device/block.hpp>
#include <polis/device/cpu.hpp>
#include <polis/device/kernel_device.hpp>

namespace polis {

namespace internal {

/// Runs every block of a kernel after the other, on the calling thread, as SerialBlock does. Shared memory is
/// full of NaN when a block begins, as if somebody else had had it.
class HostRuntime {
 public:
  static constexpr bool distributed = false;

  /// In which order blocks, and in them the indices of phases, are gone through; it changes no result.
  void set_order(PhaseOrder order) { order_ = order; }

  static void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{cache_line}); }
  static void release(void* memory) { ::operator delete(memory, std::align_val_t{cache_line}); }
  static void upload(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  static void download(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  static void wait() {}
  static void wait(const auto& /*ranks*/) {}
  /// In place, over all ranks.
  template <class T>
  static void sum(auto& ranks, T* values, int count) {
    ranks.sum(std::span(values, static_cast<std::size_t>(count)));
  }
  /// Blocks that a device has room for at once, each with so many floats of shared memory.
  static int blocks_at_once(int /*shared*/) { return 4; }

  template <class Kernel>
  void launch(const Kernel& kernel, int blocks) {
    for (int i = 0; i < blocks; ++i) {
      shared_.assign(static_cast<std::size_t>(Kernel::shared), std::numeric_limits<float>::quiet_NaN());
      SerialBlock block(order_ == PhaseOrder::forwards ? i : blocks - 1 - i, blocks, order_);
      kernel(block, shared_.data());
    }
  }
  /// Launches f(0), ..., f(count - 1), which have nothing to do with each other.
  template <class F>
  void apart(int count, F&& f) {
    for (int i = 0; i < count; ++i) f(order_ == PhaseOrder::forwards ? i : count - 1 - i);
  }
  /// Launches what `record` launches, the same each time.
  template <class F>
  void replay(F&& record) {
    record();
  }

 private:
  PhaseOrder order_ = PhaseOrder::forwards;
  AlignedVector<float> shared_;
};

}  // namespace internal

/// `Device<HostKernels>`: what `Device<Cuda>` computes, by one thread.
struct HostKernels : internal::KernelDevice<internal::HostRuntime> {};

}  // namespace polis
