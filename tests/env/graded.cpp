// Stages made of a difficulty.
#include <doctest/doctest.h>

#include <algorithm>

#include <polis/env/graded.hpp>
#include <polis/env/multi_agent_env.hpp>

namespace test_graded {

using namespace polis;

/// One step, of a task that is a number.
struct Hurdle {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Discrete<2>;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  struct Task {
    float height = 0;
    static constexpr void fields(auto& self, auto&& visit) { visit("height", self.height); }
  };
  static Task graded_task(float difficulty, const auto&, const auto&, Random&) { return {2 * difficulty}; }
  float height = 0;
  void reset(auto& ctx) { height = ctx.task().height; }
  void step(const auto&, auto& ctx) { ctx.terminate(); }
  void observe(int, Row out) const { out[0] = height; }
};

static_assert(Environment<Hurdle> && !HasStages<Hurdle> && GradesItsTasks<Hurdle>);
static_assert(Environment<Graded<Hurdle, 4>> && HasStages<Graded<Hurdle, 4>>);

}  // namespace test_graded

TEST_CASE("env/graded: each stage has its share of the difficulties, all together have all") {
  using namespace test_graded;
  using E = Graded<Hurdle, 4>;
  CHECK(E::stages(Nothing{}, Nothing{}) == 4);
  Random random(1, 0, 0, 0, Purpose::test);
  for (int stage = 0; stage < 4; ++stage) {
    float least = 9, most = 0;
    for (int i = 0; i < 1000; ++i) {
      const float height = E::task(stage, {}, {}, random).height;
      least = std::min(least, height), most = std::max(most, height);
    }
    const auto from = .5f * static_cast<float>(stage);
    CHECK((least >= from && least < from + .01f));
    CHECK((most < from + .5f && most > from + .49f));
  }
  MultiAgentEnv<E> env(64, 1);  // without a curriculum: the last stage
  env.reset(env.default_tasks());
  for (int lane = 0; lane < 64; ++lane) CHECK(env.lane(lane).height >= 1.5f);
}
