// GPUs of several processes, which add up between themselves: the collective Nccl of Device<Cuda>.
//
//     #include <polis/nccl.hpp>
//     #include <polis/polis.hpp>
//     using namespace polis;
//
//     int main() {
//       Trainer<PPO, MultiAgentEnv<CartPole>, Device<Cuda>, Collective<Nccl>> trainer({.lanes = 131'072});
//       trainer.train(1'000'000'000);
//       if (trainer.ranks().rank() == 0) trainer.evaluate(100).print();
//     }
//
// started by `torchrun --no-python --nproc-per-node=8 ./program`: a process for each GPU. `lanes` are those
// of all ranks together. Link polis::nccl. What kernels have left is summed by ncclAllReduce, in the stream
// of the kernels and so in the graph of an iteration. Everything else (episodes, checkpoints, failures) is
// little, lies in the host's memory, and goes over the collective of the CPU that Nccl stands on: Sockets, or
// Mpi where mpirun starts the ranks (`Collective<NcclOver<Mpi>>`, with polis/mpi.hpp).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cuda_runtime.h>
#include <nccl.h>

#include <polis/collective/collective.hpp>
#include <polis/collective/sockets.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/device/cuda.hpp>

namespace polis {

/// The ranks of `Host`, a collective of the CPU, each with a GPU of its own.
template <Communicator Host>
class NcclOver {
 public:
  static constexpr bool distributed = true;

