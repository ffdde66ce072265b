// An environment whose agents' loops several threads may share.
#pragma once

#include <polis/polis.hpp>

namespace test_device {

using namespace polis;

/// A pasture that many herds graze: what one takes, all will miss. Herds die out one by one.
struct Pasture {
  static constexpr int agents = 37;
  static constexpr bool shared_loops = true;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  using Observation = Box<3>;
  using Action = Discrete<3>;

  Array<float, agents> herds{};
  float grass = 1, grazed = 0;
  int season = 0, last = 20;

  POLIS_HD void reset(Context<Pasture>& ctx) {
    *this = {};
    last = 15 + ctx.random.integer(8);
    ctx.each(agents, [&](int i) { herds[i] = ctx.random_of(i).uniform(.5f, 1.5f); });
  }
  POLIS_HD void step(const Actions<Pasture>& actions, Context<Pasture>& ctx) {
    const float hunger =
        ctx.sum(agents, [&](int i) { return herds[i] * static_cast<float>(actions[i]) * .01f; });
    const float share = hunger > grass ? grass / hunger : 1.f;
    ctx.each(agents, [&](int i) {
      Random luck = ctx.random_of(i);
      const float food = herds[i] * static_cast<float>(actions[i]) * .01f * share;
      ctx.reward(i) = food;
      herds[i] = herds[i] * (.9f + .1f * luck.uniform()) + food;
      if (herds[i] < .3f) ctx.terminate(i);
    });
    const int starving = ctx.sum(agents, [&](int i) { return herds[i] < .4f ? 1 : 0; });
    ctx.once([&] {
      grazed = hunger;
      grass = math::min(1.f, (grass - hunger * share) * 1.1f + .05f * ctx.random.uniform());
      ++season;
    });
    if (season >= last) {
      if (last % 2 == 0) {
        ctx.truncate();
      } else {
        ctx.terminate();
      }
    }
    if (starving > agents / 2) ctx.terminate();
  }
  POLIS_HD void observe(int agent, Row out) const { out[0] = herds[agent], out[1] = grass, out[2] = grazed; }
};

}  // namespace test_device
