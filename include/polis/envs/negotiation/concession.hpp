// Bargainers that need no learning: they decide what they want to have now, ask for it, and accept what is as
// good as what they would ask for next.
//
// P. Faratin, C. Sierra and N. Jennings, "Negotiation decision functions for autonomous agents" (1998):
// tactics that depend on time and on the other's behaviour. An agent that wants less than all gives way on
// those issues first that it values least, which are likely to be worth more to the other.
#pragma once

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/negotiation/frontier.hpp>

namespace polis {

/// Wants u(t) = most (1 - t^exponent) at the share t of its time: exponents above 1 hold out (boulware),
/// those below 1 give way early (conceder).
struct TimeConcession {
  float exponent = 1, most = 1;

  template <class E>
  POLIS_HD float target(const E& env, const View<E>& view, int /*agent*/, int round) const {
    const float time = math::min(1.f, static_cast<float>(round) / static_cast<float>(env.time(view)));
    const float power = time > 0 ? math::exp(exponent * math::log(time)) : 0.f;
    return most * (1 - power);
  }
};
inline constexpr TimeConcession boulware_concession{4}, linear_concession{1}, conceder_concession{.25f};

/// Gives way by what the other gave way in its last offer, in the own utility, and by `least` at the least;
/// begins with wanting all.
struct TitForTat {
  float least = .05f;

  template <class E>
  POLIS_HD float target(const E& env, const View<E>& /*view*/, int agent, int /*round*/) const {
    const int other = 1 - agent;
    if (env.offers(agent) == 0) return 1;
    float given = 0;
    if (env.offers(other) > 0) given = env.utility(agent, env.last(other, 0));
    if (env.offers(other) > 1) given -= env.utility(agent, env.last(other, 1));
    return math::max(0.f, env.utility(agent, env.last(agent, 0)) - math::max(least, given));
  }
};

/// The subgame-perfect equilibrium where both know all values: an offer leaves the other what it could expect
/// by rejecting it, in an efficient way, and ties are accepted. Rounded to the grid in the other's favour.
struct SubgamePerfect {};

/// What `agent` does who wants a utility of target.target(...): an offer, or the answer to one.
template <class E, class Tactic>
POLIS_HD typename E::Action::Element bargain(const Tactic& tactic, const E& env, const View<E>& view,
                                             int agent) {
  if (!env.answering()) return E::proposal(env.giving_way(agent, tactic.target(env, view, agent, env.round)));
  const bool last = env.deadline > 0 && env.round + 1 >= env.deadline;
  const float wanted = last ? 0.f : tactic.target(env, view, agent, env.round + 1);
  return E::answer(env.utility(agent, env.last(1 - agent, 0)) >= wanted - 1e-5f);
}

template <class E>
POLIS_HD typename E::Action::Element bargain(const SubgamePerfect&, const E& env, const View<E>& view,
                                             int agent) {
  const UtilityFrontier<E::issues> frontier(env.weights);
  const Array<float, 2> discounts = view.config().discounts();
  const int answering = env.answering() ? agent : 1 - agent;
  const int left = env.deadline > 0 ? env.deadline - env.round - 1 : 0;  // offers after this one
  const double rejecting =
      env.deadline > 0 && left == 0
          ? 0.
          : static_cast<double>(discounts[answering]) * perfect_utility(frontier, discounts, answering, left);
  if (env.answering()) {
    return E::answer(static_cast<double>(env.utility(agent, env.last(1 - agent, 0))) >= rejecting - 1e-5);
  }
  const Array<double, E::issues> shares = frontier.agreement(answering, rejecting);
  typename E::Offer offer{};
  for (int k = 0; k < E::issues; ++k) {
    const double own = agent == 0 ? shares[k] : 1 - shares[k];
    const int kept = static_cast<int>(own * E::parts + 1e-6);
    offer[k] = agent == 0 ? kept : E::parts - kept;
  }
  return E::proposal(env.own_view(agent, offer));
}

/// Two bargainers against each other: a reference policy.
template <class First, class Second = First>
struct Bargainers {
  First first{};
  Second second{};

  template <class E>
  POLIS_HD Actions<E> operator()(const E& env, const View<E>& view, Random&) const {
    Actions<E> actions{};
    if (env.acting(0)) actions[0] = bargain(first, env, view, 0);
    if (env.acting(1)) actions[1] = bargain(second, env, view, 1);
    return actions;
  }
};

}  // namespace polis
