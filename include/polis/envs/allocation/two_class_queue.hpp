// Scheduling: jobs of two classes queue for servers, and at any time it may be decided anew which class goes
// first (preemptive). Arrivals are Poisson, service times exponential.
//
// Time is that of uniformisation (S. Lippman, "Applying a new device in the optimization of exponential
// queueing systems", 1975): events come at the rate of all arrivals and of all servers at their fastest, a
// step is the time from one to the next, and some of them change nothing. Order of events in a step:
//   1. the class that goes first is chosen; servers take up its jobs, and those that are left the other's;
//   2. every job in the system, in service or not, costs its class's cost;
//   3. one event: an arrival, the completion of a job in service, or nothing.
// The mean cost of a step is the mean cost of a unit of time. Episodes begin empty and are truncated.
#pragma once

#include <limits>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// Erlang's C formula: the probability that a customer must wait in M/M/c at this load, arrival rate over
/// service rate, below the number of servers (A. Erlang 1917).
POLIS_HD constexpr double erlang_c(int servers, double load) {
  double blocked = 1;  // Erlang's B, by its recursion over the servers
  for (int k = 1; k <= servers; ++k) blocked = load * blocked / (k + load * blocked);
  return blocked / (1 - load / servers * (1 - blocked));
}

/// The mean number of customers in M/M/c.
POLIS_HD constexpr double mean_in_system(int servers, double arrival, double service) {
  const double load = arrival / service, use = load / servers;
  return arrival > 0 ? load + erlang_c(servers, load) * use / (1 - use) : 0.;
}

/// Rates and costs of two classes.
struct QueueRates {
  Array<double, 2> arrival, service, cost;

  /// The class with the larger cost times service rate: that it goes first is optimal (D. Cox and W. Smith,
  /// "Queues", 1961).
  [[nodiscard]] POLIS_HD constexpr int c_mu_first() const {
    return cost[0] * service[0] >= cost[1] * service[1] ? 0 : 1;
  }
  [[nodiscard]] POLIS_HD constexpr double use(int servers) const {
    return (arrival[0] / service[0] + arrival[1] / service[1]) / servers;
  }
};

/// The mean cost of a unit of time where jobs of the class `first` always go first; NaN where it is not known
/// (several servers and two service rates), infinite where the servers cannot keep up.
inline double priority_cost(const QueueRates& rates, int servers, int first) {
  const int last = 1 - first;
  if (rates.use(servers) >= 1) return std::numeric_limits<double>::infinity();
  const Array<double, 2>&lambda = rates.arrival, &mu = rates.service;
  // Who goes first does not notice the others.
  const double ahead = mean_in_system(servers, lambda[first], mu[first]);
  double behind = std::numeric_limits<double>::quiet_NaN();
  if (mu[0] == mu[1]) {
    behind = mean_in_system(servers, lambda[0] + lambda[1], mu[0]) - ahead;
  } else if (servers == 1) {
    const double free = 1 - lambda[first] / mu[first];
    const double work = lambda[0] / (mu[0] * mu[0]) + lambda[1] / (mu[1] * mu[1]);
    behind = lambda[last] * (1 / (mu[last] * free) + work / (free * (1 - rates.use(1))));
  }
  return rates.cost[first] * ahead + rates.cost[last] * behind;
}

/// One scheduler. It sees the logarithm of one plus the number of jobs of each class, and says which class
/// goes first. The default rates cost 5.66667 a step at best (the second class first), 7.53333 in the other
/// order.
template <int Servers = 1>
struct TwoClassQueue {
  static_assert(Servers > 0);
  static constexpr int agents = 1, classes = 2;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Action = Discrete<classes>;
  static constexpr int counted = 20;  ///< more jobs of a class are one to a table
  struct Observation : Box<classes> {
    static constexpr int count = counted * counted;
    POLIS_HD static int index(In<float> seen) {
      int index = 0;
      for (int i = 0; i < classes; ++i) {
        const float jobs = math::floor(math::exp(seen[i]) - .5f);
        index = index * counted + static_cast<int>(math::min(jobs, counted - 1.f));
      }
      return index;
    }
  };

