// A perceptron's forward pass by cuBLASLt, one product a layer with bias and ReLU in its epilogue: what the
// fused kernels are measured against.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <cublasLt.h>
#include <cuda_runtime.h>

namespace polis {

/// y[rows][out] = act(x[rows][in] W' + b), weights W[out][in] then b[out], all in the GPU's memory.
class CublasLtLayer {
 public:
  CublasLtLayer(cublasLtHandle_t handle, int in, int out, int rows, bool rectifies, const float* weights,
                cublasComputeType_t compute)
      : handle_(handle), weights_(weights) {
    // Column-major, as cuBLAS has it: y is [out x rows], W the transpose of [in x out], x [in x rows].
    check(cublasLtMatmulDescCreate(&product_, compute, CUDA_R_32F));
    set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, rectifies ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, weights + static_cast<std::ptrdiff_t>(in) * out);
    const auto n = [](int size) { return static_cast<std::uint64_t>(size); };
    check(cublasLtMatrixLayoutCreate(&of_weights_, CUDA_R_32F, n(in), n(out), in));
    check(cublasLtMatrixLayoutCreate(&of_x_, CUDA_R_32F, n(in), n(rows), in));
    check(cublasLtMatrixLayoutCreate(&of_y_, CUDA_R_32F, n(out), n(rows), out));
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference));
    int found = 0;
    check(cublasLtMatmulAlgoGetHeuristic(handle_, product_, of_weights_, of_x_, of_y_, of_y_, preference, 1,
                                         &way_, &found));
    cublasLtMatmulPreferenceDestroy(preference);
    if (found == 0) throw std::runtime_error("cuBLASLt knows no way to multiply these");
  }
  CublasLtLayer(const CublasLtLayer&) = delete;
  CublasLtLayer& operator=(const CublasLtLayer&) = delete;
  ~CublasLtLayer() {
    cublasLtMatrixLayoutDestroy(of_y_), cublasLtMatrixLayoutDestroy(of_x_);
    cublasLtMatrixLayoutDestroy(of_weights_), cublasLtMatmulDescDestroy(product_);
  }

  void forward(const float* x, float* y, cudaStream_t stream) const {
    const float one = 1, zero = 0;
    check(cublasLtMatmul(handle_, product_, &one, weights_, of_weights_, x, of_x_, &zero, y, of_y_, y, of_y_,
                         &way_.algo, nullptr, 0, stream));
  }

  static void check(cublasStatus_t status) {
    if (status != CUBLAS_STATUS_SUCCESS)
      throw std::runtime_error("cuBLASLt failed with status " + std::to_string(static_cast<int>(status)));
  }

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublasLtMatmulDescSetAttribute(product_, attribute, &value, sizeof value));
  }

  cublasLtHandle_t handle_;
  const float* weights_;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t of_weights_ = nullptr, of_x_ = nullptr, of_y_ = nullptr;
  cublasLtMatmulHeuristicResult_t way_{};
};

}  // namespace polis
