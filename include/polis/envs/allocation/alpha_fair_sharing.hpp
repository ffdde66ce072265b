// A capacity to be shared out among users, judged by an alpha-fair utility whose optimum has a closed form
// (J. Mo and J. Walrand, "Fair end-to-end window-based congestion control", 2000).
//
// Order of events: the planner sees what a unit does for each user and how much each counts; it gives shares
// of the capacity; it is paid, and the episode terminates.
#pragma once

#include <limits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/allocation/fairness.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// One planner. User i has the effect a_i and the weight w_i, and of the amount x_i = C share_i has a_i x_i.
/// The reward is sum_i w_i U_alpha(a_i x_i) less what it is with equal amounts, or with `max_min` the least
/// a_i x_i less that of equal amounts. An amount below a millionth of the capacity counts as so much.
///
/// Effects are 1, 2, 4, ..., or with `drawn` log-uniform on [1, 2^(Users - 1)], anew for every episode;
/// weights are 1. Seen are, for each user, log2 of its effect as a share of the largest that there is, and
/// its weight.
template <int Users = 3>
struct AlphaFairSharing {
  static_assert(Users > 1);
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<2 * Users>;
  using Action = Simplex<Users>;
  using Amounts = Array<float, Users>;

  struct Config {
    float alpha = .5f, capacity = 10;
    bool max_min = false, drawn = false;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("alpha", self.alpha);
      visit("capacity", self.capacity);
      visit("max_min", self.max_min);
      visit("drawn", self.drawn);
    }
  };

  Amounts effects{}, weights{};
  Amounts amounts{}, best{};  ///< what was given, and the optimum

  POLIS_HD void reset(auto& ctx) {
    for (int i = 0; i < Users; ++i) {
      const float doublings = ctx.config().drawn ? ctx.random.uniform() * (Users - 1) : static_cast<float>(i);
      effects[i] = math::exp(.6931471806f * doublings);
      weights[i] = 1;
    }
    best = optimum(ctx.config());
    amounts = {};
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    for (int i = 0; i < Users; ++i) amounts[i] = config.capacity * actions[0][i];
    ctx.reward(0) = utility(amounts, config) - utility(equal(config), config);
    ctx.terminate();
  }

  POLIS_HD void observe(int /*agent*/, Row out) const {
    for (int i = 0; i < Users; ++i) {
      out[i] = math::log(effects[i]) / (.6931471806f * (Users - 1));
      out[Users + i] = weights[i];
    }
  }

  /// The distance sum_i |x_i - x*_i| from the optimum as a share of the capacity; how unequal the effects
  /// are.
  void metrics(auto&& visit) const {
    double distance = 0, total = 0;
    Amounts reached{};
    for (int i = 0; i < Users; ++i) {
      distance += static_cast<double>(math::abs(amounts[i] - best[i]));
      total += static_cast<double>(best[i]);
      reached[i] = effects[i] * amounts[i];
    }
    visit("distance", total > 0 ? distance / total : 0.);
    visit("gini", static_cast<double>(gini(reached)));
    visit("jain", static_cast<double>(jain(reached)));
  }

  POLIS_HD float utility(const Amounts& x, const Config& config) const {
    float total = 0, least = std::numeric_limits<float>::max();
    for (int i = 0; i < Users; ++i) {
      const float reached = effects[i] * math::max(x[i], 1e-6f * config.capacity);
      least = math::min(least, reached);
      if (!config.max_min) total += weights[i] * alpha_fair_utility(reached, config.alpha);
    }
    return config.max_min ? least : total;
  }

  // ---- What is known.

  POLIS_HD Amounts optimum(const Config& config) const {
    return config.max_min ? max_min_effect(effects, config.capacity)
                          : alpha_fair(weights, effects, config.capacity, config.alpha);
  }
  POLIS_HD static Amounts equal(const Config& config) {
    Amounts x{};
    for (float& amount : x) amount = config.capacity / Users;
    return x;
  }

  enum class Division { optimal, equal, by_effect };
  struct Divide {
    Division division;
    POLIS_HD Actions<AlphaFairSharing> operator()(const AlphaFairSharing& env,
                                                  const View<AlphaFairSharing>& view, Random&) const {
      const Config& config = view.config();
      const Amounts x = division == Division::optimal ? env.optimum(config)
                        : division == Division::equal ? equal(config)
                                                      : proportional(env.effects, config.capacity);
      float total = 0;
      for (const float amount : x) total += amount;
      Actions<AlphaFairSharing> actions{};
      for (int i = 0; i < Users; ++i) actions[0][i] = x[i] / total;
      return actions;
    }
  };

  /// `alpha_fair`, the optimum; `equal` amounts; amounts `by_effect`.
  static void references(const auto&, auto&& visit) {
    visit("alpha_fair", Divide{Division::optimal});
    visit("equal", Divide{Division::equal});
    visit("by_effect", Divide{Division::by_effect});
  }

  /// Known in closed form where effects are not drawn.
  static OptimalValue optimal_value(const View<AlphaFairSharing>& view) {
    const Config& config = view.config();
    if (config.drawn) return {std::numeric_limits<double>::quiet_NaN()};
    AlphaFairSharing env;
    for (int i = 0; i < Users; ++i) env.effects[i] = static_cast<float>(1 << i), env.weights[i] = 1;
    return {
        static_cast<double>(env.utility(env.optimum(config), config) - env.utility(equal(config), config))};
  }
};

}  // namespace polis
