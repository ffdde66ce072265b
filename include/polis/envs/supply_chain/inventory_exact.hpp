// What policies of a single stock cost, exactly: the newsvendor's formulas, renewal sums for (s, S) policies,
// and the Markov chain of lost sales. On the host, in double precision.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/envs/supply_chain/demand.hpp>

namespace polis {

/// A level up to which is ordered, and its cost a period.
struct BaseStock {
  double level = 0, cost = 0;
};

/// The expected cost of a period that meets a demand of these probabilities with `level` units in stock.
inline double expected_cost(const std::vector<double>& demand, double level, double holding, double penalty) {
  double cost = 0;
  for (std::size_t d = 0; d < demand.size(); ++d) {
    const double left = level - static_cast<double>(d);
    cost += demand[d] * (left > 0 ? holding * left : -penalty * left);
  }
  return cost;
}

/// The newsvendor's order F(S) = penalty / (penalty + holding), rounded up, for Poisson demand: also the base
/// stock where unmet demand is owed, `mean` then being that of lead_time + 1 periods.
inline BaseStock poisson_newsvendor(double mean, double holding, double penalty) {
  const std::vector<double> demand = poisson_probabilities(mean);
  double below = 0;
  int level = -1;
  while (level + 1 < static_cast<int>(demand.size()) && below < penalty / (penalty + holding)) {
    below += demand[static_cast<std::size_t>(++level)];
  }
  return {static_cast<double>(level), expected_cost(demand, level, holding, penalty)};
}

/// The same for normal demand: S = mean + z deviation, cost (holding + penalty) deviation phi(z). The
/// quantile z by Newton's method on erfc.
inline BaseStock normal_newsvendor(double mean, double deviation, double holding, double penalty) {
  const double wanted = penalty / (penalty + holding);
  const auto density = [](double z) { return std::exp(-z * z / 2) / std::sqrt(2 * 3.14159265358979323846); };
  double z = 0;
  for (int i = 0; i < 60; ++i) {
    const double off = .5 * std::erfc(-z / std::sqrt(2.)) - wanted;
    z -= std::clamp(off / density(z), -1., 1.);
  }
  return {mean + z * deviation, (holding + penalty) * deviation * density(z)};
}

/// Orders up to `level` as soon as the position is at most `reorder_at`.
struct ReorderPolicy {
  int reorder_at = 0, level = 0;
  double cost = 0;
};

/// Costs of (s, S) policies under Poisson demand that is owed where it is not met: c(s, S) = (K + sum of
/// m(j) G(S - j) over j < S - s) / M(S - s), with the renewal density m of demand and its sum M, and G the
/// cost of `demands` periods' demand (Zheng and Federgruen 1991, equation 2).
class ReorderCosts {
 public:
  ReorderCosts(double mean, int demands, double holding, double penalty, double fixed_cost)
      : demand_(poisson_probabilities(mean)),
        over_lead_time_(poisson_probabilities(mean * demands)),
        holding_(holding),
        penalty_(penalty),
        fixed_cost_(fixed_cost) {}

  /// The expected cost of the period in which an order placed now has come, at this position.
  [[nodiscard]] double period(int position) const {
    return expected_cost(over_lead_time_, position, holding_, penalty_);
  }
  /// The cost a period of the policy (s, S) = (reorder_at, level).
  [[nodiscard]] double operator()(int reorder_at, int level) {
    extend(level - reorder_at);
    double cost = fixed_cost_, length = 0;
    for (int j = 0; j < level - reorder_at; ++j) {
      const double visits = density_[static_cast<std::size_t>(j)];
      cost += visits * period(level - j);
      length += visits;
    }
    return cost / length;
  }

 private:
  void extend(int count) {
    for (int j = static_cast<int>(density_.size()); j < count; ++j) {
      double sum = j == 0 ? 1 : 0;
      for (int d = 1; d <= j && d < static_cast<int>(demand_.size()); ++d) {
        sum += demand_[static_cast<std::size_t>(d)] * density_[static_cast<std::size_t>(j - d)];
      }
      density_.push_back(sum / (1 - demand_[0]));
    }
  }