  struct Config {
    float arrival_first = .25f, arrival_second = .3f;
    float service_first = 1, service_second = .6f;
    float cost_first = 1, cost_second = 3;
    int steps = 1000;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("arrival_first", self.arrival_first);
      visit("arrival_second", self.arrival_second);
      visit("service_first", self.service_first);
      visit("service_second", self.service_second);
      visit("cost_first", self.cost_first);
      visit("cost_second", self.cost_second);
      visit("steps", self.steps);
    }
    [[nodiscard]] POLIS_HD QueueRates rates() const {
      const auto pair = [](float a, float b) {
        return Array<double, 2>{{static_cast<double>(a), static_cast<double>(b)}};
      };
      return {pair(arrival_first, arrival_second), pair(service_first, service_second),
              pair(cost_first, cost_second)};
    }
  };

  Array<int, classes> jobs{};
  int steps = 0, arrivals = 0, delayed = 0;
  Array<double, classes> in_system{};  // summed over steps
  double cost = 0;

  POLIS_HD void reset(auto&) { *this = {}; }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const Config& config = ctx.config();
    const Array<float, classes> arrival{{config.arrival_first, config.arrival_second}};
    const Array<float, classes> service{{config.service_first, config.service_second}};
    const int first = actions[0], last = 1 - first;
    Array<int, classes> served{};
    served[first] = jobs[first] < Servers ? jobs[first] : Servers;
    served[last] = jobs[last] < Servers - served[first] ? jobs[last] : Servers - served[first];

    const float paid =
        config.cost_first * static_cast<float>(jobs[0]) + config.cost_second * static_cast<float>(jobs[1]);
    cost += static_cast<double>(paid);
    for (int i = 0; i < classes; ++i) in_system[i] += jobs[i];
    ctx.reward(0) = -paid;

    const float all = arrival[0] + arrival[1] + Servers * math::max(service[0], service[1]);
    float event = ctx.random.uniform() * all;
    bool over = false;
    for (int i = 0; i < classes && !over; ++i) {
      if (event < arrival[i]) {
        ++arrivals;
        delayed += jobs[0] + jobs[1] >= Servers ? 1 : 0;
        ++jobs[i];
        over = true;
      }
      event -= arrival[i];
    }
    for (int i = 0; i < classes && !over; ++i) {
      const float rate = static_cast<float>(served[i]) * service[i];
      if (event < rate) {
        --jobs[i];
        over = true;
      }
      event -= rate;
    }
    if (++steps >= config.steps) ctx.truncate();
  }

  POLIS_HD void observe(int /*agent*/, Row out) const {
    for (int i = 0; i < classes; ++i) out[i] = math::log(1 + static_cast<float>(jobs[i]));
  }

  /// Means over the steps: cost, jobs in the system; and the share of arrivals that found all servers busy.
  void metrics(auto&& visit) const {
    const double count = steps > 0 ? steps : 1;
    visit("cost", cost / count);
    visit("jobs_first", in_system[0] / count);
    visit("jobs_second", in_system[1] / count);
    visit("delayed", arrivals > 0 ? static_cast<double>(delayed) / arrivals : 0.);
  }

  // ---- What is known.

  /// The same class always goes first.
  struct Priority {
    int first;
    POLIS_HD Actions<TwoClassQueue> operator()(const TwoClassQueue&, const View<TwoClassQueue>&,
                                               Random&) const {
      Actions<TwoClassQueue> actions{};
      actions[0] = first;
      return actions;
    }
  };
  /// The class with more jobs goes first.
  struct LongestQueue {
    POLIS_HD Actions<TwoClassQueue> operator()(const TwoClassQueue& env, const View<TwoClassQueue>&,
                                               Random&) const {
      Actions<TwoClassQueue> actions{};
      actions[0] = env.jobs[1] > env.jobs[0] ? 1 : 0;
      return actions;
    }
  };

  /// `c_mu`, first the class whose jobs cost more per time that they take; the `reversed` order; the
  /// `longest_queue`.
  static void references(const View<TwoClassQueue>& view, auto&& visit) {
    const int first = view.config().rates().c_mu_first();
    visit("c_mu", Priority{first});
    visit("reversed", Priority{1 - first});
    visit("longest_queue", LongestQueue{});
  }

  /// Of the c-mu rule, with one server or one service rate.
  static OptimalValue optimal_value(const View<TwoClassQueue>& view) {
    const QueueRates rates = view.config().rates();
    return {-priority_cost(rates, Servers, rates.c_mu_first()), OptimalValue::Of::step};
  }
};

}  // namespace polis
