// The arrays of a rollout: shapes, no overlap, views that follow copies and moves, saving.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <polis/buffer/rollout.hpp>
#include <polis/core/archive.hpp>

namespace test_rollout {

using namespace polis;

RolloutShape shape(bool carried) {
  return {.steps = 5,
          .rows = 3,
          .observation = 4,
          .state = 2,
          .action = 2,
          .mask = 3,
          .carry = 6,
          .segments = 2,
          .carried = carried};
}

void for_each_view(RolloutArrays& arrays, auto&& f) {
  f(arrays.observations), f(arrays.states), f(arrays.actions), f(arrays.masks), f(arrays.carries);
  f(arrays.log_probs), f(arrays.rewards), f(arrays.values), f(arrays.final_values), f(arrays.advantages);
  f(arrays.returns), f(arrays.ends), f(arrays.decided), f(arrays.starts);
}

}  // namespace test_rollout

TEST_CASE("buffer/rollout: arrays have their shapes, are aligned, zero and apart") {
  using namespace test_rollout;
  for (const bool carried : {false, true}) {
    RolloutArrays arrays(shape(carried));
    const std::ptrdiff_t slots = carried ? 6 : 5;
    CHECK(arrays.observations.shape == Array<std::ptrdiff_t, 3>{{slots + 1, 3, 4}});
    CHECK(arrays.masks.shape == Array<std::ptrdiff_t, 3>{{slots, 3, 3}});
    CHECK(arrays.carries.shape == Array<std::ptrdiff_t, 3>{{2, 3, 6}});
    CHECK(arrays.values.shape == Array<std::ptrdiff_t, 2>{{slots + 1, 3}});
    CHECK(arrays.ends.shape == Array<std::ptrdiff_t, 2>{{slots, 3}});
    const std::byte* end = nullptr;
    std::size_t bytes = 0;
    for_each_view(arrays, [&](auto& view) {
      const auto* first = reinterpret_cast<const std::byte*>(view.data);
      CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
      CHECK((end == nullptr || first >= end));
      for (std::ptrdiff_t i = 0; i < view.size(); ++i)
        CHECK(view.data[i] == std::decay_t<decltype(view.data[i])>{});
      end = first + static_cast<std::size_t>(view.size()) * sizeof(*view.data);
      bytes += static_cast<std::size_t>(view.size()) * sizeof(*view.data);
    });
    CHECK(arrays.bytes() >= bytes);
    CHECK(arrays.bytes() < bytes + 14 * 64);
  }
}

TEST_CASE("buffer/rollout: what a policy does not need takes no room") {
  using namespace test_rollout;
  RolloutArrays plain({.steps = 4, .rows = 2, .observation = 1, .action = 1});
  CHECK(plain.states.size() == 0);
  CHECK(plain.masks.size() == 0);
  CHECK(plain.carries.size() == 0);
}

TEST_CASE("buffer/rollout: a copy is its own, a moved one keeps its values") {
  using namespace test_rollout;
  RolloutArrays first(shape(false));
  first.rewards(4, 2) = 7;
  RolloutArrays copy = first, assigned;
  assigned = first;
  copy.rewards(4, 2) = 8;
  CHECK(first.rewards(4, 2) == 7.f);
  CHECK(assigned.rewards(4, 2) == 7.f);
  RolloutArrays moved = std::move(copy);
  CHECK(moved.rewards(4, 2) == 8.f);
  assigned = std::move(moved);
  CHECK(assigned.rewards(4, 2) == 8.f);
  CHECK(first.rewards(4, 2) == 7.f);
}

TEST_CASE("buffer/rollout: saved and restored; another shape is refused") {
  using namespace test_rollout;
  RolloutArrays first(shape(true)), second(shape(true)), other(shape(false));
  first.ends(5, 1) = End::truncated, first.carries(1, 2, 5) = -3;
  ArchiveWriter writer;
  first.archive(writer);
  ArchiveReader reader(writer.bytes());
  second.archive(reader);
  CHECK(second.ends(5, 1) == End::truncated);
  CHECK(second.carries(1, 2, 5) == -3.f);
  ArchiveReader again(writer.bytes());
  CHECK_THROWS_AS(other.archive(again), Error);
}
