// An imitation of the parts of CUDA and NCCL that polis calls: memory is the host's, kernels are run by the
// CPU, a graph is a list of what was launched while it was recorded, and sums go over TCP. It shows that the
// host's side asks for the right things in the right order, where there is no GPU.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <cuda_runtime.h>
#include <nccl.h>

#include <polis/collective/sockets.hpp>
#include <polis/device/cuda.hpp>
#include <polis/device/host_kernels.hpp>

namespace imitation {

using Work = std::vector<std::function<void()>>;

/// What a test may change, and what it may look at.
struct State {
  bool same_gpu = false;  ///< for all ranks
  int gpu = -1;           ///< the current one
  int queries = 0, graphs = 0, replays = 0, sums = 0;
  int communicators = 0, ended_communicators = 0;
  cudaError_t last = cudaSuccess;
};
inline State state;

}  // namespace imitation

struct CUgraph_st {
  imitation::Work work;
};
struct CUgraphExec_st {
  imitation::Work work;
};
struct CUstream_st {
  CUgraph_st* recorded = nullptr;
};
struct CUevent_st {};
struct ncclComm {
  polis::Sockets ranks;
};

namespace imitation {

inline void enqueue(cudaStream_t stream, std::function<void()> work) {
  if (stream->recorded != nullptr) {
    stream->recorded->work.push_back(std::move(work));
  } else {
    work();
  }
}

}  // namespace imitation

namespace polis::internal {

template <class Kernel>
cudaError_t CudaLaunch<Kernel>::launch(const Kernel& kernel, int blocks, cudaStream_t stream) {
  imitation::enqueue(stream, [kernel, blocks] { HostRuntime().launch(kernel, blocks); });
  return cudaGetLastError();
}

}  // namespace polis::internal

extern "C" {

inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 8, cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return imitation::state.gpu = device, cudaSuccess; }
inline cudaError_t cudaGetDevice(int* device) { return *device = imitation::state.gpu, cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "an error of the imitation"; }
inline cudaError_t cudaGetLastError() { return std::exchange(imitation::state.last, cudaSuccess); }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  *properties = {};
  properties->uuid.bytes[0] = static_cast<char>(imitation::state.same_gpu ? 1 : 1 + device);
  return cudaSuccess;
}
/// So that as many blocks find room as HostRuntime has.
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  return *value = attribute == cudaDevAttrMultiProcessorCount ? 1 : 1 << 24, cudaSuccess;
}

inline cudaError_t cudaMalloc(void** memory, std::size_t size) {
  *memory = polis::internal::HostRuntime::allocate(size);
  std::memset(*memory, 0xff, size);  // NaN
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* memory) {
  return polis::internal::HostRuntime::release(memory), cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind,
                                   cudaStream_t) {
  return std::memcpy(to, from, size), cudaSuccess;
}

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return *stream = new CUstream_st, cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) { return delete stream, cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
/// Not ready two times of three, and what that leaves behind is found by who asks for the last error.
inline cudaError_t cudaStreamQuery(cudaStream_t) {
  return ++imitation::state.queries % 3 == 0 ? cudaSuccess : imitation::state.last = cudaErrorNotReady;
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return *event = new CUevent_st, cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return stream->recorded = new CUgraph_st, cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return *graph = std::exchange(stream->recorded, nullptr), cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  ++imitation::state.graphs;
  return *made = new CUgraphExec_st{graph->work}, cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { return delete graph, cudaSuccess; }
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
  ++imitation::state.replays;
  for (const auto& work : graph->work) work();
  return cudaSuccess;
}

inline ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return std::strcpy(id->internal, "the id"), ncclSuccess;
}
inline ncclResult_t ncclCommInitRank(ncclComm_t* made, int ranks, ncclUniqueId id, int rank) {
  auto own = polis::RankEnvironment::read();
  own.port += ++imitation::state.communicators;
  if (std::strcmp(id.internal, "the id") != 0 || own.ranks != ranks || own.rank != rank)
    return ncclInvalidArgument;
  return *made = new ncclComm{polis::Sockets(own)}, ncclSuccess;
}
inline ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
  ++imitation::state.ended_communicators;
  return delete communicator, ncclSuccess;
}
inline ncclResult_t ncclCommAbort(ncclComm_t communicator) { return ncclCommDestroy(communicator); }
inline ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* found) {
  return *found = ncclSuccess, ncclSuccess;
}
inline const char* ncclGetErrorString(ncclResult_t) { return "an error of the imitation"; }
inline const char* ncclGetLastError(ncclComm_t) { return ""; }
inline ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type,
                                  ncclRedOp_t what, ncclComm_t communicator, cudaStream_t stream) {
  if (from != to || what != ncclSum || (type != ncclFloat && type != ncclDouble)) return ncclInvalidArgument;
  imitation::enqueue(stream, [=] {
    ++imitation::state.sums;
    if (type == ncclFloat) return communicator->ranks.sum(std::span(static_cast<float*>(to), count));
    communicator->ranks.sum(std::span(static_cast<double*>(to), count));
  });
  return ncclSuccess;
}

}  // extern "C"
