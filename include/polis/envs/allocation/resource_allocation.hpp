// Agents that share resources, whose needs, priorities and capacities move, under a rule that resolves what
// they ask for.
//
// Order of events in a period:
//   1. agents see their needs and priorities, and what there is of each resource;
//   2. each requests an amount of every resource;
//   3. the rule divides each resource by the requests: all are granted where there is enough. `proportional`
//      grants the same part of each; `max_min` the smaller of the request and a level; `priority` those of
//      the highest priority first;
//   4. what is granted beyond the need is wasted. An agent is satisfied by the mean over resources of the
//   part
//      of its need that was met;
//   5. all are paid efficiency, the mean satisfaction weighted by priorities, times its weight, and fairness,
//      1 - Gini of the satisfactions, times its own;
//   6. needs, priorities and capacities move for the next period.
// Nothing is carried over, and needs do not depend on what was granted.
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

/// How requests that exceed a capacity are resolved.
enum class AllocationRule { proportional, max_min, priority };

/// The most agents and resources; how many agents are active is the Task's.
struct AllocationSpec {
  int agents = 4, resources = 2;
  AllocationRule rule = AllocationRule::proportional;
  friend constexpr bool operator==(const AllocationSpec&, const AllocationSpec&) = default;
};

/// Amounts of each resource, in units of the mean need, up to the largest need.
template <int Resources>
struct ResourceRequest : Box<Resources> {
  static constexpr float low = 0, high = 2;
};

/// An agent sees its needs, what it was granted, what there is of each resource for each active agent, and
/// how much was requested of it in all as a part of what there was; its priority over 3 and its satisfaction
/// in the last period. The state is the needs, priority and satisfaction of all, and the capacities.
template <AllocationSpec Spec = AllocationSpec{}>
struct BasicResourceAllocation {
  static_assert(Spec.agents > 1 && Spec.resources > 0);
  static constexpr int agents = Spec.agents, resources = Spec.resources, priorities = 3;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = Box<4 * resources + 2>;
  using State = Box<agents*(resources + 2) + resources>;
  using Action = ResourceRequest<resources>;
  using Amounts = Array<float, agents>;  ///< one of each agent
  static constexpr float least_need = .25f;

