// NVIDIA GPUs: `Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>>`.
//
// The program is compiled as any other; its kernels stand in a file of their own, which nvcc compiles:
//
//     // kernels.cu
//     #include <polis/device/cuda_kernels.cuh>
//     POLIS_INSTANTIATE_KERNELS(polis::PPO, polis::CartPole, polis::None)
//
// They are the sources that the CPU runs (Device<HostKernels>), launched one after the other in a stream; an
// iteration's sequence is captured as a CUDA graph once and then replayed, so that it costs one launch. The
// GPU is the process's current one (CUDA_VISIBLE_DEVICES chooses). Links the CUDA runtime.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>

#include <cuda_runtime.h>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/device/block.hpp>
#include <polis/device/cpu.hpp>
#include <polis/device/kernel_device.hpp>

namespace polis {

namespace internal {

/// Error: what the CUDA runtime refused, and why.
inline void check_cuda(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return;
  const bool absent = result == cudaErrorNoDevice || result == cudaErrorInsufficientDriver;
  throw Error(concat({what, " failed: ", cudaGetErrorString(result)}), "Device<Cuda>",
              absent
                  ? "an NVIDIA GPU and its driver; without one, Device<Cpu> trains the same sentence"
                  : "a working GPU with memory to spare; Device<Cpu> trains the same sentence without one");
}

/// Launches one kernel: defined by device/cuda_kernels.cuh, where nvcc compiles it.
template <class Kernel>
struct CudaLaunch {
  static cudaError_t launch(const Kernel& kernel, int blocks, cudaStream_t stream);
};

/// A collective that adds up a GPU's memory over its ranks: in a stream, so that it can be part of a graph,
/// and `wait` is for the stream as long as all ranks are there.
template <class Ranks>
concept SumsInStreams =
    requires(Ranks& ranks, float* floats, double* doubles, std::size_t count, cudaStream_t stream) {
      ranks.sum(floats, count, stream);
      ranks.sum(doubles, count, stream);
      ranks.wait(stream);
    };

/// Memory, a stream and a graph of the current GPU.
class CudaRuntime {
 public:
  static constexpr bool distributed = false;

  CudaRuntime() {
    check_cuda(cudaGetDevice(&device_), "cudaGetDevice");
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  CudaRuntime(const CudaRuntime&) = delete;
  CudaRuntime& operator=(const CudaRuntime&) = delete;
  ~CudaRuntime() {
    if (graph_) cudaGraphExecDestroy(graph_);
    cudaStreamDestroy(stream_);
  }

  [[nodiscard]] void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    check_cuda(cudaMalloc(&memory, bytes), "cudaMalloc");
    return memory;
  }
  void release(void* memory) { cudaFree(memory); }
  void upload(void* to, const void* from, std::size_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "copying to the GPU");
  }
  void download(void* to, const void* from, std::size_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the GPU");
  }
  void wait() { check_cuda(cudaStreamSynchronize(stream_), "a kernel"); }
  /// As long as all ranks are there.
  void wait(SumsInStreams auto& ranks) { ranks.wait(stream_); }
  /// In place, over all ranks, after what was launched before.
  void sum(SumsInStreams auto& ranks, auto* values, int count) {
    ranks.sum(values, static_cast<std::size_t>(count), stream_);
  }

  /// Blocks that the GPU has room for at once, each with so many floats of shared memory.
  [[nodiscard]] int blocks_at_once(int shared) const {
    int processors = 0, memory = 0;
    check_cuda(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device_),
               "cudaDeviceGetAttribute");
    check_cuda(cudaDeviceGetAttribute(&memory, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device_),
               "cudaDeviceGetAttribute");
    const int of_block = shared * static_cast<int>(sizeof(float)) + 1024;  // a KiB of each is the system's
    const int fitting = memory / of_block;
    return processors * (fitting < 1 ? 1 : fitting > 4 ? 4 : fitting);
  }

  template <class Kernel>
  void launch(const Kernel& kernel, int blocks) {
    check_cuda(CudaLaunch<Kernel>::launch(kernel, blocks, stream_), "launching a kernel");
  }

  /// Launches f(0), ..., f(count - 1), which have nothing to do with each other, in streams side by side;
  /// what is launched after them waits for all.
  template <class F>
  void apart(int count, F&& f) {
    const int ways = std::min(count, most_ways);
    while (static_cast<int>(branches_.size()) < ways - 1) branches_.emplace_back();
    const cudaStream_t trunk = stream_;
    if (ways > 1) check_cuda(cudaEventRecord(forked_.event, trunk), "cudaEventRecord");
    for (int way = 1; way < ways; ++way) wait_in(branch(way).stream, forked_.event);
    for (int i = 0; i < count; ++i) {
      stream_ = i % ways == 0 ? trunk : branch(i % ways).stream;
      f(i);
    }
    stream_ = trunk;
    for (int way = 1; way < ways; ++way) {
      check_cuda(cudaEventRecord(branch(way).joined.event, branch(way).stream), "cudaEventRecord");
      wait_in(trunk, branch(way).joined.event);
    }
  }

  /// Launches what `record` launches, which must be the same each time: it is recorded the first time.
  template <class F>
  void replay(F&& record) {
    if (!graph_) {
      cudaGraph_t graph = nullptr;
      check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
      record();
      check_cuda(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
      const cudaError_t made = cudaGraphInstantiate(&graph_, graph, 0);
      cudaGraphDestroy(graph);
      check_cuda(made, "cudaGraphInstantiate");
    }
    check_cuda(cudaGraphLaunch(graph_, stream_), "cudaGraphLaunch");
  }

 private:
  static constexpr int most_ways = 8;
  struct Event {
    Event() { check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate"); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { cudaEventDestroy(event); }
    cudaEvent_t event = nullptr;
  };
  struct Branch {
    Branch() { check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate"); }
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;
    ~Branch() { cudaStreamDestroy(stream); }
    cudaStream_t stream = nullptr;
    Event joined;
  };
  Branch& branch(int way) { return branches_[static_cast<std::size_t>(way - 1)]; }
  static void wait_in(cudaStream_t stream, cudaEvent_t event) {
    check_cuda(cudaStreamWaitEvent(stream, event, 0), "cudaStreamWaitEvent");
  }

  int device_ = 0;
  cudaStream_t stream_ = nullptr;
  cudaGraphExec_t graph_ = nullptr;
  Event forked_;
  std::deque<Branch> branches_;
};

}  // namespace internal

/// A GPU: `Device<Cuda>`. Over several ranks, a GPU of each: `Collective<Nccl>` (polis/nccl.hpp).
struct Cuda : internal::KernelDevice<internal::CudaRuntime> {
  template <class Ranks>
  static constexpr bool sums_over = !Ranks::distributed || internal::SumsInStreams<Ranks>;
};

}  // namespace polis
