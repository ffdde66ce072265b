// Dividing a unit by majority: bargaining in a legislature under the closed rule (D. Baron and J. Ferejohn,
// "Bargaining in legislatures", 1989).
//
// Order of events in a round, of two steps:
//   1. one of the members, each alike likely, proposes how to divide one unit among all;
//   2. the others see the proposal and vote on it as it is, at the same time; the proposer is for it. With
//      more than half of all votes it passes: member i is paid worth times its share, and the episode
//      terminates;
//   3. if it fails, worth is multiplied by the discount, and the next proposer is drawn. After `rounds` the
//      episode is truncated.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What the proposer keeps in the stationary equilibrium with an odd number of members: it gives what waiting
/// is worth, discount / members, to just as many as it needs.
POLIS_HD constexpr double baron_ferejohn_share(int members, double discount) {
  return 1 - discount * (members - 1) / (2. * members);
}

/// Members act in turns: the proposer by its division, then the others by their votes, 0 against and 1 for
/// it. A member sees whether it proposes now, whether it votes now, and what a unit is still worth; then for
/// all members, beginning with itself and going round, the share in the proposal that is voted on (zeros
/// while there is none), and who proposes, one-hot. The state is what member 0 sees.
template <int Members = 3>
struct Legislature {
  static_assert(Members > 2);
  static constexpr int agents = Members;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  using Observation = Box<3 + 2 * Members>;
  using State = Box<3 + 2 * Members>;
  using Action = Tuple<Discrete<2>, Simplex<Members>>;

  struct Config {
    float discount = .9f;
    int rounds = 100;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("rounds", self.rounds);
    }
  };

  int proposer = 0, round = 0;
  bool open = false, passed = false;  ///< a proposal waits for votes; it passed
  Array<float, Members> shares{};
  float worth = 1;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    proposer = ctx.random.integer(Members);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    if (!open) {
      shares = actions[proposer].template get<1>();
      open = true;
      return;
    }
    int votes = 1;
    for (int i = 0; i < Members; ++i) votes += i != proposer && actions[i].template get<0>() == 1 ? 1 : 0;
    if (2 * votes > Members) {
      passed = true;
      for (int i = 0; i < Members; ++i) ctx.reward(i) = worth * shares[i];
      return ctx.terminate();
    }
    open = false;
    worth *= ctx.config().discount;
    proposer = ctx.random.integer(Members);
    if (++round >= ctx.config().rounds) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out) const {
    out[0] = acting(agent) && !open ? 1.f : 0.f;
    out[1] = acting(agent) && open ? 1.f : 0.f;
    out[2] = worth;
    for (int k = 0; k < Members; ++k) {
      const int member = (agent + k) % Members;
      out[3 + k] = open ? shares[member] : 0.f;
      out[3 + Members + k] = member == proposer ? 1.f : 0.f;
    }
  }
  POLIS_HD void state(Row out) const { observe(0, out); }

  POLIS_HD bool acting(int agent) const { return (agent == proposer) != open; }

  /// Whether a proposal passed.
  POLIS_HD float success() const { return passed ? 1.f : 0.f; }

  /// Whether a proposal passed and after how many failed; of the last one the proposer's share, and how many
  /// others get any.
  void metrics(auto&& visit) const {
    int partners = 0;
    for (int i = 0; i < Members; ++i) partners += i != proposer && shares[i] > 0 ? 1 : 0;
    visit("passed", passed ? 1. : 0.);
    visit("failed", static_cast<double>(round));
    visit("proposer_share", passed ? static_cast<double>(shares[proposer]) : 0.);
    visit("partners", passed ? static_cast<double>(partners) : 0.);
  }

  // ---- What is known.

  /// The stationary equilibrium: the proposer gives discount / Members to as many as it needs, drawn alike;
  /// members vote for what gives them so much.
  struct Stationary {
    POLIS_HD Actions<Legislature> operator()(const Legislature& env, const View<Legislature>& view,
                                             Random& random) const {
      const float price = view.config().discount / Members;
      Actions<Legislature> actions{};
      if (env.open) {
        for (int i = 0; i < Members; ++i) {
          actions[i].template get<0>() = env.shares[i] >= price - 1e-6f ? 1 : 0;
        }
        return actions;
      }
      Array<float, Members>& offered = actions[env.proposer].template get<1>();
      offered[env.proposer] = 1;
      constexpr int needed = Members / 2;  // beside the proposer
      for (int bought = 0; bought < needed; ++bought) {
        int choice = random.integer(Members - 1 - bought);  // of those who are not bought yet
        int member = 0;
        while (offered[member] > 0 || choice-- > 0) ++member;
        offered[member] = price;
        offered[env.proposer] -= price;
      }
      return actions;
    }
  };

  /// Everybody gets the same, and all are for it.
  struct Equal {
    POLIS_HD Actions<Legislature> operator()(const Legislature& env, const View<Legislature>&,
                                             Random&) const {
      Actions<Legislature> actions{};
      for (int i = 0; i < Members; ++i) {
        actions[i].template get<0>() = 1;
        actions[env.proposer].template get<1>()[i] = 1.f / Members;
      }
      return actions;
    }
  };

  static void references(const auto&, auto&& visit) {
    visit("stationary", Stationary{});
    visit("equal", Equal{});
  }

  /// The mean of all where the first proposal passes, whatever it is.
  static OptimalValue optimal_value(const auto&) { return {1. / Members}; }
};

}  // namespace polis
