// Words from which the native policy of a role is made: the policy itself, its critic's input, its
// distribution.
#pragma once

#include <type_traits>

#include <polis/core/word.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/multi_categorical.hpp>
#include <polis/distribution/product.hpp>
#include <polis/distribution/simplex_gaussian.hpp>
#include <polis/env/environment.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/actor_critic_policy.hpp>
#include <polis/policy/opponent_model.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What a distribution word is, for a space S: it names the type, or it is not for such a space at all.
///
///     struct Beta {
///       using word = word::Distribution;
///       template <FiniteBox S>
///       using distribution = BetaOn<S>;
///     };
template <class W, class S>
concept DistributionWordFor = Distribution<typename W::template distribution<S>>;

namespace internal {

template <class W, class S>
struct DistributionOf;

/// The distribution that fits a space when nothing else is said.
template <class S>
struct FittingDistributionOf;
template <class S>
  requires(S::kind == SpaceKind::box)
struct FittingDistributionOf<S> {
  using type = DiagGaussian<S::words>;
};
template <class S>
  requires(S::kind == SpaceKind::discrete)
struct FittingDistributionOf<S> {
  using type = Categorical<S::size>;
};
template <class S>
  requires(S::kind == SpaceKind::simplex)
struct FittingDistributionOf<S> {
  using type = SimplexGaussian<S::words>;
};
template <int... N>
struct FittingDistributionOf<MultiDiscrete<N...>> {
  using type = MultiCategorical<N...>;
};

}  // namespace internal

/// The distribution that fits the action space: categorical for indices, a diagonal Gaussian for a Box, one
/// mapped to the Simplex, and the product of those for a Tuple.
struct FittingDistribution {
  using word = word::Distribution;
  template <class S>
  using distribution = typename internal::FittingDistributionOf<S>::type;
};

namespace internal {

/// Whether a word names a distribution on a space, or on a part of a Tuple.
template <class W, class S>
inline constexpr bool distribution_fits = DistributionWordFor<W, S>;
template <class W, class... S>
inline constexpr bool distribution_fits<W, Tuple<S...>> =
    DistributionWordFor<W, Tuple<S...>> || sizeof...(S) == 0 || (... || distribution_fits<W, S>);

/// The first of some words that is for a space; no type where none is.
template <class S, class... W>
struct FirstFor {};
template <class S, class First, class... Rest>
struct FirstFor<S, First, Rest...> : FirstFor<S, Rest...> {};
template <class S, class First, class... Rest>
  requires DistributionWordFor<First, S>
struct FirstFor<S, First, Rest...> {
  using type = typename First::template distribution<S>;
};

/// The distribution that a word chooses on a space: its own; on a Tuple the product of the parts', those that
/// the word is not for being left to FittingDistribution.
template <class W, class S>
struct DistributionOf {
  using type = typename W::template distribution<S>;
};
template <class W, class... S>
  requires(!DistributionWordFor<W, Tuple<S...>>)
struct DistributionOf<W, Tuple<S...>> {
  template <class Part>
  using word_for = std::conditional_t<distribution_fits<W, Part>, W, FittingDistribution>;
  using type = Product<typename DistributionOf<word_for<S>, S>::type...>;
};

}  // namespace internal

/// Several distribution words in one slot, for a Tuple of different spaces: each part gets the first that is
/// for it. `PPO::With<FirstFitting<Beta, Dirichlet>>`
template <class... W>
struct FirstFitting {
  using word = word::Distribution;
  template <class S>
  using distribution = typename internal::FirstFor<S, W...>::type;
};

/// The critic sees what its agent sees.
struct LocalCritic {
  using word = word::Critic;
  static constexpr bool needs_state = false, counterfactual = false;
  template <class, class Observation>
  static constexpr int features = Observation::features;
};

/// The critic sees the environment's whole state (Lowe et al. 2017; Yu et al. 2022).
struct CentralCritic {
  using word = word::Critic;
  static constexpr bool needs_state = true, counterfactual = false;
  template <class E, class>
  static constexpr int features = E::State::features;
};

namespace internal {

/// The agents' actions one after the other: where(i) is where agent i's inputs begin, one-hot each, word(i)
/// where its words do.
template <class E>
struct JointAction {
  static constexpr int agents = agent_count<E>;
  static constexpr int where(int agent) {
    return before(agent, []<class Action>(Action) { return Action::features; });
  }
  static constexpr int word(int agent) {
    return before(agent, []<class Action>(Action) { return Action::words; });
  }
  static constexpr int features = where(agents), words = word(agents);

