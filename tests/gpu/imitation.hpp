// An imitation of the parts of CUDA and NCCL that polis calls: memory is the host's, kernels are run by the
// CPU, a graph is what was launched while it was recorded and what waits for what, and sums go over TCP. It
// shows that the host's side asks for the right things in the right order, where there is no GPU.
#pragma once

#include <algorithm>
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

/// Something launched, and what has to be done before, by their numbers.
struct Node {
  std::function<void()> work;
  std::vector<std::size_t> after;
};

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
  std::vector<imitation::Node> nodes;
  std::vector<CUstream_st*> streams;  // that it is recorded from
};
struct CUgraphExec_st {
  std::vector<imitation::Node> nodes;
};
struct CUstream_st {
  CUgraph_st* recorded = nullptr;
  std::vector<std::size_t> last;  // what comes next waits for these
};
struct CUevent_st {
  CUgraph_st* recorded = nullptr;
  std::vector<std::size_t> last;
};
struct ncclComm {
  polis::Sockets ranks;
};

namespace imitation {

inline void enqueue(cudaStream_t stream, std::function<void()> work) {
  if (stream->recorded == nullptr) return work();
  auto& nodes = stream->recorded->nodes;
  nodes.push_back({std::move(work), std::exchange(stream->last, {nodes.size()})});
}
/// Runs what a graph holds, and of what may come next always what was launched last.
inline void run(const std::vector<Node>& nodes) {
  std::vector<char> done(nodes.size());
  for (std::size_t count = 0; count < nodes.size(); ++count) {
    std::size_t next = nodes.size();
    const auto may_come = [&](const Node& node) {
      return std::all_of(node.after.begin(), node.after.end(), [&](std::size_t i) { return done[i] != 0; });
    };
    do --next;
    while (done[next] != 0 || !may_come(nodes[next]));
    nodes[next].work(), done[next] = 1;
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
/// A stream that waits for one that is recorded is recorded too.
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->recorded == nullptr) return cudaSuccess;
  if (stream->recorded == nullptr) (stream->recorded = event->recorded)->streams.push_back(stream);
  stream->last.insert(stream->last.end(), event->last.begin(), event->last.end());
  return cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return *event = new CUevent_st, cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->recorded = stream->recorded, event->last = stream->last;
  return cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }

inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return stream->recorded = new CUgraph_st{{}, {stream}}, cudaSuccess;
}
/// Error: something is launched that this stream does not wait for.
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = stream->recorded;
  std::vector<char> waited((*graph)->nodes.size());
  for (std::vector<std::size_t> left = stream->last; !left.empty();) {
    const std::size_t at = left.back();
    left.pop_back();
    if (std::exchange(waited[at], char{1}) != 0) continue;
    left.insert(left.end(), (*graph)->nodes[at].after.begin(), (*graph)->nodes[at].after.end());
  }
  for (CUstream_st* each : (*graph)->streams) each->recorded = nullptr, each->last.clear();
  const bool whole = std::find(waited.begin(), waited.end(), 0) == waited.end();
  return whole ? cudaSuccess : cudaErrorStreamCaptureUnjoined;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  ++imitation::state.graphs;
  return *made = new CUgraphExec_st{graph->nodes}, cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { return delete graph, cudaSuccess; }
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t) {
  ++imitation::state.replays;
  imitation::run(graph->nodes);
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
