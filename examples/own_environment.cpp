// An environment of one's own, trained and evaluated: docs/environment.md builds it step by step.
#include <polis/polis.hpp>

// [environment]
namespace commons {

/// Two fishers share a stock that grows logistically (Gordon 1954, Schaefer 1957).
struct Fishery {
  static constexpr int agents = 2;
  using Observation = polis::Box<2>;  // the stock, the boats that the other sent out last season
  using Action = polis::Discrete<7>;  // boats to send out
  static constexpr auto rewards = polis::RewardStructure::general_sum;

  float stock = 1;  // as a share of what the lake can carry
  polis::Array<int, 2> boats{};
  int season = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    stock = ctx.random.uniform(.3f, 1.f);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    float landed = 0;
    for (int i = 0; i < agents; ++i) {
      boats[i] = actions[i];
      const float fish = .05f * stock * static_cast<float>(boats[i]);
      ctx.reward(i) = 10 * fish - .1f * static_cast<float>(boats[i]);  // price 10, .1 a boat
      landed += fish;
    }
    stock += .4f * stock * (1 - stock) - landed;
    if (stock < .02f) ctx.terminate();   // no fish are left, and none will come
    if (++season == 50) ctx.truncate();  // we stop looking, the lake goes on
  }

  POLIS_HD void observe(int agent, polis::Row out) const {
    out[0] = stock;
    out[1] = static_cast<float>(boats[1 - agent]) / 6;
  }

  void metrics(auto&& visit) const { visit("stock", stock); }
};

}  // namespace commons
// [environment]

int main() {
  polis::Trainer<polis::PPO, polis::MultiAgentEnv<commons::Fishery>> trainer({.seed = 7});
  trainer.train(200'000);
  trainer.evaluate(100).print();
}
