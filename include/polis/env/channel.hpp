// Channel<E, Spec>: the environment E, whose agents can speak to one another.
//
// Beside what it does in E, an agent utters a few tokens at every step, each a symbol or silence; at the next
// step every other agent hears them. What the symbols mean is for the agents to agree on. Speech may be dear:
// `budget` tokens are delivered of an agent in an episode and no more, and each of them costs. So a sentence
// that acts in Tuples learns when to speak and what (reinforced communication, as RIAL of Foerster et al.
// 2016, "Learning to communicate with deep multi-agent reinforcement learning").
//
//     using Talking = Channel<SimpleSpread, ChannelSpec{.symbols = 4, .tokens = 2, .budget = 10, .cost = 5}>;
//
// An agent that does not act, or is dead, is silent.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/hints.hpp>
#include <polis/env/wrapper.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// How much agents can say, and what it costs.
struct ChannelSpec {
  int symbols = 4;  ///< that a token can be, beside silence
  int tokens = 1;   ///< of each agent at every step: the bandwidth
  int budget = 0;   ///< tokens of each agent in an episode that are delivered; 0: all of them
  int cost = 0;     ///< thousandths of a unit of reward for each token delivered
};

namespace internal {

template <int Symbols, class Indices>
struct UtteranceOf;
template <int Symbols, std::size_t... Token>
struct UtteranceOf<Symbols, std::index_sequence<Token...>> {
  using type = MultiDiscrete<((void)Token, Symbols + 1)...>;
};

/// S, and `Words` numbers behind it: numbers stay numbers, which networks take as they are stored.
template <class S, int Words>
struct WithNumbers {
  using type = Tuple<S, Box<Words>>;
};
template <class S, int Words>
  requires(S::kind == SpaceKind::box)
struct WithNumbers<S, Words> {
  using type = Box<S::words + Words>;
};

template <class List, class Utterance, int Heard>
struct TalkingRoles;
template <class... R, class Utterance, int Heard>
struct TalkingRoles<Roles<R...>, Utterance, Heard> {
  using type =
      Roles<Role<typename R::Tag, R::count, typename WithNumbers<typename R::Observation, Heard>::type,
                 Tuple<typename R::Action, Utterance>>...>;
};

/// The State of E with all that was said, where E has one.
template <class E, int Words>
class TalkingState : public Wrapper<E> {};
template <HasState E, int Words>
class TalkingState<E, Words> : public Wrapper<E> {
 public:
  using State = typename WithNumbers<typename E::State, Words>::type;
};

}  // namespace internal

/// What an agent says in one step: for each token 0, silence, or the number of a symbol.
template <ChannelSpec Spec>
using Utterance =
    typename internal::UtteranceOf<Spec.symbols,
                                   std::make_index_sequence<static_cast<std::size_t>(Spec.tokens)>>::type;

template <Environment E, ChannelSpec Spec = ChannelSpec{}>
  requires(agent_count<E> > 1)
class Channel;

template <class E, ChannelSpec Spec>
struct InsideOf<Channel<E, Spec>> {
  using type = E;
};

/// E with a channel between its agents. Behind its own observation an agent hears the others in the order of
/// their numbers, each token one-hot over the symbols, zeros for silence; a State has the tokens of all.
template <Environment E, ChannelSpec Spec>
  requires(agent_count<E> > 1)
class Channel : public internal::TalkingState<E, agent_count<E> * Spec.tokens * Spec.symbols> {
  static_assert(Spec.symbols > 0 && Spec.tokens > 0, "a channel has symbols, and room for a token");
  static_assert(Spec.budget >= 0 && Spec.cost >= 0, "budgets and costs are not negative");

 public:
  /// Numbers by which one agent's utterance is heard.
  static constexpr int utterance_words = Spec.tokens * Spec.symbols;
  using Roles = typename internal::TalkingRoles<RolesOf<E>, Utterance<Spec>,
                                                (agent_count<E> - 1) * utterance_words>::type;
  /// Who speaks at a price gains nothing from another's loss.
  static constexpr RewardStructure rewards =
      E::rewards == RewardStructure::zero_sum && Spec.cost > 0 ? RewardStructure::general_sum : E::rewards;

  POLIS_HD void reset(Context<Channel>& ctx) {
    said_ = {};
    delivered_ = {};
    this->env_.reset(static_cast<Context<E>&>(ctx));
  }

  POLIS_HD void step(const Actions<Channel>& actions, Context<Channel>& ctx) {
    Actions<E> own{};
    split<0>(actions, own);
    this->env_.step(own, static_cast<Context<E>&>(ctx));
    for (int agent = 0; agent < agent_count<E>; ++agent) deliver(agent, ctx);
  }

