// Guarded<E, Rule>: the environment E, in which no action goes through that a rule forbids.
//
// The rule is asked about what each agent is about to do, and says what is done instead where it says no: a
// hard limit with a fallback policy, a shield (M. Alshiekh, R. Bloem, R. Ehlers, B. Koenighofer, S. Niekum
// and U. Topcu 2018, "Safe reinforcement learning via shielding", after the action is chosen). It holds from
// the first step of training on, and in every evaluation.
//
//     struct Brakes {
//       POLIS_HD static bool allows(const Car& car, int agent, const Array<float, 1>& action,
//                                   const View<Car>&) { return car.gap > 2 || action[0] <= 0; }
//       POLIS_HD static Array<float, 1> instead(const Car&, int agent, const Array<float, 1>&,
//                                               const View<Car>&) { return {{-1}}; }
//     };
//     using SafeCar = Guarded<Car, Brakes>;
//
// Each intervention is counted, in the metrics `interventions`, those of an episode, and
// `intervention_share`, of all decisions in it; a price may be put on them. The agent learns from the action
// that it chose.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/hints.hpp>
#include <polis/env/wrapper.hpp>

namespace polis {

namespace internal {

template <class Rule, class E, class Role>
concept GuardsRole =
    requires(const E& env, const typename Role::Action::Element& action, const View<E>& view) {
      { Rule::allows(env, 0, action, view) } -> std::convertible_to<bool>;
      { Rule::instead(env, 0, action, view) } -> std::convertible_to<typename Role::Action::Element>;
    };
template <class Rule, class E, class List>
inline constexpr bool guards_roles = false;
template <class Rule, class E, class... R>
inline constexpr bool guards_roles<Rule, E, Roles<R...>> = (... && GuardsRole<Rule, E, R>);

}  // namespace internal

/// `allows(env, agent, action, view)`, and `instead(env, agent, action, view)`, the action that is taken
/// where it does not; of every role's actions. Both see the situation before the step.
template <class Rule, class E>
concept SafetyRule = internal::guards_roles<Rule, E, RolesOf<E>>;

/// `Price`: thousandths of a unit of reward that an intervention costs the agent, or the team where it has
/// one reward.
template <Environment E, SafetyRule<E> Rule, int Price = 0>
class Guarded;

template <class E, class Rule, int Price>
struct InsideOf<Guarded<E, Rule, Price>> {
  using type = E;
};
template <class E, class Rule, int Price>
struct Actions<Guarded<E, Rule, Price>> : Actions<E> {};

template <Environment E, SafetyRule<E> Rule, int Price>
class Guarded : public Wrapper<E> {
  static_assert(Price >= 0, "an intervention is not rewarded");

 public:
  /// Who is interrupted at a price gains nothing from another's loss.
  static constexpr RewardStructure rewards =
      E::rewards == RewardStructure::zero_sum && Price > 0 ? RewardStructure::general_sum : E::rewards;

  POLIS_HD void reset(Context<Guarded>& ctx) {
    interventions_ = {};
    stopped_ = {};
    out_ = {};
    decisions_ = 0;
    this->env_.reset(static_cast<Context<E>&>(ctx));
  }

  POLIS_HD void step(const Actions<Guarded>& actions, Context<Guarded>& ctx) {
    Actions<E> safe = static_cast<const Actions<E>&>(actions);
    stopped_ = {};
    guard<0>(safe, static_cast<const View<E>&>(ctx));
    this->env_.step(safe, static_cast<Context<E>&>(ctx));
    for (int agent = 0; agent < agent_count<E>; ++agent) {
      ctx.reward(agent) -= cost(agent);
      out_[agent] = out_[agent] || ctx.end(agent) != End::none;
    }
  }

  /// How often the agent's action was replaced in this episode.
  POLIS_HD int interventions(int agent) const { return interventions_[agent]; }

  /// What E's agents would have been paid without this one, less what the others' interventions cost.
  POLIS_HD float counterfactual(int agent, const View<Guarded>& view) const
    requires HasCounterfactual<E>
  {
    int others = 0;
    for (int i = 0; i < agent_count<E>; ++i) others += i != agent && stopped_[i] ? 1 : 0;
    return internal::counterfactual(this->env_, agent, static_cast<const View<E>&>(view)) - price(others);
  }

  /// E's components, and `interventions`: what those of the last step cost.
  void reward_components(int agent, auto&& visit) const
    requires HasRewardComponents<E>
  {
    this->env_.reward_components(agent, visit);
    visit("interventions", -cost(agent));
  }

  void metrics(auto&& visit) const {
    if constexpr (HasMetrics<E>) this->env_.metrics(visit);
    int total = 0;
    for (int agent = 0; agent < agent_count<E>; ++agent) total += interventions_[agent];
    visit("interventions", static_cast<double>(total));
    visit("intervention_share", decisions_ > 0 ? static_cast<double>(total) / decisions_ : 0.);
  }

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(this->env_, interventions_, stopped_, out_, decisions_);
  }

 private:
  POLIS_HD static float price(int interventions) { return static_cast<float>(interventions * Price) * 1e-3f; }
  /// What the last step's interventions cost the agent.
  POLIS_HD float cost(int agent) const {
    int count = 0;
    for (int i = 0; i < agent_count<E>; ++i) {
      if (stopped_[i] && (i == agent || rewards == RewardStructure::shared)) ++count;
    }
    return price(count);
  }

  template <int R>
  POLIS_HD void guard(Actions<E>& actions, const View<E>& view) {
    constexpr typename RoleOf<E, R>::Tag tag{};
    for (int i = 0; i < RoleOf<E, R>::count; ++i) {
      const int agent = first_agent<E, R> + i;
      if (out_[agent] || !internal::acting<R>(this->env_, i)) continue;
      ++decisions_;
      auto& action = actions.of(tag)[i];
      if (Rule::allows(this->env_, agent, action, view)) continue;
      action = Rule::instead(this->env_, agent, action, view);
      ++interventions_[agent];
      stopped_[agent] = true;
    }
    if constexpr (R + 1 < role_count<E>) guard<R + 1>(actions, view);
  }

  Array<int, agent_count<E>> interventions_{};  // in this episode
  Array<bool, agent_count<E>> stopped_{};       // at the last step
  Array<bool, agent_count<E>> out_{};           // who has no part in it any more
  int decisions_ = 0;                           // of all agents in it
};

}  // namespace polis