  struct Config {
    float efficiency = .7f, fairness = .3f;   ///< weights of the components of the reward
    float capacity = .8f;                     ///< of each resource for each active agent, where it is scarce
    float reversion = .2f, volatility = .2f;  ///< of needs, to their mean of 1
    float shift = .05f;                       ///< probability that an agent's priority is drawn anew
    float failure = .05f, repair = .25f;      ///< probabilities that a resource fails, and is whole again
    float failed = .5f;                       ///< part of the capacity that is left of a failed one
    int periods = 50;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("efficiency", self.efficiency);
      visit("fairness", self.fairness);
      visit("capacity", self.capacity);
      visit("reversion", self.reversion);
      visit("volatility", self.volatility);
      visit("shift", self.shift);
      visit("failure", self.failure);
      visit("repair", self.repair);
      visit("failed", self.failed);
      visit("periods", self.periods);
    }
  };

  struct Task {
    int agents = Spec.agents;  ///< active ones
    bool scarce = true;        ///< or there is enough of everything for the largest needs
    bool moving = true;        ///< needs and priorities move
    bool failures = true;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("agents", self.agents);
      visit("scarce", self.scarce);
      visit("moving", self.moving);
      visit("failures", self.failures);
    }
  };

  /// 0: a tenth of the agents (two at the least), enough of everything; 1: a quarter, scarce; 2: half, moving
  /// needs; 3: all, with failures.
  static int stages(const Config&, const Nothing&) { return 4; }
  POLIS_HD static Task task(int stage, const Config&, const Nothing&, Random&) {
    const int part[] = {agents / 10, agents / 4, agents / 2, agents};
    return {part[stage] < 2 ? 2 : part[stage], stage > 0, stage > 1, stage > 2};
  }

  Array<Amounts, resources> needs{}, granted{};  // by resource, so that one can be divided as it is
  Amounts priority{}, satisfaction{};
  Array<float, resources> asked{};  ///< in the last period, as a part of what there was
  Array<float, resources> capacity{};
  Array<bool, resources> down{};
  int active = agents, period = 0;
  double total_efficiency = 0, total_fairness = 0, total_jain = 0, total_met = 0;
  double total_granted = 0, total_wasted = 0;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    active = ctx.task().agents;
    for (int i = 0; i < active; ++i) {
      priority[i] = static_cast<float>(1 + ctx.random.integer(priorities));
      for (int k = 0; k < resources; ++k) needs[k][i] = ctx.random.uniform(.5f, 1.5f);
    }
    set_capacities(ctx);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    Amounts met{};
    for (int k = 0; k < resources; ++k) {
      Amounts requests{};
      float total = 0;
      for (int i = 0; i < active; ++i) total += requests[i] = actions[i][k];
      asked[k] = total / capacity[k];
      granted[k] = resolve(requests, priority, capacity[k], active);
      for (int i = 0; i < active; ++i) {
        const float used = math::min(granted[k][i], needs[k][i]);
        met[i] += used / needs[k][i] / resources;
        total_granted += static_cast<double>(granted[k][i]);
        total_wasted += static_cast<double>(granted[k][i] - used);
      }
    }
    satisfaction = met;
    float weighted = 0, weight = 0, mean = 0;
    for (int i = 0; i < active; ++i) {
      weighted += priority[i] * met[i];
      weight += priority[i];
      mean += met[i] / static_cast<float>(active);
    }
    const float efficiency = weighted / weight, fairness = 1 - gini(met, active);
    ctx.reward_all(ctx.config().efficiency * efficiency + ctx.config().fairness * fairness);
    total_efficiency += static_cast<double>(efficiency);
    total_fairness += static_cast<double>(fairness);
    total_jain += static_cast<double>(jain(met, active));
    total_met += static_cast<double>(mean);
    move(ctx);
    if (++period >= ctx.config().periods) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    const float each = 1 / static_cast<float>(active);
    for (int k = 0; k < resources; ++k) {
      out[k] = needs[k][agent];
      out[resources + k] = granted[k][agent];
      out[2 * resources + k] = capacity[k] * each;
      out[3 * resources + k] = asked[k];
    }
    out[4 * resources] = priority[agent] / priorities;
    out[4 * resources + 1] = satisfaction[agent];
  }

  POLIS_HD void state(Row out) const {
    for (int i = 0; i < agents; ++i) {
      const Row at = out.from(i * (resources + 2));
      for (int k = 0; k < resources; ++k) at[k] = needs[k][i];
      at[resources] = priority[i] / priorities;
      at[resources + 1] = satisfaction[i];
    }
    for (int k = 0; k < resources; ++k) {
      out[agents * (resources + 2) + k] = capacity[k] / static_cast<float>(active);
    }
  }

  POLIS_HD bool acting(int agent) const { return agent < active; }

  /// The mean satisfaction of the episode.
  POLIS_HD float success() const { return period > 0 ? static_cast<float>(total_met / period) : 0.f; }

  /// Means over the periods: the components of the reward, Jain's index and the mean of satisfactions; the
  /// part of what was granted that nobody needed.
  void metrics(auto&& visit) const {
    const double count = period > 0 ? period : 1;
    visit("efficiency", total_efficiency / count);
    visit("fairness", total_fairness / count);
    visit("jain", total_jain / count);
    visit("satisfaction", total_met / count);
    visit("waste", total_granted > 0 ? total_wasted / total_granted : 0.);
  }

  /// What the rule of this environment grants.
  POLIS_HD static Amounts resolve(const Amounts& requests, const Amounts& by, float available, int count) {
    if constexpr (Spec.rule == AllocationRule::priority) return by_priority(requests, by, available, count);
    if constexpr (Spec.rule == AllocationRule::max_min) return max_min(requests, available, count);
    return proportional(requests, available, count);
  }

  // ---- What is known.

  enum class Division { truthful, equal, proportional, max_min, alpha_fair, priority, efficient };

  /// Everybody requests what it is to get, so that any rule grants it: in `truthful` its needs, otherwise
  /// what a planner divides who knows all of them; `efficient` earns `best_efficiency`. `alpha_fair`
  /// maximises in each resource the sum of priority times alpha-fair utility of what is met: the smaller of
  /// the need and priority^(1/alpha) times a level.
  struct Planned {
    Division division;
    float alpha = 1;

    POLIS_HD Actions<BasicResourceAllocation> operator()(const BasicResourceAllocation& env,
                                                         const View<BasicResourceAllocation>&,
                                                         Random&) const {
      Actions<BasicResourceAllocation> actions{};
      for (int k = 0; k < resources; ++k) {
        const Amounts x = divide(env, env.needs[k], env.capacity[k]);
        for (int i = 0; i < env.active; ++i) actions[i][k] = x[i];
      }
      return actions;
    }

   private:
    POLIS_HD Amounts divide(const BasicResourceAllocation& env, const Amounts& need, float available) const {
      const int n = env.active;
      Amounts x = need, weights{};
      if (division == Division::equal) {
        constexpr float most = Action::high;
        for (int i = 0; i < n; ++i) x[i] = math::min(most, available / static_cast<float>(n));
      }
      if (division == Division::proportional) x = polis::proportional(need, available, n);
      if (division == Division::max_min) x = polis::max_min(need, available, n);
      if (division == Division::priority) x = by_priority(need, env.priority, available, n);
      if (division == Division::efficient) x = by_priority(need, env.value(need), available, n);
      if (division == Division::alpha_fair) {
        for (int i = 0; i < n; ++i) weights[i] = internal::power(env.priority[i], 1 / alpha);
        x = polis::max_min(need, weights, available, n);
      }
      return x;
    }
  };

  static void references(const auto&, auto&& visit) {
    visit("truthful", Planned{Division::truthful});
    visit("equal", Planned{Division::equal});
    visit("proportional", Planned{Division::proportional});
    visit("max_min", Planned{Division::max_min});
    visit("alpha_fair", Planned{Division::alpha_fair});
    visit("priority", Planned{Division::priority});
    visit("efficient", Planned{Division::efficient});
  }

  /// Known where there is enough of everything and nothing fails: all needs can be met. NaN otherwise.
  static OptimalValue optimal_value(const View<BasicResourceAllocation>& view) {
    const bool enough = !view.task().scarce && !view.task().failures;
    const double all = static_cast<double>(view.config().efficiency + view.config().fairness);
    return {enough ? all : std::numeric_limits<double>::quiet_NaN(), OptimalValue::Of::step};
  }

  /// The largest efficiency that there is in this period: of every resource first to those whose priority
  /// over need is largest.
  [[nodiscard]] POLIS_HD float best_efficiency() const {
    float weighted = 0, weight = 0;
    for (int i = 0; i < active; ++i) weight += priority[i];
    for (int k = 0; k < resources; ++k) {
      const Amounts worth = value(needs[k]);
      const Amounts x = by_priority(needs[k], worth, capacity[k], active);
      for (int i = 0; i < active; ++i) weighted += worth[i] * x[i] / resources;
    }
    return weighted / weight;
  }

 private:
  /// Of a unit that is needed, to efficiency.
  POLIS_HD Amounts value(const Amounts& need) const {
    Amounts worth{};
    for (int i = 0; i < active; ++i) worth[i] = priority[i] / need[i];
    return worth;
  }

  POLIS_HD void set_capacities(auto& ctx) {
    constexpr float most = Action::high;
    const float each = ctx.task().scarce ? ctx.config().capacity : most;
    for (int k = 0; k < resources; ++k) {
      capacity[k] = each * static_cast<float>(active) * (down[k] ? ctx.config().failed : 1.f);
    }
  }

  POLIS_HD void move(auto& ctx) {
    const Config& config = ctx.config();
    constexpr float most = Action::high;
    constexpr float least = least_need;
    if (ctx.task().moving) {
      for (int i = 0; i < active; ++i) {
        for (int k = 0; k < resources; ++k) {
          float& need = needs[k][i];
          const float moved = need + config.reversion * (1 - need) + config.volatility * ctx.random.normal();
          need = math::clamp(moved, least, most);
        }
        if (ctx.random.uniform() < config.shift) {
          priority[i] = static_cast<float>(1 + ctx.random.integer(priorities));
        }
      }
    }
    if (!ctx.task().failures) return;
    for (int k = 0; k < resources; ++k) {
      const float uniform = ctx.random.uniform();
      down[k] = down[k] ? uniform >= config.repair : uniform < config.failure;
    }
    set_capacities(ctx);
  }
};

using ResourceAllocation = BasicResourceAllocation<>;

}  // namespace polis
