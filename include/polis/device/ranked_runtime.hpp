// A device of each of several ranks: what kernels leave in its memory is added up over all of them.
#pragma once

namespace polis::internal {

/// `Runtime` with sums over the ranks of a collective, in the order of its kernels.
template <class Runtime, class Ranks>
class RankedRuntime : public Runtime {
 public:
  static constexpr bool distributed = true;

  /// Before anything else. The collective lives as long as this.
  void join(Ranks& ranks) { ranks_ = &ranks; }
  [[nodiscard]] int rank() const { return ranks_->rank(); }
  [[nodiscard]] int ranks() const { return ranks_->ranks(); }

  /// In place, of the device's memory. All ranks make the same sums in the same order.
  template <class T>
  void sum(T* values, int count) {
    Runtime::sum(*ranks_, values, count);
  }
  void wait() { Runtime::wait(*ranks_); }

 private:
  Ranks* ranks_ = nullptr;
};

}  // namespace polis::internal