  std::vector<double> demand_, over_lead_time_, density_;
  double holding_, penalty_, fixed_cost_;
};

/// The best (s, S) policy, which is the best of all (H. Scarf 1960), by the search of Y. Zheng and A.
/// Federgruen, "Finding optimal (s, S) policies is about as simple as evaluating a single policy" (1991).
inline ReorderPolicy best_reorder_policy(double mean, int demands, double holding, double penalty,
                                         double fixed_cost) {
  ReorderCosts cost(mean, demands, holding, penalty, fixed_cost);
  const int cheapest = static_cast<int>(poisson_newsvendor(mean * demands, holding, penalty).level);
  int reorder_at = cheapest - 1, level = cheapest;
  while (cost(reorder_at, level) > cost.period(reorder_at)) --reorder_at;
  double best = cost(reorder_at, level);
  for (int candidate = level + 1; cost.period(candidate) <= best; ++candidate) {
    if (cost(reorder_at, candidate) >= best) continue;
    level = candidate;
    while (cost(reorder_at, level) <= cost.period(reorder_at + 1)) ++reorder_at;
    best = cost(reorder_at, level);
  }
  return {reorder_at, level, best};
}

/// The Markov chain of an inventory with lost sales, Poisson demand and a lead time of one period or more
/// (envs/supply_chain/inventory.hpp says the order of events). A state is the stock and the orders under way
/// when an order is decided.
class InventoryChain {
 public:
  struct Problem {
    double mean, holding, penalty, fixed_cost;
    int lead_time, largest_order, capacity;
  };

  static constexpr int most_under_way = 15;

  /// An order for every state.
  struct Table {
    std::vector<int> orders;
    int width, under_way, capacity;

    int operator()(int stock, const int* arriving) const {
      std::size_t index = static_cast<std::size_t>(std::min(stock, capacity));
      for (int k = 0; k < under_way; ++k) {
        index = index * static_cast<std::size_t>(width) + static_cast<std::size_t>(arriving[k]);
      }
      return orders[index];
    }
  };
  struct Optimum {
    double cost;
    Table table;
  };

  [[gnu::cold]] explicit InventoryChain(const Problem& problem)
      : problem_(problem), demand_(poisson_probabilities(problem.mean)) {
    if (problem.lead_time < 1 || problem.lead_time > most_under_way + 1) {
      throw Error(concat({"lead_time = ", problem.lead_time}), "InventoryChain",
                  concat({"1 to ", most_under_way + 1}));
    }
    width_ = problem.largest_order + 1;
    under_way_ = problem.lead_time - 1;
    states_ = static_cast<std::size_t>(problem.capacity + 1);
    for (int k = 0; k < under_way_; ++k) states_ *= static_cast<std::size_t>(width_);
    shortage_.resize(static_cast<std::size_t>(problem.capacity + 1));
    for (int stock = 0; stock <= problem.capacity; ++stock) {
      shortage_[static_cast<std::size_t>(stock)] =
          expected_cost(demand_, stock, problem.holding, problem.penalty);
    }
  }

