#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/returns/group_normalised.hpp>

#include "row.hpp"

namespace {

using polis::GroupNormalised;
using polis_test::check, polis_test::none, polis_test::terminated, polis_test::truncated;

static_assert(polis::ReturnEstimator<GroupNormalised> && polis::GroupEstimator<GroupNormalised>);
static_assert(!polis::uses_values<GroupNormalised>);

// The rows of a group, [slot][row].
struct Group {
  int slots;
  std::vector<float> rewards;
  std::vector<polis::End> ends = std::vector<polis::End>(rewards.size(), none);
  std::vector<std::uint8_t> decided = std::vector<std::uint8_t>(rewards.size(), 1);
  std::vector<float> advantages = std::vector<float>(rewards.size(), -7);
  std::vector<float> returns = std::vector<float>(rewards.size(), -7);
  std::vector<int> until = std::vector<int>(rewards.size() / static_cast<std::size_t>(slots), -1);

  void estimate(GroupNormalised::Config config, int step = 1) {
    const std::vector<float> values(rewards.size() + until.size());
    polis::Trajectory first{.slots = slots,
                            .stride = static_cast<std::ptrdiff_t>(until.size()),
                            .rewards = rewards.data(),
                            .values = values.data(),
                            .bootstrap = values.data(),
                            .ends = ends.data(),
                            .decided = decided.data(),
                            .advantages = advantages.data(),
                            .returns = returns.data()};
    config.group = static_cast<int>(until.size()) / step;
    for (int i = 0; i < step; ++i) {
      GroupNormalised::estimate_group(config, first.from(i), step, until.data() + i);
    }
  }
};

}  // namespace

TEST_CASE("returns/group_normalised: the published figures") {
  Group group{1, {1, 0, 0, 1}, std::vector<polis::End>(4, terminated)};
  group.estimate({.epsilon = 0});
  check(group.advantages, {.8660254, -.8660254, -.8660254, .8660254});
  group.estimate({.epsilon = 1e-4f});
  check(group.advantages, {.86587543, -.86587543, -.86587543, .86587543});
  check(group.returns, {1, 0, 0, 1});
}

TEST_CASE("returns/group_normalised: a whole episode has one advantage, whatever its length") {
  // Three rows; their episodes end after 1, 2 and 3 slots and come to 1, 2 and 6: mean 3, deviation sqrt(7).
  Group group{4,
              {1, 2, 1,  //
               9, 0, 2,  //
               9, 9, 3,  //
               9, 9, 9}};
  group.ends[0] = terminated, group.ends[4] = truncated, group.ends[8] = terminated;
  group.estimate({.epsilon = 0});
  const double d = std::sqrt(7.);
  check(group.advantages, {-2 / d, -1 / d, 3 / d,  //
                           0, -1 / d, 3 / d,       //
                           0, 0, 3 / d,            //
                           0, 0, 0});
  // The second episodes have not ended in all rows: nothing is learnt from them.
  CHECK(group.until == std::vector<int>{1, 2, 3});
}

TEST_CASE("returns/group_normalised: later episodes are compared where all rows have ended theirs") {
  Group group{3,
              {1, 3,  //
               4, 2,  //
               5, 5}};
  group.ends = {terminated, none, terminated, terminated, none, terminated};
  // First episodes 1 and 3 + 2 = 5; second ones 4 and 5; the first row has begun a third.
  group.estimate({.epsilon = 0});
  const double r = std::sqrt(.5);
  check(group.advantages, {-r, r, -r, r, 0, r});
  check(group.returns, {1, 5, 4, 5, 0, 5});
  CHECK(group.until == std::vector<int>{2, 3});
}

TEST_CASE("returns/group_normalised: an unfinished first episode counts with what it has earned") {
  Group group{2, {1, 2, 1, 2}};
  group.ends[2] = terminated;
  group.estimate({.epsilon = 0});
  const double r = std::sqrt(.5);
  check(group.advantages, {-r, r, -r, r});
  CHECK(group.until == std::vector<int>{2, 2});
}

TEST_CASE(
    "returns/group_normalised: equal returns have no advantage, and agents are compared each on its own") {
  Group equal{1, {3, 3, 3}};
  equal.estimate({});
  check(equal.advantages, {0, 0, 0});
  // Two lanes of two agents: rows 0 and 2 are one agent's, 1 and 3 the other's.
  Group agents{1, {1, 10, 3, 10}};
  agents.estimate({.epsilon = 0}, 2);
  check(agents.advantages, {-std::sqrt(.5), 0, std::sqrt(.5), 0});
  CHECK(agents.until == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("returns/group_normalised: time counts in decisions or in steps") {
  Group group{4, {1, 0, 2, 0, 4, 0, 8, 0}};
  group.decided = {1, 1, 0, 1, 1, 1, 0, 1};
  group.estimate({.discount = .5f});
  CHECK(group.returns[0] == 1 + 2 + .5f * (4 + 8));
  group.estimate({.discount = .5f, .time_in_steps = true});
  CHECK(group.returns[0] == 1 + .5f * 2 + .25f * 4 + .125f * 8);
}
