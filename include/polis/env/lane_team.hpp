// The threads that step one lane together: one, or a warp of a GPU.
#pragma once

#include <cstring>
#include <type_traits>

#include <polis/core/platform.hpp>

namespace polis::internal {

/// A thread's view of its team. On the CPU `wait` is a barrier of the team's threads, and `board` has 16
/// bytes for each of them; a warp needs neither.
class LaneTeam {
 public:
  LaneTeam() = default;
  POLIS_HD LaneTeam(int rank, int size, void (*barrier)(void*) = nullptr, void* self = nullptr,
                    void* board = nullptr)
      : rank_(rank), size_(size), barrier_(barrier), self_(self), board_(static_cast<char*>(board)) {}

  [[nodiscard]] POLIS_HD int rank() const { return rank_; }
  [[nodiscard]] POLIS_HD int size() const { return size_; }

  /// What each has written before, all read behind it.
  POLIS_HD void wait() const {
#if defined(__CUDA_ARCH__)
    __syncwarp();
#else
    if (size_ > 1) barrier_(self_);
#endif
  }
  /// Calls f(number) for the numbers of the first `count` threads, in their order, on each thread.
  template <class T, class F>
  POLIS_HD void exchange(const T& own, int count, F&& f) const {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "what a team adds up is numbers");
#if defined(__CUDA_ARCH__)
    for (int i = 0; i < count; ++i) f(__shfl_sync(0xffff'ffffu, own, i));
#else
    if (size_ == 1) return f(own);
    std::memcpy(board_ + 16 * rank_, &own, sizeof own);
    wait();
    for (int i = 0; i < count; ++i) {
      T other{};
      std::memcpy(&other, board_ + 16 * i, sizeof other);
      f(other);
    }
    wait();
#endif
  }

 private:
  int rank_ = 0, size_ = 1;
  void (*barrier_)(void*) = nullptr;
  void* self_ = nullptr;
  char* board_ = nullptr;
};

}  // namespace polis::internal
