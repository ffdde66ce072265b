// The library's buffers as DLPack tensors: Python and LibTorch read them without a copy, wherever they lie.
//
//     const RolloutViews& rollout = trainer.device().rollout();           // on a GPU
//     DLManagedTensor* tensor = to_dlpack(rollout.advantages, {kDLCUDA, 0});
//     at::Tensor advantages = at::fromDLPack(tensor);                     // [slots][rows]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include <dlpack/dlpack.h>

#include <polis/core/array_view.hpp>

namespace polis {

/// A tensor of the view's elements (float, double, or integers of any size; enumerations as integers), shape
/// and strides, on `device`. Whoever takes it calls its `deleter` once; `owner`, if any, keeps the memory
/// until then, else the buffer must outlive it.
template <class T, int Rank>
[[nodiscard]] DLManagedTensor* to_dlpack(const ArrayView<T, Rank>& view, DLDevice device = {kDLCPU, 0},
                                         const std::shared_ptr<const void>& owner = {}) {
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>, "elements are numbers");
  struct Kept {
    DLManagedTensor tensor{};
    std::array<std::int64_t, Rank> shape{}, strides{};
    std::shared_ptr<const void> owner;
  };
  auto kept = std::make_unique<Kept>();
  for (int i = 0; i < Rank; ++i) {
    kept->shape[static_cast<std::size_t>(i)] = view.shape[i];
    kept->strides[static_cast<std::size_t>(i)] = view.strides[i];
  }
  kept->owner = owner;
  constexpr bool whole = !std::is_floating_point_v<T>;
  constexpr bool negative = [] {
    if constexpr (std::is_enum_v<T>) {
      return std::is_signed_v<std::underlying_type_t<T>>;
    } else {
      return std::is_signed_v<T>;
    }
  }();
  DLTensor& tensor = kept->tensor.dl_tensor;
  tensor.data = const_cast<std::remove_const_t<T>*>(view.data);
  tensor.device = device;
  tensor.ndim = Rank;
  tensor.dtype = {static_cast<std::uint8_t>(!whole     ? kDLFloat
                                            : negative ? kDLInt
                                                       : kDLUInt),
                  static_cast<std::uint8_t>(8 * sizeof(T)), 1};
  tensor.shape = kept->shape.data();
  tensor.strides = kept->strides.data();
  kept->tensor.manager_ctx = kept.get();
  kept->tensor.deleter = [](DLManagedTensor* self) { delete static_cast<Kept*>(self->manager_ctx); };
  return &kept.release()->tensor;
}

}  // namespace polis
