// An environment with every ability there is: what tests of wrappers wrap.
#pragma once

#include <string>

#include <polis/env/environment.hpp>

namespace polis_test {

using namespace polis;

struct Buyer {};
struct Seller {};

struct Price : Box<1> {
  static constexpr float low = 0, high = 10;
};

/// Has every ability, its signatures name its own context, and every member reads something else.
struct Market {
  using Roles = polis::Roles<Role<Buyer, 2, Box<2>, Discrete<3>>, Role<Seller, 1, Box<1>, Price>>;
  using State = Box<3>;
  static constexpr RewardStructure rewards = RewardStructure::zero_sum;
  static constexpr EventOrder order = EventOrder::sequential;
  struct Task {
    float demand = 2;
  };
  struct Config {
    float fee = .5f;
  };
  struct Dataset {
    const float* prices = nullptr;
  };
  float sold = 0;

  void reset(Context<Market>& ctx) { sold = ctx.random.uniform(); }
  void step(const Actions<Market>& actions, Context<Market>& ctx) {
    sold = static_cast<float>(actions.of(Buyer{})[1]);
    ctx.reward(Seller{}, 0) = actions.of(Seller{})[0][0] * ctx.data().prices[0] - ctx.config().fee;
    ctx.reward(0) = ctx.random.uniform();
    ctx.terminate(Buyer{}, 1);
  }
  void observe(Buyer, int index, Row out, const View<Market>& view) const {
    out[0] = static_cast<float>(index);
    out[1] = view.task().demand;
  }
  void observe(Seller, int, Row out) const { out[0] = sold; }
  void state(Row out) const { out[2] = sold; }
  void legal(int agent, Row mask) const { mask[agent] = 0; }
  bool acting(Buyer, int index) const { return index == 1; }
  bool acting(Seller, int) const { return false; }
  float success() const { return .75f; }
  void metrics(auto&& visit) const { visit("sold", static_cast<double>(sold)); }
  static int stages(const Config&, const Dataset&) { return 4; }
  static constexpr float curriculum_template() { return .65f; }
  static Task task(int stage, const Config& config, const Dataset&, Random&) {
    return {static_cast<float>(stage) + config.fee};
  }
};

/// Goes on for 100 steps. Its state is not bytes, so it says how it is saved.
struct Diary {
  static constexpr int agents = 1;
  using Observation = Box<1>;
  using Action = Price;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  std::string text;

  void reset(auto&) { text.clear(); }
  void step(const auto&, auto& ctx) {
    text += '.';
    if (text.size() == 100) ctx.terminate();
  }
  void observe(int, Row out) const { out[0] = static_cast<float>(text.size()); }
  void archive(auto& a) { a(text); }
};

}  // namespace polis_test
