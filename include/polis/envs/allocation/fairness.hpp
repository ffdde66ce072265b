// Dividing what is scarce, and how fair a division is: free functions of numbers, for the host and for
// kernels. Amounts are not negative; agents are told apart by their place in an Array.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

namespace internal {

/// The places of the values from the smallest to the largest, equal ones in their order.
template <class T, int N>
POLIS_HD Array<int, N> ascending(const Array<T, N>& values, int count) {
  Array<int, N> order{};
  for (int i = 0; i < count; ++i) {
    int at = i;
    for (; at > 0 && values[order[at - 1]] > values[i]; --at) order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}

/// base^exponent for a positive base.
template <class T>
POLIS_HD T power(T base, T exponent) {
  return math::exp(exponent * math::log(base));
}

}  // namespace internal

// ---- How fair a division is. `count`: how many of the places are taken, the first ones.

/// The Gini coefficient, 2 sum_i i x_(i) / (n sum x) - (n + 1) / n with x in ascending order: 0 where all
/// have the same (nothing included), 1 - 1/n where one has all.
template <class T, int N>
POLIS_HD T gini(const Array<T, N>& x, int count = N) {
  const Array<int, N> order = internal::ascending(x, count);
  T total = 0, ranked = 0;
  for (int i = 0; i < count; ++i) {
    total += x[order[i]];
    ranked += static_cast<T>(i + 1) * x[order[i]];
  }
  const auto n = static_cast<T>(count);
  return total > 0 ? 2 * ranked / (n * total) - (n + 1) / n : T(0);
}

/// The index of R. Jain, D. Chiu and W. Hawe ("A quantitative measure of fairness and discrimination for
/// resource allocation in shared computer systems", 1984), (sum x)^2 / (n sum x^2): 1 where all have the
/// same, 1/n where one has all.
template <class T, int N>
POLIS_HD T jain(const Array<T, N>& x, int count = N) {
  T total = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    total += x[i];
    squares += x[i] * x[i];
  }
  return squares > 0 ? total * total / (static_cast<T>(count) * squares) : T(1);
}

/// x^(1 - alpha) / (1 - alpha), or log x where alpha is 1 (A. Atkinson 1970; J. Mo and J. Walrand, "Fair
/// end-to-end window-based congestion control", 2000). x is positive where alpha is 1 and more.
template <class T>
POLIS_HD T alpha_fair_utility(T x, T alpha) {
  if (alpha == 1) return math::log(x);
  return x > 0 ? internal::power(x, 1 - alpha) / (1 - alpha) : T(0);
}

// ---- Divisions.

/// The x with sum C that maximises sum_i w_i U(a_i x_i), U of alpha_fair_utility: x_i is proportional to
/// w_i^(1/alpha) a_i^((1 - alpha)/alpha). With alpha 0 all goes to the first with the largest w_i a_i.
template <class T, int N>
POLIS_HD Array<T, N> alpha_fair(const Array<T, N>& weights, const Array<T, N>& effects, T capacity, T alpha) {
  Array<T, N> x{};
  if (alpha == 0) {
    int best = 0;
    for (int i = 1; i < N; ++i) best = weights[i] * effects[i] > weights[best] * effects[best] ? i : best;
    x[best] = capacity;
    return x;
  }
  T total = 0;
  for (int i = 0; i < N; ++i) {
    x[i] = internal::power(weights[i], 1 / alpha) * internal::power(effects[i], (1 - alpha) / alpha);
    total += x[i];
  }
  for (T& amount : x) amount *= capacity / total;
  return x;
}

/// The x with sum C that maximises the smallest a_i x_i: the limit of alpha_fair for large alpha.
template <class T, int N>
POLIS_HD Array<T, N> max_min_effect(const Array<T, N>& effects, T capacity) {
  Array<T, N> x{};
  T total = 0;
  for (int i = 0; i < N; ++i) total += x[i] = 1 / effects[i];
  for (T& amount : x) amount *= capacity / total;
  return x;
}

