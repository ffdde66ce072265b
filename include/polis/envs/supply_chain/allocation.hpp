// How scarce stock is shared among those who want it.
//
// Whichever the rule, nobody gets more than he wants, nothing is left over while somebody wants more, and of
// whole units everybody gets whole units.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/envs/supply_chain/network_spec.hpp>

namespace polis {

namespace internal {

/// Raises the shares evenly (max-min fairness): who wants less than an even part gets it all, and the others
/// share the rest.
template <int N>
POLIS_HD Array<float, N> share_evenly(const Array<float, N>& wanted, float available) {
  Array<float, N> share{};
  for (int round = 0; round < N && available > 0; ++round) {
    int open = 0;
    for (int i = 0; i < N; ++i) open += share[i] < wanted[i] ? 1 : 0;
    if (open == 0) break;
    const float part = available / static_cast<float>(open);
    bool closed = false;
    for (int i = 0; i < N; ++i) {
      if (share[i] >= wanted[i] || wanted[i] - share[i] > part) continue;
      available -= wanted[i] - share[i];
      share[i] = wanted[i];
      closed = true;
    }
    if (closed) continue;
    for (int i = 0; i < N; ++i) {
      if (share[i] < wanted[i]) share[i] += part;
    }
    available = 0;
  }
  return share;
}

/// Cuts shares to whole units and hands out what that leaves, to those who lost most by it.
template <int N>
POLIS_HD void make_whole(Array<float, N>& share, const Array<float, N>& wanted, float available) {
  Array<float, N> lost{};
  for (int i = 0; i < N; ++i) {
    const float exact = share[i];
    share[i] = math::floor(exact + 1e-3f);  // not below a whole number by rounding
    lost[i] = exact - share[i];
    available -= share[i];
  }
  for (int most = 0; most >= 0 && available >= 1; available -= 1) {
    most = -1;
    for (int i = 0; i < N; ++i) {
      if (wanted[i] - share[i] >= 1 && (most < 0 || lost[i] > lost[most])) most = i;
    }
    if (most >= 0) share[most] += 1, lost[most] -= 1;
  }
}

}  // namespace internal

/// What each of N gets of `available`: `proportional` to what is wanted; `even`, as much as can be given to
/// all alike; `in_turn`, the first all before the second any. With `whole`, wants and stock are whole
/// numbers.
template <int N>
POLIS_HD Array<float, N> allocate(Allocation rule, const Array<float, N>& wanted, float available,
                                  bool whole) {
  float total = 0;
  for (const float want : wanted) total += want;
  if (total <= available) return wanted;
  Array<float, N> share{};
  if (rule == Allocation::even) {
    share = internal::share_evenly(wanted, available);
  } else {
    float left = available;
    for (int i = 0; i < N; ++i) {
      share[i] = rule == Allocation::in_turn ? wanted[i] : wanted[i] / total * available;
      share[i] = math::min(share[i], math::max(0.f, left));
      left -= share[i];
    }
  }
  if (whole) internal::make_whole(share, wanted, available);
  return share;
}

}  // namespace polis