 private:
  /// The sum of size(Action) over the agents before this one.
  template <int R = 0, class F>
  static constexpr int before(int agent, F size) {
    if constexpr (R == role_count<E>) {
      return 0;
    } else {
      const int here = agent < RoleOf<E, R>::count ? agent : RoleOf<E, R>::count;
      return here * size(typename RoleOf<E, R>::Action{}) +
             (here < agent ? before<R + 1>(agent - here, size) : 0);
    }
  }
};

}  // namespace internal

/// COMA's critic (Foerster et al. 2018, section 4): a value for each of an agent's actions, from the state
/// and what all other agents do. It has a network of its own, without memory.
template <class Network = Mlp<128, 128>>
struct CounterfactualCritic {
  using word = word::Critic;
  using CriticNetwork = Network;
  static constexpr bool needs_state = true, counterfactual = true;
  template <class E, class>
  static constexpr int features = E::State::features + internal::JointAction<E>::features;
};

/// One value of the whole state for a team: its agents share one reward and always act together, so that what
/// a state is worth to one of them it is worth to all. It is valued and learnt once, where CentralCritic does
/// both for each agent; a minibatch is one of states, each with the decisions of all agents. The critic has a
/// network of its own, without memory. E.g. five agents on 16-wide observations and a state of 60 numbers:
/// `PPO::With<Mlp<64, 64>, TeamCritic<Mlp<128, 128>>>`.
template <class Network = Mlp<128, 128>>
struct TeamCritic {
  using word = word::Critic;
  using CriticNetwork = Network;
  static constexpr bool needs_state = true, counterfactual = false, of_team = true;
  template <class E, class>
  static constexpr int features = E::State::features;
};

namespace internal {
template <class CriticWord>
inline constexpr bool values_team = requires { requires CriticWord::of_team; };
}  // namespace internal

/// Agents that share weights are told apart by what they see alone.
struct NoAgentIds {
  using word = word::AgentIds;
  template <class E>
  static constexpr int features = 0;
};
/// The number of the agent, one-hot, behind what actor and critic see.
struct AgentIds {
  using word = word::AgentIds;
  template <class E>
  static constexpr int features = agent_count<E>;
};

/// What a policy word is given to make the policy of one role. `features` and `critic_features` are what the
/// algorithm gives it; a model of opponents adds its embedding to them inside.
template <class E, class ObservationSpace, class ActionSpace, class NetworkWord, class ActivationWord,
          class InitializationWord, class DistributionWord, class CriticWord, class IdsWord = NoAgentIds,
          class OpponentModelWord = NoOpponentModel, int Role = 0>
struct PolicyParts {
  using Environment = E;
  using Observation = ObservationSpace;
  using Action = ActionSpace;
  using Network = NetworkWord;
  using Activation = ActivationWord;
  using Initialization = InitializationWord;
  using Distribution = typename internal::DistributionOf<DistributionWord, ActionSpace>::type;
  using Critic = CriticWord;
  using OpponentModel = OpponentModelWord;
  static constexpr int role = Role;
  static constexpr int ids = IdsWord::template features<E>;
  static constexpr int features = ObservationSpace::features + ids;
  static constexpr int critic_features = CriticWord::template features<E, ObservationSpace> + ids;
};

namespace internal {

/// The critic's network: one value, or one for each action.
template <class Parts>
struct CriticOf {
  static constexpr int embedding = Parts::Critic::needs_state ? 0 : Parts::OpponentModel::embedding;
  using type = typename Parts::Network::template network<Parts::critic_features + embedding, 1,
                                                         typename Parts::Activation>;
};
template <class Parts>
  requires requires { typename Parts::Critic::CriticNetwork; }
struct CriticOf<Parts> {
  static constexpr int outputs = Parts::Critic::counterfactual ? Parts::Distribution::inputs : 1;
  using type = typename Parts::Critic::CriticNetwork::template network<Parts::critic_features, outputs,
                                                                       typename Parts::Activation>;
};

}  // namespace internal

/// Two networks of the library's own.
struct NativePolicy {
  using word = word::Policy;
  template <class Parts>
  using policy = ActorCriticPolicy<
      typename Parts::Network::template network<Parts::features + Parts::OpponentModel::embedding,
                                                Parts::Distribution::inputs, typename Parts::Activation>,
      typename internal::CriticOf<Parts>::type, typename Parts::Distribution, typename Parts::Initialization,
      typename internal::ModelOf<Parts>::type>;
  template <class Initialization>
  using Config = ActorCriticConfig<Initialization>;
};

}  // namespace polis