  /// Whether the optimum is a matter of seconds.
  [[nodiscard]] bool solvable() const { return states_ <= 30'000; }

  /// The long-run cost a period of policy(stock, orders under way) -> probabilities of 0, ..., largest_order,
  /// begun with twice the mean demand in stock and the mean in every order under way.
  template <class Policy>
  [[nodiscard]] double cost(const Policy& policy) const {
    constexpr double settled = 1e-13;
    constexpr int most = 200'000;
    struct Choice {
      int order;
      double probability;
    };
    std::vector<std::vector<Choice>> choices(states_);
    const auto choices_of = [&](std::size_t state) -> const std::vector<Choice>& {
      std::vector<Choice>& known = choices[state];
      if (known.empty()) {
        const State at = state_at(state);
        const auto probabilities = policy(at.stock, at.arriving.data());
        for (int order = 0; order < width_; ++order) {
          const auto p = static_cast<double>(probabilities[order]);
          if (p > 0) known.push_back({allowed(at, order), p});
        }
      }
      return known;
    };
    std::vector<double> now(states_), next(states_);
    now[start()] = 1;
    double last = -1;
    for (int step = 0; step < most; ++step) {
      std::fill(next.begin(), next.end(), 0.);
      double paid = 0;
      for (std::size_t state = 0; state < states_; ++state) {
        if (now[state] < 1e-16) continue;
        const State at = state_at(state);
        for (const Choice& choice : choices_of(state)) {
          const double weight = now[state] * choice.probability;
          paid += weight * (shortage_[static_cast<std::size_t>(at.stock)] +
                            (choice.order > 0 ? problem_.fixed_cost : 0.));
          each_successor(at, choice.order, [&](std::size_t to, double p) { next[to] += weight * p; });
        }
      }
      double change = 0;
      for (std::size_t state = 0; state < states_; ++state) change += std::abs(next[state] - now[state]);
      std::swap(now, next);
      last = paid;
      if (change < settled) break;
    }
    return last;
  }

  /// The cheapest policy that orders up to a level.
  [[nodiscard]] BaseStock best_base_stock() const {
    BaseStock best{0, std::numeric_limits<double>::infinity()};
    int worse = 0;
    for (int level = 1; level <= problem_.capacity && worse < 4; ++level) {
      const double own = base_stock_cost(level);
      worse = own < best.cost ? 0 : worse + 1;
      if (own < best.cost) best = {static_cast<double>(level), own};
    }
    return best;
  }
  [[nodiscard]] double base_stock_cost(int level) const {
    return cost([&](int stock, const int* arriving) {
      int position = stock;
      for (int k = 0; k < under_way_; ++k) position += arriving[k];
      std::vector<double> probabilities(static_cast<std::size_t>(width_));
      probabilities[static_cast<std::size_t>(std::clamp(level - position, 0, width_ - 1))] = 1;
      return Probabilities{std::move(probabilities)};
    });
  }

  /// The best of all policies, by relative value iteration: the bounds on its cost are 1e-9 apart.
  [[nodiscard, gnu::cold]] Optimum optimum() const {
    std::vector<double> value(states_), next(states_);
    Table table{std::vector<int>(states_), width_, under_way_, problem_.capacity};
    for (int step = 0; step < 100'000; ++step) {
      double low = std::numeric_limits<double>::infinity(), high = -low;
      for (std::size_t state = 0; state < states_; ++state) {
        const State at = state_at(state);
        if (at.position() > problem_.capacity) continue;
        double best = std::numeric_limits<double>::infinity();
        for (int order = 0; order < width_ && order == allowed(at, order); ++order) {
          double own = shortage_[static_cast<std::size_t>(at.stock)] + (order > 0 ? problem_.fixed_cost : 0.);
          each_successor(at, order, [&](std::size_t to, double p) { own += p * value[to]; });
          if (own < best) best = own, table.orders[state] = order;
        }
        next[state] = best;
        low = std::min(low, best - value[state]), high = std::max(high, best - value[state]);
      }
      const double base = next[start()];
      for (std::size_t state = 0; state < states_; ++state) value[state] = next[state] - base;
      if (high - low < 1e-9) return {(low + high) / 2, table};
    }
    throw Error("value iteration did not settle", "InventoryChain::optimum", "a chain that mixes");
  }

 private:
  /// Probabilities by number, as policies give them.
  struct Probabilities {
    std::vector<double> values;
    double operator[](int i) const { return values[static_cast<std::size_t>(i)]; }
  };
  struct State {
    int stock = 0;
    std::array<int, most_under_way> arriving{};  // unused ones are zero
    [[nodiscard]] int position() const {
      int sum = stock;
      for (const int order : arriving) sum += order;
      return sum;
    }
  };

  [[nodiscard]] State state_at(std::size_t index) const {
    State state;
    for (int k = under_way_ - 1; k >= 0; --k) {
      state.arriving[static_cast<std::size_t>(k)] =
          static_cast<int>(index % static_cast<std::size_t>(width_));
      index /= static_cast<std::size_t>(width_);
    }
    state.stock = static_cast<int>(index);
    return state;
  }
  [[nodiscard]] std::size_t start() const {
    const auto mean = static_cast<std::size_t>(std::floor(problem_.mean + .5));
    std::size_t index = std::min(2 * mean, static_cast<std::size_t>(problem_.capacity));
    for (int k = 0; k < under_way_; ++k) index = index * static_cast<std::size_t>(width_) + mean;
    return index;
  }
  [[nodiscard]] int allowed(const State& at, int order) const {
    return std::clamp(order, 0, std::max(0, problem_.capacity - at.position()));
  }

  /// f(state, probability) for all that demand may do after this order.
  template <class F>
  void each_successor(const State& at, int order, F&& f) const {
    std::size_t stride = 1, rest = 0;
    for (int k = 0; k < under_way_; ++k) stride *= static_cast<std::size_t>(width_);
    for (int k = 1; k < under_way_; ++k) {
      rest = rest * static_cast<std::size_t>(width_) +
             static_cast<std::size_t>(at.arriving[static_cast<std::size_t>(k)]);
    }
    if (under_way_ > 0) rest = rest * static_cast<std::size_t>(width_) + static_cast<std::size_t>(order);
    const int arrives = under_way_ > 0 ? at.arriving[0] : order;
    double left = 1;
    for (int demand = 0; demand < at.stock && demand < static_cast<int>(demand_.size()); ++demand) {
      const double p = demand_[static_cast<std::size_t>(demand)];
      left -= p;
      f(static_cast<std::size_t>(at.stock - demand + arrives) * stride + rest, p);
    }
    f(static_cast<std::size_t>(arrives) * stride + rest, left);  // all is sold
  }

  Problem problem_;
  std::vector<double> demand_, shortage_;
  std::size_t states_ = 0;
  int width_ = 0, under_way_ = 0;
};

}  // namespace polis