  template <class Tag>
    requires(role_index<E, Tag> < role_count<E>)
  POLIS_HD void observe(Tag, int index, Row out, const View<Channel>& view) const {
    constexpr int role = role_index<E, Tag>;
    internal::observe<role>(this->env_, index, out, static_cast<const View<E>&>(view));
    const int listener = first_agent<E, role> + index;
    Row heard = out.from(RoleOf<E, role>::Observation::words);
    for (int agent = 0; agent < agent_count<E>; ++agent) {
      if (agent == listener) continue;
      write(agent, heard);
      heard = heard.from(utterance_words);
    }
  }
  POLIS_HD void observe(int agent, Row out, const View<Channel>& view) const
    requires(role_count<E> == 1)
  {
    observe(typename RoleOf<E, 0>::Tag{}, agent, out, view);
  }

  POLIS_HD void state(Row out, const View<Channel>& view) const
    requires HasState<E>
  {
    if constexpr (requires { this->env_.state(out, static_cast<const View<E>&>(view)); }) {
      this->env_.state(out, static_cast<const View<E>&>(view));
    } else {
      this->env_.state(out);
    }
    for (int agent = 0; agent < agent_count<E>; ++agent) {
      write(agent, out.from(E::State::words + agent * utterance_words));
    }
  }

  /// E's figures, and `tokens`: how many were delivered in the episode, of all agents together.
  void metrics(auto&& visit) const {
    if constexpr (HasMetrics<E>) this->env_.metrics(visit);
    double tokens = 0;
    for (int agent = 0; agent < agent_count<E>; ++agent) tokens += delivered_[agent];
    visit("tokens", tokens);
  }

  /// What E's agents would have been paid without this one, less what the others' speech costs.
  POLIS_HD float counterfactual(int agent, const View<Channel>& view) const
    requires HasCounterfactual<E>
  {
    int tokens = 0;
    for (int i = 0; i < agent_count<E> * Spec.tokens; ++i) {
      if (i / Spec.tokens != agent && said_[i] > 0) ++tokens;
    }
    return internal::counterfactual(this->env_, agent, static_cast<const View<E>&>(view)) -
           static_cast<float>(tokens * Spec.cost) * 1e-3f;
  }

  /// E's components, and `speech`: what the last step's tokens cost.
  void reward_components(int agent, auto&& visit) const
    requires HasRewardComponents<E>
  {
    this->env_.reward_components(agent, visit);
    int tokens = 0;
    for (int i = 0; i < agent_count<E> * Spec.tokens; ++i) {
      const bool pays = i / Spec.tokens == agent || rewards == RewardStructure::shared;
      if (pays && said_[i] > 0) ++tokens;
    }
    visit("speech", static_cast<float>(tokens * Spec.cost) * -1e-3f);
  }

  /// The token that the agent said last: 0 for silence, or the number of a symbol.
  POLIS_HD int said(int agent, int token) const { return said_[agent * Spec.tokens + token]; }

  void archive(auto& a)
    requires(!std::is_trivially_copyable_v<E>)
  {
    a(this->env_, said_, delivered_);
  }

 private:
  /// Takes actions apart: what is done, and what is said.
  template <int R>
  POLIS_HD void split(const Actions<Channel>& actions, Actions<E>& own) {
    constexpr typename RoleOf<E, R>::Tag tag{};
    for (int i = 0; i < RoleOf<E, R>::count; ++i) {
      const auto& action = actions.of(tag)[i];
      own.of(tag)[i] = action.template get<0>();
      for (int token = 0; token < Spec.tokens; ++token) {
        said_[(first_agent<E, R> + i) * Spec.tokens + token] = action.template get<1>()[token];
      }
    }
    if constexpr (R + 1 < role_count<E>) split<R + 1>(actions, own);
  }

  /// Silences what the agent's budget does not cover, and charges for the rest: the team, where it has one
  /// reward.
  POLIS_HD void deliver(int agent, Context<Channel>& ctx) {
    int tokens = 0;
    for (int token = 0; token < Spec.tokens; ++token) {
      int& said = said_[agent * Spec.tokens + token];
      if (Spec.budget > 0 && delivered_[agent] + tokens >= Spec.budget) said = 0;
      if (said > 0) ++tokens;
    }
    delivered_[agent] += tokens;
    const float cost = static_cast<float>(tokens * Spec.cost) * 1e-3f;
    for (int payer = 0; payer < agent_count<E>; ++payer) {
      if (payer == agent || rewards == RewardStructure::shared) ctx.reward(payer) -= cost;
    }
  }

  POLIS_HD void write(int agent, Row out) const {
    for (int token = 0; token < Spec.tokens; ++token) {
      for (int symbol = 1; symbol <= Spec.symbols; ++symbol) {
        out[token * Spec.symbols + symbol - 1] = said(agent, token) == symbol ? 1.f : 0.f;
      }
    }
  }

  Array<int, agent_count<E> * Spec.tokens> said_{};  // at the last step
  Array<int, agent_count<E>> delivered_{};           // tokens in this episode
};

}  // namespace polis