  /// On all ranks at once, and each on the thread that makes the trainer: it has a current GPU from now on,
  /// that of its local rank or the only one it sees. Error: there is none, or two ranks have the same.
  [[gnu::cold]] NcclOver() : NcclOver(Host()) {}
  [[gnu::cold]] explicit NcclOver(Host host) : host_(std::move(host)) {
    take_gpu();
    ncclUniqueId id{};
    std::vector<std::byte> bytes(sizeof id);
    if (rank() == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
    std::memcpy(bytes.data(), &id, sizeof id);
    host_.broadcast(bytes, 0);
    std::memcpy(&id, bytes.data(), sizeof id);
    check(ncclCommInitRank(&gpus_, ranks(), id, rank()), "ncclCommInitRank");
    try_a_sum();
  }
  NcclOver(NcclOver&& other) noexcept
      : host_(std::move(other.host_)), gpus_(std::exchange(other.gpus_, nullptr)) {}
  NcclOver& operator=(NcclOver&&) = delete;
  NcclOver(const NcclOver&) = delete;
  NcclOver& operator=(const NcclOver&) = delete;
  [[gnu::cold]] ~NcclOver() {
    if (gpus_ == nullptr) return;
    if (std::uncaught_exceptions() > exceptions_) {  // the others may never come
      ncclCommAbort(gpus_);
    } else {
      ncclCommDestroy(gpus_);
    }
  }

  [[nodiscard]] int rank() const { return host_.rank(); }
  [[nodiscard]] int ranks() const { return host_.ranks(); }
  [[nodiscard]] int neighbours() const { return host_.neighbours(); }
  [[nodiscard]] int local_rank() const { return host_.local_rank(); }

  // Of the host's memory.
  void sum(std::span<float> values) { host_.sum(values); }
  void sum(std::span<double> values) { host_.sum(values); }
  std::span<const std::byte> all_gather(std::span<const std::byte> own) { return host_.all_gather(own); }
  void broadcast(std::vector<std::byte>& bytes, int from) { host_.broadcast(bytes, from); }
  [[noreturn, gnu::cold]] void fail(const std::string& message) const { host_.fail(message); }

  /// In place, of the GPU's memory, when the stream comes to it. All ranks get the same bits, and get them
  /// again from the same GPUs joined in the same way; NCCL chooses the order.
  template <class T>
  void sum(T* values, std::size_t count, cudaStream_t stream) {
    constexpr ncclDataType_t type = std::is_same_v<T, float> ? ncclFloat : ncclDouble;
    check(ncclAllReduce(values, values, count, type, ncclSum, gpus_, stream), "ncclAllReduce");
  }
  /// Until the stream has done all. Where a rank is gone its part of a sum never comes, and what waits for it
  /// could not even be freed: this rank then fails. Error: a kernel fails.
  void wait(cudaStream_t stream) {
    auto looked = Clock::now();
    int lost = 0;
    while (true) {
      const cudaError_t state = cudaStreamQuery(stream);
      if (state != cudaErrorNotReady) return internal::check_cuda(state, "a kernel");
      (void)cudaGetLastError();  // which "not ready" would be, at the next launch
      if (Clock::now() - looked < std::chrono::milliseconds(100)) continue;
      looked = Clock::now();
      ncclResult_t problem = ncclSuccess;
      check(ncclCommGetAsyncError(gpus_, &problem), "ncclCommGetAsyncError");
      if (problem != ncclSuccess && problem != ncclInProgress)
        fail(concat({"a sum over the GPUs failed: ", ncclGetErrorString(problem)}));
      if constexpr (requires { host_.lost(); }) {
        // A rank that has ended well is ahead of this one, whose GPU then needs no other to come to an end.
        if (host_.lost() && ++lost == 50)
          fail("a rank has gone, and its part of a sum over the GPUs with it");
      }
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  static void check(ncclResult_t result, const char* what) {
    if (result == ncclSuccess) return;
    throw Error(concat({what, " failed: ", ncclGetErrorString(result), ": ", ncclGetLastError(nullptr)}),
                "Collective<Nccl>", "GPUs that reach each other; NCCL_DEBUG=WARN says more");
  }

  [[gnu::cold]] void take_gpu() {
    int gpus = 0;
    const cudaError_t found = cudaGetDeviceCount(&gpus);
    if (found != cudaSuccess || gpus == 0) {
      throw Error(concat({"no GPU: ", cudaGetErrorString(found == cudaSuccess ? cudaErrorNoDevice : found)}),
                  "Collective<Nccl>",
                  "an NVIDIA GPU and its driver for each rank; without them Device<Cpu> and Collective<Mpi> "
                  "train the same sentence");
    }
    if (gpus > 1 && local_rank() >= gpus) {
      throw Error(concat({"local rank ", local_rank(), " (LOCAL_RANK), and ", gpus, " GPUs"}),
                  "Collective<Nccl>", "as many ranks on a machine as it has GPUs");
    }
    const int gpu = gpus == 1 ? 0 : local_rank();
    internal::check_cuda(cudaSetDevice(gpu), "cudaSetDevice");
    cudaDeviceProp properties{};
    internal::check_cuda(cudaGetDeviceProperties(&properties, gpu), "cudaGetDeviceProperties");
    const auto own = std::as_bytes(std::span(properties.uuid.bytes));
    const auto all = host_.all_gather(own);
    for (int other = 0; other < ranks(); ++other) {
      const auto theirs = all.subspan(static_cast<std::size_t>(other) * own.size(), own.size());
      if (other != rank() && std::equal(own.begin(), own.end(), theirs.begin())) {
        throw Error(concat({"ranks ", rank(), " and ", other, " have the same GPU"}), "Collective<Nccl>",
                    "a GPU of its own for each rank: as many ranks on a machine as it has GPUs");
      }
    }
  }
  /// GPUs find each other at their first sum. Here it is not yet part of a graph, and what keeps them from it
  /// is said at once.
  [[gnu::cold]] void try_a_sum() {
    internal::CudaRuntime runtime;
    float counted = 1;
    auto* const there = static_cast<float*>(runtime.allocate(sizeof counted));
    runtime.upload(there, &counted, sizeof counted);
    runtime.sum(*this, there, 1);
    runtime.download(&counted, there, sizeof counted);
    runtime.wait(*this);
    runtime.release(there);
    if (counted == static_cast<float>(ranks())) return;
    throw Error(concat({"a sum over the GPUs counts ", counted}), "Collective<Nccl>",
                concat({ranks(), " ranks"}));
  }

  Host host_;
  ncclComm_t gpus_ = nullptr;
  int exceptions_ = std::uncaught_exceptions();
};
/// The ranks that torchrun starts.
using Nccl = NcclOver<Sockets>;

static_assert(Communicator<Nccl> && internal::SumsInStreams<Nccl>);

}  // namespace polis