/// Max-min fairness with demands: everybody gets the smaller of its demand and its weight times a level that
/// uses up the capacity (or all demands are met). Progressive filling, of the least demand first.
template <class T, int N>
POLIS_HD Array<T, N> max_min(const Array<T, N>& demands, const Array<T, N>& weights, T capacity,
                             int count = N) {
  Array<T, N> filled_at{}, x{};
  T weight = 0;
  for (int i = 0; i < count; ++i) {
    filled_at[i] = weights[i] > 0 ? demands[i] / weights[i] : T(0);
    weight += weights[i];
  }
  const Array<int, N> order = internal::ascending(filled_at, count);
  for (int k = 0; k < count; ++k) {
    const int i = order[k];
    if (!(weights[i] > 0)) continue;
    x[i] = math::max(T(0), math::min(demands[i], weights[i] * capacity / weight));
    capacity -= x[i];
    weight -= weights[i];
  }
  return x;
}
template <class T, int N>
POLIS_HD Array<T, N> max_min(const Array<T, N>& demands, T capacity, int count = N) {
  Array<T, N> weights{};
  for (T& weight : weights) weight = 1;
  return max_min(demands, weights, capacity, count);
}

/// All demands where there is enough, else the same part of each.
template <class T, int N>
POLIS_HD Array<T, N> proportional(const Array<T, N>& demands, T capacity, int count = N) {
  Array<T, N> x{};
  T total = 0;
  for (int i = 0; i < count; ++i) total += demands[i];
  const T part = total > capacity ? capacity / total : T(1);
  for (int i = 0; i < count; ++i) x[i] = part * demands[i];
  return x;
}

/// Demands are met in the order of their priorities, the highest first, of equal ones the first, as far as it
/// goes.
template <class T, int N>
POLIS_HD Array<T, N> by_priority(const Array<T, N>& demands, const Array<T, N>& priorities, T capacity,
                                 int count = N) {
  Array<T, N> last{}, x{};
  for (int i = 0; i < count; ++i) last[i] = -priorities[i];
  const Array<int, N> order = internal::ascending(last, count);
  for (int k = 0; k < count; ++k) {
    x[order[k]] = math::min(demands[order[k]], capacity);
    capacity -= x[order[k]];
  }
  return x;
}

/// The level up to which power fills channels with these noises: sum max(0, level - noise_i) = power, which
/// maximises sum log(1 + power_i / noise_i) (C. Shannon 1949).
template <class T, int N>
POLIS_HD T water_level(const Array<T, N>& noises, T power) {
  const Array<int, N> order = internal::ascending(noises, N);
  T level = 0, total = power;
  for (int k = 0; k < N; ++k) {
    total += noises[order[k]];
    level = total / static_cast<T>(k + 1);
    if (k + 1 == N || level <= noises[order[k + 1]]) break;
  }
  return level;
}

/// Dominant resource fairness (A. Ghodsi et al., 2011): how many tasks, of any fraction, every agent runs
/// where task i takes needs[i][r] of each resource. An agent's dominant share is the largest share that it
/// takes of a resource; all grow alike, until a resource is used up; then those go on that do not need it.
template <class T, int N, int R>
POLIS_HD Array<T, N> dominant_resource_fair(const Array<Array<T, R>, N>& needs,
                                            const Array<T, R>& capacities) {
  Array<T, N> tasks{}, rate{};  // rate: tasks for each unit of dominant share
  Array<T, R> left = capacities;
  Array<bool, N> stopped{};
  for (int i = 0; i < N; ++i) {
    T largest = 0;
    for (int r = 0; r < R; ++r) largest = math::max(largest, needs[i][r] / capacities[r]);
    stopped[i] = !(largest > 0);
    rate[i] = largest > 0 ? 1 / largest : T(0);
  }
  for (int round = 0; round < R; ++round) {
    int tightest = -1;
    T growth = 0;
    for (int r = 0; r < R; ++r) {
      T use = 0;
      for (int i = 0; i < N; ++i) use += stopped[i] ? T(0) : rate[i] * needs[i][r];
      if (!(use > 0)) continue;
      if (tightest < 0 || left[r] / use < growth) tightest = r, growth = left[r] / use;
    }
    if (tightest < 0) break;
    for (int i = 0; i < N; ++i) {
      if (stopped[i]) continue;
      tasks[i] += growth * rate[i];
      for (int r = 0; r < R; ++r) left[r] -= growth * rate[i] * needs[i][r];
    }
    left[tightest] = 0;
    for (int i = 0; i < N; ++i) stopped[i] = stopped[i] || needs[i][tightest] > 0;
  }
  return tasks;
}

}  // namespace polis
