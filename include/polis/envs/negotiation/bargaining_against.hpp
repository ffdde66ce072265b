// Alternating offers against a bargainer with a fixed tactic: an environment of one agent, to learn against
// those that need no learning (envs/negotiation/concession.hpp).
//
//     Trainer<PPO, MultiAgentEnv<BargainingAgainst<Opponent::boulware>>> trainer;
//
// It is a BasicBargaining in which the other agent answers and proposes by itself. A step is one of the
// learner's actions and all that follows it until the learner's next turn.
#pragma once

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/envs/negotiation/bargaining.hpp>
#include <polis/envs/negotiation/concession.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// How the other bargains; `any`: one of these, drawn for every episode and not told.
enum class Opponent { boulware, linear, conceder, tit_for_tat, any };

/// The learner's observation, actions, settings and tasks are those of the bargaining inside. It is drawn for
/// every episode who makes the first offer.
template <Opponent Other = Opponent::any, BargainingSpec Spec = BargainingSpec{}>
struct BargainingAgainst {
  using Inside = BasicBargaining<Spec>;
  static constexpr int agents = 1;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  using Observation = typename Inside::Observation;
  using Action = typename Inside::Action;
  using Config = typename Inside::Config;
  using Task = typename Inside::Task;

  static int stages(const Config& config, const Nothing& data) { return Inside::stages(config, data); }
  POLIS_HD static Task task(int stage, const Config& config, const Nothing& data, Random& random) {
    return Inside::task(stage, config, data, random);
  }

  Inside inside{};
  int own = 0;  ///< the learner's number inside
  Opponent tactic = Other;

  POLIS_HD void reset(auto& ctx) {
    inside.reset(ctx);
    own = ctx.random.integer(2);
    tactic = Other == Opponent::any ? static_cast<Opponent>(ctx.random.integer(4)) : Other;
    bool over = false;
    if (own == 1) move(ctx, others_action(ctx), over);
  }

  POLIS_HD void step(const auto& actions, auto& ctx) {
    bool over = false;
    move(ctx, actions[0], over);
    while (!over && !inside.acting(own)) move(ctx, others_action(ctx), over);
  }

  POLIS_HD void observe(int /*agent*/, Row out) const { inside.observe(own, out); }
  POLIS_HD void legal(int /*agent*/, Row mask) const { inside.legal(own, mask); }
  POLIS_HD float success() const { return inside.success(); }

  /// Those of the bargaining, and both utilities by whose they are.
  void metrics(auto&& visit) const {
    inside.metrics(visit);
    for (int i = 0; i < 2; ++i) {
      const double reached =
          inside.agreed ? static_cast<double>(inside.utility(i, inside.made[inside.round % 2][0])) : 0.;
      visit(i == own ? "own_utility" : "others_utility", reached);
    }
  }

  /// The learner bargains by a tactic too.
  template <class Tactic>
  struct Bargainer {
    Tactic tactic{};
    POLIS_HD Actions<BargainingAgainst> operator()(const BargainingAgainst& env,
                                                   const View<BargainingAgainst>& view, Random&) const {
      const View<Inside> own_view(view.config(), view.task(), view.data());
      Actions<BargainingAgainst> actions{};
      actions[0] = bargain(tactic, env.inside, own_view, env.own);
      return actions;
    }
  };

  /// The tactics by their names, and `subgame_perfect`, which the other is not.
  static void references(const auto&, auto&& visit) {
    visit("subgame_perfect", Bargainer<SubgamePerfect>{});
    visit("boulware", Bargainer<TimeConcession>{boulware_concession});
    visit("linear", Bargainer<TimeConcession>{linear_concession});
    visit("conceder", Bargainer<TimeConcession>{conceder_concession});
    visit("tit_for_tat", Bargainer<TitForTat>{});
  }

 private:
  /// What the bargaining inside asks of a context: the learner's reward is the one that counts.
  template <class C>
  struct InsideContext {
    C& ctx;
    bool& over;
    int own;
    Random& random;
    float others_reward = 0;

    POLIS_HD const auto& config() const { return ctx.config(); }
    POLIS_HD const auto& task() const { return ctx.task(); }
    POLIS_HD float& reward(int agent) { return agent == own ? ctx.reward(0) : others_reward; }
    POLIS_HD void terminate() {
      over = true;
      ctx.terminate();
    }
    POLIS_HD void truncate() {
      over = true;
      ctx.truncate();
    }
  };

  /// One step inside, by whose turn it is.
  template <class C>
  POLIS_HD void move(C& ctx, const typename Action::Element& action, bool& over) {
    Actions<Inside> actions{};
    actions[0] = actions[1] = action;
    InsideContext<C> inner{ctx, over, own, ctx.random};
    inside.step(actions, inner);
  }

  POLIS_HD typename Action::Element others_action(auto& ctx) const {
    const View<Inside> view(ctx.config(), ctx.task(), ctx.data());
    const int other = 1 - own;
    if (tactic == Opponent::boulware) return bargain(TimeConcession{4}, inside, view, other);
    if (tactic == Opponent::linear) return bargain(TimeConcession{1}, inside, view, other);
    if (tactic == Opponent::conceder) return bargain(TimeConcession{.25f}, inside, view, other);
    return bargain(TitForTat{}, inside, view, other);
  }
};

}  // namespace polis
