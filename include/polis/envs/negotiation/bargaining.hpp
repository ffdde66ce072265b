// Alternating offers: two agents divide what neither gets without the other's consent (A. Rubinstein,
// "Perfect equilibrium in a bargaining model", 1982).
//
// Order of events in round t = 0, 1, ..., each a step of the environment:
//   1. the proposer, agent 0 in even rounds and agent 1 in odd ones, says what part of every issue it would
//      keep;
//   2. the other accepts or rejects. If it accepts, agent i is paid worth_i times its utility, the sum over
//      issues of its weight times its share, and the episode terminates;
//   3. if it rejects, worth_i is multiplied by agent i's discount. (With `breakdown` negotiations end instead
//      with probability 1 - d, d being the larger discount, and worth_i is multiplied by its discount over d:
//      the same in expectation, but what is still to be had does not shrink, so that policies need not know
//      the round. K. Binmore, A. Rubinstein and A. Wolinsky, "The Nash bargaining solution in economic
//      modelling", 1986.)
//   4. After `deadline` rejections the episode terminates and nobody gets anything; without a deadline it is
//      truncated after `rounds`.
// An agent's weights sum to one. Where there are several issues they are drawn anew for every episode, each
// set of weights alike likely, and with `secret` no agent sees those of the other.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/array.hpp>
#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/negotiation/concession.hpp>
#include <polis/envs/negotiation/frontier.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What is bargained over.
struct BargainingSpec {
  int issues = 1;
  int parts = 20;  ///< of each issue: shares are multiples of one over this
  friend constexpr bool operator==(const BargainingSpec&, const BargainingSpec&) = default;
};

namespace internal {

template <int Parts, class Issues>
struct Offers;
template <int Parts, std::size_t... Issue>
struct Offers<Parts, std::index_sequence<Issue...>> {
  using type = MultiDiscrete<2, ((void)Issue, Parts + 1)...>;
};
template <int Parts>
struct Offers<Parts, std::index_sequence<0>> {
  using type = Discrete<Parts + 3>;
};

}  // namespace internal

/// Two agents in turns. The action over one issue is the number of parts to keep, and behind these `accept`
/// and `reject`; over several it is 0 to accept or 1 to reject, and the parts to keep of every issue. What is
/// not allowed: the answer that is given by an offer is a rejection, the offer that is made by an answer
/// keeps all.
///
/// An agent sees whether it answers, one over the offers that are left (0 without a deadline), what a unit is
/// still worth to it; its weights, and the other's unless they are secret; the shares that the other's last
/// offer leaves it, and those that its own last one kept. The state is what agent 0 would see without
/// secrets, whether an offer waits, whose it is, and the worth of a unit to agent 1. Over one issue what is
/// seen can be counted: an offer to answer and the offers left, up to `counted`.
///
/// Agents speak by `Channel<MultiIssueBargaining>` (env/channel.hpp).
template <BargainingSpec Spec = BargainingSpec{}>
struct BasicBargaining {
  static_assert(Spec.issues > 0 && Spec.parts > 0);
  static constexpr int agents = 2, issues = Spec.issues, parts = Spec.parts;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  static constexpr int counted = 8;          ///< most offers left that a table tells apart
  static constexpr int counted_worths = 12;  ///< and the worth of a unit, in steps of 2^(-1/4)
  static constexpr int head = 3;             ///< numbers that are seen before those of the issues

