// dlpack.hpp: buffers as DLPack tensors, without copies.
#include <cstdint>
#include <memory>

#include <doctest/doctest.h>

#include <polis/buffer/rollout.hpp>
#include <polis/dlpack.hpp>

TEST_CASE("dlpack: a rollout's arrays are tensors over the same memory, which live as long as they do") {
  auto rollout = std::make_shared<polis::RolloutArrays>(
      polis::RolloutShape{.steps = 3, .rows = 4, .observation = 2, .action = 1});
  rollout->observations(2, 3, 1) = 5;
  DLManagedTensor* const managed = polis::to_dlpack(rollout->observations, {kDLCPU, 0}, rollout);
  const DLTensor& tensor = managed->dl_tensor;
  REQUIRE(tensor.ndim == 3);
  CHECK(tensor.shape[0] == 4);  // one slot behind the last step
  CHECK(tensor.shape[1] == 4);
  CHECK(tensor.shape[2] == 2);
  CHECK(tensor.device.device_type == kDLCPU);
  CHECK((tensor.dtype.code == kDLFloat && tensor.dtype.bits == 32 && tensor.dtype.lanes == 1));
  CHECK(tensor.byte_offset == 0);
  const auto at = 2 * tensor.strides[0] + 3 * tensor.strides[1] + 1 * tensor.strides[2];
  CHECK(static_cast<const float*>(tensor.data)[at] == 5.f);
  CHECK(rollout.use_count() == 2);
  managed->deleter(managed);
  CHECK(rollout.use_count() == 1);
}

TEST_CASE("dlpack: integers and enumerations keep their size and sign") {
  const polis::RolloutArrays rollout({.steps = 1, .rows = 1});
  const auto type = [](const auto& view) {
    DLManagedTensor* const managed = polis::to_dlpack(view);
    const DLDataType found = managed->dl_tensor.dtype;
    managed->deleter(managed);
    return found;
  };
  CHECK((type(rollout.decided).code == kDLUInt && type(rollout.decided).bits == 8));
  CHECK(type(rollout.ends).bits == 8 * sizeof(polis::End));
  std::int32_t number = 0;
  const auto view = polis::row_major(&number, 1);
  CHECK((type(view).code == kDLInt && type(view).bits == 32));
}