  struct ManySeen : Box<head + 4 * issues> {};
  struct OneSeen : Box<head + 4> {
    static constexpr int count = (counted + 1) * counted_worths * (parts + 2);
    POLIS_HD static int index(In<float> seen) {
      const float left = seen[1] > 0 ? math::floor(1 / seen[1] + .5f) : 0.f;
      const int remaining = static_cast<int>(math::min(left, static_cast<float>(counted)));
      const float offered = seen[head + 2 * issues] * static_cast<float>(parts);
      const float quarters = -4 * math::log(math::max(seen[2], 1e-6f)) / .6931471806f;
      const float shrunk = math::clamp(math::floor(quarters + .5f), 0.f, counted_worths - 1.f);
      const int scene = remaining * counted_worths + static_cast<int>(shrunk);
      return scene * (parts + 2) + (seen[0] > 0 ? 1 + static_cast<int>(math::floor(offered + .5f)) : 0);
    }
  };
  using Observation = std::conditional_t<issues == 1, OneSeen, ManySeen>;
  using State = Box<head + 4 * issues + 3>;
  using Action = typename internal::Offers<parts, std::make_index_sequence<std::size_t{issues}>>::type;
  /// For each issue the parts that one of the two gets.
  using Offer = Array<int, issues>;

  struct Config {
    float discount_first = .9f, discount_second = .9f;  ///< a round, of agents 0 and 1
    int deadline = 0;                                   ///< offers that can be made; 0: any number
    int rounds = 100;  ///< after which an episode without a deadline is cut off
    bool breakdown = false;
    bool secret = false;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount_first", self.discount_first);
      visit("discount_second", self.discount_second);
      visit("deadline", self.deadline);
      visit("rounds", self.rounds);
      visit("breakdown", self.breakdown);
      visit("secret", self.secret);
    }
    POLIS_HD Array<float, 2> discounts() const { return {{discount_first, discount_second}}; }
  };

  struct Task {
    int issues = Spec.issues;  ///< that have weights; of the others nobody wants anything
    int deadline = 0;
    bool secret = false;
    static constexpr void fields(auto& self, auto&& visit) {
      visit("issues", self.issues);
      visit("deadline", self.deadline);
      visit("secret", self.secret);
    }
  };

  /// 0: one issue, known values, no deadline. 1: all issues. 2: secret values where the settings say so. 3: a
  /// deadline where they say so.
  static int stages(const Config&, const Nothing&) { return 4; }
  POLIS_HD static Task task(int stage, const Config& config, const Nothing&, Random&) {
    return {stage == 0 ? 1 : issues, stage < 3 ? 0 : config.deadline, stage > 1 && config.secret};
  }

  Array<Array<float, issues>, agents> weights{};
  Array<float, agents> worth{};           ///< of a unit of utility in this round
  Array<Array<Offer, 2>, agents> made{};  ///< each agent's last offer and the one before: agent 0's parts
  Array<int, agents> made_count{};
  int round = 0, deadline = 0, active = issues;
  bool open = false;  ///< an offer waits for an answer
  bool secret = false, agreed = false;

  POLIS_HD void reset(auto& ctx) {
    *this = {};
    deadline = ctx.task().deadline;
    secret = ctx.task().secret;
    active = ctx.task().issues;
    for (int i = 0; i < agents; ++i) {
      worth[i] = 1;
      draw_weights(weights[i], ctx.random);
    }
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    const int proposer = round % 2, other = 1 - proposer;
    if (!open) {
      made[proposer][1] = made[proposer][0];
      made[proposer][0] = own_view(proposer, claim(actions[proposer]));
      ++made_count[proposer];
      open = true;
      return;
    }
    if (accepts(actions[other])) {
      agreed = true;
      for (int i = 0; i < agents; ++i) ctx.reward(i) = worth[i] * utility(i, made[proposer][0]);
      return ctx.terminate();
    }
    open = false;
    ++round;
    if (deadline > 0 && round >= deadline) return ctx.terminate();
    const auto& config = ctx.config();
    const Array<float, 2> discounts = config.discounts();
    const float survival = config.breakdown ? math::max(discounts[0], discounts[1]) : 1.f;
    for (int i = 0; i < agents; ++i) worth[i] *= discounts[i] / survival;
    if (config.breakdown && ctx.random.uniform() >= survival) return ctx.terminate();
    if (deadline == 0 && round >= config.rounds) ctx.truncate();
  }

  POLIS_HD void observe(int agent, Row out) const { show(agent, out, !secret); }
  POLIS_HD void state(Row out) const {
    show(0, out, true);
    const Row rest = out.from(head + 4 * issues);
    rest[0] = open ? 1.f : 0.f;
    rest[1] = static_cast<float>(round % 2);
    rest[2] = worth[1];
  }

  POLIS_HD void legal(int /*agent*/, Row mask) const {
    if constexpr (issues == 1) {
      for (int k = 0; k < parts + 3; ++k) mask[k] = (k > parts) == open ? 1.f : 0.f;
    } else {
      mask[1] = open ? 1.f : 0.f;
      for (int k = 0; k < issues; ++k) {
        for (int i = 1; i <= parts; ++i) mask[2 + k * (parts + 1) + i] = open || k >= active ? 0.f : 1.f;
      }
    }
  }

  POLIS_HD bool acting(int agent) const { return (agent == round % 2) != open; }

  /// Whether they agreed.
  POLIS_HD float success() const { return agreed ? 1.f : 0.f; }

  /// Whether they agreed, after how many offers; both utilities, their product, and how far they are from the
  /// efficient agreements and from Kalai and Smorodinsky's: without discounts, zero where they did not agree.
  void metrics(auto&& visit) const {
    const UtilityFrontier<issues> frontier(weights);
    Array<double, 2> reached{};
    for (int i = 0; i < agents; ++i) {
      reached[i] = agreed ? static_cast<double>(utility(i, made[round % 2][0])) : 0.;
    }
    visit("agreement", agreed ? 1. : 0.);
    visit("offers", static_cast<double>(made_count[0] + made_count[1]));
    visit("first_utility", reached[0]);
    visit("second_utility", reached[1]);
    visit("nash_product", reached[0] * reached[1]);
    visit("kalai_smorodinsky", frontier.distance(reached, frontier.kalai_smorodinsky()));
    visit("inefficiency", frontier.distance(reached));
  }

  // ---- What bargainers ask of it.

  POLIS_HD bool answering() const { return open; }
  POLIS_HD int offers(int agent) const { return made_count[agent]; }
  /// The agent's last offer, or the one before (back = 1): what agent 0 would get.
  POLIS_HD const Offer& last(int agent, int back) const { return made[agent][back]; }
  /// In how many rounds time is up.
  POLIS_HD int time(const auto& view) const { return deadline > 0 ? deadline : view.config().rounds; }

  /// What the agent gets by an offer, which states agent 0's parts.
  POLIS_HD float utility(int agent, const Offer& offer) const {
    float total = 0;
    for (int k = 0; k < issues; ++k) total += weights[agent][k] * share(agent, offer[k]);
    return total;
  }

  /// Parts that an agent keeps as agent 0's, and back.
  POLIS_HD static Offer own_view(int agent, Offer offer) {
    for (int& kept : offer) kept = agent == 0 ? kept : parts - kept;
    return offer;
  }

  /// What the agent keeps if it wants at least this utility, and gives way on what it values least.
  POLIS_HD Offer giving_way(int agent, float target) const {
    Offer kept{};
    Array<int, issues> order{};
    for (int k = 0; k < issues; ++k) order[k] = k, kept[k] = parts;
    for (int k = 1; k < issues; ++k) {
      for (int j = k; j > 0 && weights[agent][order[j]] < weights[agent][order[j - 1]]; --j) {
        const int before = order[j - 1];
        order[j - 1] = order[j], order[j] = before;
      }
    }
    float spare = 1 - target + 1e-5f;
    for (const int k : order) {
      const float part = weights[agent][k] / static_cast<float>(parts);
      const float affordable =
          part > 0 ? math::floor(math::max(0.f, spare) / part) : static_cast<float>(parts);
      const int given = static_cast<int>(math::min(affordable, static_cast<float>(parts)));
      kept[k] -= given;
      spare -= part * static_cast<float>(given);
    }
    return kept;
  }

  POLIS_HD static typename Action::Element proposal(const Offer& kept) {
    if constexpr (issues == 1) {
      return kept[0];
    } else {
      typename Action::Element action{};
      for (int k = 0; k < issues; ++k) action[1 + k] = kept[k];
      return action;
    }
  }
  POLIS_HD static typename Action::Element answer(bool accepted) {
    if constexpr (issues == 1) {
      return accepted ? accept : reject;
    } else {
      typename Action::Element action{};
      action[0] = accepted ? 0 : 1;
      return action;
    }
  }
  static constexpr int accept = parts + 1, reject = parts + 2;  ///< actions over one issue

  // ---- What is known.

  /// `subgame_perfect` (its values are known to both), and the tactics `boulware`, `linear`, `conceder` and
  /// `tit_for_tat`, each against itself.
  static void references(const auto&, auto&& visit) {
    visit("subgame_perfect", Bargainers<SubgamePerfect>{});
    visit("boulware", Bargainers<TimeConcession>{boulware_concession, boulware_concession});
    visit("linear", Bargainers<TimeConcession>{linear_concession, linear_concession});
    visit("conceder", Bargainers<TimeConcession>{conceder_concession, conceder_concession});
    visit("tit_for_tat", Bargainers<TitForTat>{});
  }

  /// The mean of both if they agree at once to give every issue to who values it more: for n issues with
  /// weights drawn alike, (3n - 2) / (4n - 2) on average.
  static OptimalValue optimal_value(const auto& view) {
    const double n = view.task().issues;
    return {(3 * n - 2) / (4 * n - 2)};
  }

 private:
  POLIS_HD static float share(int agent, int first) {
    return static_cast<float>(agent == 0 ? first : parts - first) / static_cast<float>(parts);
  }

  /// Uniform on all weights that sum to one: exponential numbers over their sum.
  POLIS_HD void draw_weights(Array<float, issues>& own, auto& random) const {
    own[0] = 1;
    if (active < 2) return;
    float total = 0;
    for (int k = 0; k < active; ++k) {
      own[k] = -math::log(1 - random.uniform());
      total += own[k];
    }
    if (total == 0) own[0] = total = 1;
    for (int k = 0; k < active; ++k) own[k] /= total;
  }

  POLIS_HD static Offer claim(const typename Action::Element& action) {
    Offer kept{};
    if constexpr (issues == 1) {
      kept[0] = action > parts ? parts : action;
    } else {
      for (int k = 0; k < issues; ++k) kept[k] = action[1 + k];
    }
    return kept;
  }
  POLIS_HD static bool accepts(const typename Action::Element& action) {
    if constexpr (issues == 1) {
      return action == accept;
    } else {
      return action[0] == 0;
    }
  }

  POLIS_HD void show(int agent, Row out, bool all) const {
    const int other = 1 - agent;
    out[0] = open && agent != round % 2 ? 1.f : 0.f;
    out[1] = deadline > round ? 1 / static_cast<float>(deadline - round) : 0.f;
    out[2] = worth[agent];
    for (int k = 0; k < issues; ++k) {
      const Row at = out.from(head);
      at[k] = weights[agent][k];
      at[issues + k] = all ? weights[other][k] : 0.f;
      at[2 * issues + k] = made_count[other] > 0 ? share(agent, made[other][0][k]) : 0.f;
      at[3 * issues + k] = made_count[agent] > 0 ? share(agent, made[agent][0][k]) : 0.f;
    }
  }
};

/// One unit on a grid of a twentieth.
using Bargaining = BasicBargaining<>;
/// Three issues on a grid of a fifth.
using MultiIssueBargaining = BasicBargaining<BargainingSpec{.issues = 3, .parts = 5}>;

}  // namespace polis
