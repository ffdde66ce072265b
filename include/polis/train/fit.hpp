// What each family of algorithms asks of an environment, as answers that train/composition.hpp gives names
// to.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/algorithm/actor_critic.hpp>
#include <polis/algorithm/actor_q.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/q_learning.hpp>
#include <polis/algorithm/self_play.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/tabular_q.hpp>
#include <polis/collective/local.hpp>
#include <polis/curriculum/adaptive.hpp>
#include <polis/curriculum/none.hpp>
#include <polis/curriculum/staged.hpp>
#include <polis/device/cpu.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/exploration/action_noise.hpp>
#include <polis/nn/optimizer.hpp>
#include <polis/normalization/observations.hpp>
#include <polis/normalization/rewards.hpp>
#include <polis/space/space.hpp>
#include <polis/train/asked.hpp>

namespace polis {

/// Names a trainer's curriculum: `Curriculum<Adaptive>`.
template <CurriculumWord C>
struct Curriculum {
  using word = word::Curriculum;
  using type = C;
};

namespace internal {

template <class... Words>
using AlgorithmOf = slot<word::Algorithm, Words...>;

/// The sentence with all its words behind an algorithm that was given a name of its own.
template <class Algorithm>
struct SentenceOf {
  using type = Algorithm;
};
template <class Algorithm>
  requires requires { typename Algorithm::Sentence; }
struct SentenceOf<Algorithm> {
  using type = typename Algorithm::Sentence;
};

template <class Batch>
struct EnvironmentOfBatch {
  using type = void;
};
template <class E>
struct EnvironmentOfBatch<MultiAgentEnv<E>> {
  using type = E;
};
template <class... Words>
using EnvironmentOf = typename EnvironmentOfBatch<slot<word::Environment, Words...>>::type;

template <class... Words>
using CurriculumOf = typename LastOfKind<word::Curriculum, Curriculum<None>, Words...>::type::type;
template <class... Words>
using CollectiveOf = typename LastOfKind<word::Collective, Collective<Local>, Words...>::type::type;
template <class... Words>
using DeviceOf = typename LastOfKind<word::Device, Device<Cpu>, Words...>::type::type;

template <class Kind, class... Kinds>
inline constexpr bool is_one_of = (... || std::is_same_v<Kind, Kinds>);
template <class Kind>
inline constexpr bool is_slot_of_actor_critic =
    is_one_of<Kind, word::Policy, word::Network, word::Activation, word::Initialization, word::Distribution,
              word::Objective, word::Returns, word::Buffer, word::Optimizer, word::Critic, word::Sharing,
              word::ObservationNormalization, word::RewardNormalization, word::ValueNormalization,
              word::AgentIds, word::ActiveMasks, word::Actors, word::Magnet, word::OpponentModel,
              word::Shaping, word::Defaults>;
template <class Kind>
inline constexpr bool is_slot_of_q_learning =
    is_one_of<Kind, word::Network, word::Activation, word::Initialization, word::Objective, word::Mixer,
              word::Buffer, word::Exploration, word::Target, word::Optimizer, word::Sharing,
              word::ObservationNormalization, word::AgentIds, word::Average, word::Shaping, word::Defaults>;

template <class Kind>
inline constexpr bool is_slot_of_actor_q =
    is_one_of<Kind, word::Actor, word::Critics, word::Critic, word::Network, word::Activation,
              word::Initialization, word::Objective, word::Buffer, word::Exploration, word::Target,
              word::Optimizer, word::Sharing, word::ObservationNormalization, word::AgentIds, word::Shaping,
              word::Defaults>;

/// Noise that can be put on an action of N numbers.
template <class W, int N>
concept ActionNoise = requires(const typename W::Config& config, float* memory, In<float> in,
                               Out<float> out) { W::template perturb<N>(config, in, memory, out); };

/// The role numbers of E.
template <class E>
using AllRoles = std::make_integer_sequence<int, role_count<E>>;

/// Whether agents of the roles R can have one set of weights.
template <class E, int First, int... R>
constexpr bool equal_spaces() {
  using A = RoleOf<E, First>;
  return (... && (std::is_same_v<typename A::Observation, typename RoleOf<E, R>::Observation> &&
                  std::is_same_v<typename A::Action, typename RoleOf<E, R>::Action>));
}

/// Whether all agents beside one of role R choose indices: those of other roles, and its own if it has more.
template <class E, int R, int... S>
constexpr bool others_choose_indices(std::integer_sequence<int, S...>) {
  constexpr auto indices = [](SpaceKind kind) {
    return kind == SpaceKind::discrete || kind == SpaceKind::multi_discrete;
  };
  return (... && (indices(RoleOf<E, S>::Action::kind) || (S == R && RoleOf<E, S>::count == 1)));
}

/// An algorithm of the user's own answers for itself.
template <class Algorithm, class E, class Handled>
struct Fit : NothingAsked {};
template <class... Words, class E, int... R>
struct Fit<ActorCritic<Words...>, E, std::integer_sequence<int, R...>>
    : ShapingAsked<typename ActorCritic<Words...>::Shaping, E, false> {
  using A = ActorCritic<Words...>;

  static constexpr bool words() { return (... && is_slot_of_actor_critic<kind_of<Words>>); }
  static constexpr bool objective() { return PointwiseObjective<typename A::Objective>; }
  static constexpr bool returns() {
    using Returns = typename A::Returns;  // values of actions cannot do without values
    return ReturnEstimator<Returns> && (uses_values<Returns> || !A::Critic::counterfactual);
  }
  static constexpr bool optimizer() { return Optimizer<typename A::Optimizer>; }
  static constexpr bool critic() { return !A::Critic::needs_state || HasState<E>; }
  static constexpr bool critic_kind() { return !std::is_same_v<typename A::Critic, JointCritic>; }
  static constexpr bool team() {
    using Returns = typename A::Returns;
    return !values_team<typename A::Critic> ||
           (E::rewards == RewardStructure::shared && A::Shaping::template keeps_shared_rewards<E> &&
            !HasTurns<E> && sizeof...(R) == role_count<E> && A::AgentIds::template features<E> == 0 &&
            !A::Magnet::attracts && uses_values<Returns> && !recomputes<Returns> &&
            !GroupEstimator<Returns> &&
            (std::is_same_v<typename A::Sharing, SharedParameters> ||
             (role_count<E> == 1 && !std::is_same_v<typename A::Sharing, SeparateParameters>)) &&
            (... && EvaluatesParts<Model<R>>));
  }
  static constexpr bool actions() {
    return !A::Critic::counterfactual || []<int... Each>(std::integer_sequence<int, Each...>) {
      return (... && (RoleOf<E, Each>::Action::kind == SpaceKind::discrete));
    }(AllRoles<E>{});
  }
  static constexpr bool sharing() {
    return !std::is_same_v<typename A::Sharing, SharedParameters> || equal_spaces<E, R...>();
  }
  static constexpr bool normalization() {
    return std::is_same_v<typename A::ObservationNormalization, RawObservations> ||
           (... && stored_as_features<typename RoleOf<E, R>::Observation>);
  }
  static constexpr bool distribution() {
    return (... && distribution_fits<typename A::Distribution, typename RoleOf<E, R>::Action>);
  }
  static constexpr bool policy() { return (... && has_policy<R>()); }
  static constexpr bool asynchronous = A::Actors::asynchronous;
  static constexpr bool over_ranks() { return !asynchronous && !A::Shaping::shapes; }
  static constexpr bool actors() {
    return !asynchronous || (std::is_same_v<typename A::ObservationNormalization, RawObservations> &&
                             std::is_same_v<typename A::RewardNormalization, RawRewards> &&
                             !A::ValueNormalization::normalizes && !A::Magnet::attracts &&
                             !GroupEstimator<typename A::Returns>);
  }
  static constexpr bool magnet() {
    return !A::Magnet::attracts || (... && MeasuresDivergence<Model<R>, Simd>);
  }
  static constexpr bool models = A::OpponentModel::models;
  static constexpr bool modelled_agents() { return !models || agent_count<E> > 1; }
  static constexpr bool modelled_actions() {
    return !models || (... && others_choose_indices<E, R>(AllRoles<E>{}));
  }
  static constexpr bool modelling_policy() { return !models || (... && ModelsOpponents<Model<R>>); }

 private:
  template <int Role>
  using Model = typename A::Policy::template policy<PolicyParts<
      E, typename RoleOf<E, Role>::Observation, typename RoleOf<E, Role>::Action, typename A::Network,
      typename A::Activation, typename A::Initialization, typename A::Distribution, typename A::Critic,
      typename A::AgentIds, typename A::OpponentModel, Role>>;
  template <int Role>
  static constexpr bool has_policy() {
    using Config = typename A::Policy::template Config<typename A::Initialization>;
    return Policy<Model<Role>, Simd> && std::constructible_from<Model<Role>, const Config&>;
  }
};

template <class... Words, class E, int... R>
struct Fit<QLearning<Words...>, E, std::integer_sequence<int, R...>>
    : ShapingAsked<typename QLearning<Words...>::Shaping, E, QLearning<Words...>::Mixer::joint> {
  using A = QLearning<Words...>;
  static constexpr bool shares = std::is_same_v<typename A::Sharing, SharedParameters>;

  static constexpr bool words() { return (... && is_slot_of_q_learning<kind_of<Words>>); }
  static constexpr bool objective() { return TemporalDifferenceLoss<typename A::Objective>; }
  static constexpr bool optimizer() { return Optimizer<typename A::Optimizer>; }
  static constexpr bool sharing() { return !shares || equal_spaces<E, R...>(); }
  static constexpr bool normalization() {
    return std::is_same_v<typename A::ObservationNormalization, RawObservations> ||
           (... && stored_as_features<typename RoleOf<E, R>::Observation>);
  }
  static constexpr bool values() { return (... && (RoleOf<E, R>::Action::kind == SpaceKind::discrete)); }
  static constexpr bool exploration() { return !ActionNoise<typename A::Exploration, 1>; }
  static constexpr bool mixed_rewards() { return !A::Mixer::joint || E::rewards == RewardStructure::shared; }
  static constexpr bool mixed_state() { return !A::Mixer::needs_state || HasState<E>; }
  static constexpr bool mixed_team() {
    return !A::Mixer::joint || shares ||
           (sizeof...(R) == 1 && !std::is_same_v<typename A::Sharing, SeparateParameters>);
  }
  static constexpr bool memory() {
    return keeps_episodes<typename A::Buffer> ||
           A::Network::template network<1, 2, typename A::Activation>::carry_size == 0;
  }
  static constexpr bool average() {
    if constexpr (A::Average::averages) {
      return !A::Mixer::joint && !keeps_episodes<typename A::Buffer> &&
             Optimizer<typename A::Average::Optimizer> &&
             A::Average::Network::template network<1, 2, typename A::Activation>::carry_size == 0;
    } else {
      return true;
    }
  }
};

template <class... Words, class E, int... R>
struct Fit<ActorQ<Words...>, E, std::integer_sequence<int, R...>>
    : ShapingAsked<typename ActorQ<Words...>::Shaping, E, false> {
  using A = ActorQ<Words...>;
  static constexpr bool shares = std::is_same_v<typename A::Sharing, SharedParameters>;

  static constexpr bool words() { return (... && is_slot_of_actor_q<kind_of<Words>>); }
  static constexpr bool objective() { return TemporalDifferenceLoss<typename A::Objective>; }
  static constexpr bool optimizer() { return Optimizer<typename A::Optimizer>; }
  static constexpr bool critic() { return !A::Critic::needs_state || HasState<E>; }
  static constexpr bool sharing() { return !shares || equal_spaces<E, R...>(); }
  static constexpr bool normalization() {
    return std::is_same_v<typename A::ObservationNormalization, RawObservations> ||
           (... && stored_as_features<typename RoleOf<E, R>::Observation>);
  }
  static constexpr bool actor() {
    return (... && ActorWordFor<typename A::Actor, typename RoleOf<E, R>::Action>);
  }
  static constexpr bool exploration() { return (... && explores<typename RoleOf<E, R>::Action>()); }
  static constexpr bool joint_team() {
    return !A::joint || shares ||
           (sizeof...(R) == 1 && !std::is_same_v<typename A::Sharing, SeparateParameters>);
  }
  static constexpr bool critic_kind() { return !A::Critic::counterfactual; }
  static constexpr bool transitions() { return !keeps_episodes<typename A::Buffer>; }
  static constexpr bool memory() {
    return A::Network::template network<1, 2, typename A::Activation>::carry_size == 0;
  }

 private:
  template <class Action>
  static constexpr bool explores() {
    using Noise = typename A::Exploration;
    return ActionNoise<Noise, Action::words> &&
           (Action::kind == SpaceKind::box || std::is_same_v<Noise, SampledActions>);
  }
};

template <class... Words, class E, int... R>
struct Fit<Tabular<Words...>, E, std::integer_sequence<int, R...>>
    : ShapingAsked<typename Tabular<Words...>::Shaping, E, false> {
  static constexpr bool words() { return (... && std::is_same_v<kind_of<Words>, word::Shaping>); }
  static constexpr bool values() { return (... && (RoleOf<E, R>::Action::kind == SpaceKind::discrete)); }
  static constexpr bool tables() { return (... && EnumerableSpace<typename RoleOf<E, R>::Observation>); }
};

/// The same of several algorithms side by side, each for its role; and whether each role has exactly one.
template <class Algorithm, class E>
struct FitsOf : Fit<Algorithm, E, AllRoles<E>> {
  static constexpr bool roles() { return true; }
  static constexpr bool opponents() { return true; }
};
template <class... Parts, class E>
struct FitsOf<Policies<Parts...>, E> {
  template <class Part>
  using Of = Fit<typename SentenceOf<typename Part::Algorithm>::type, E,
                 std::integer_sequence<int, role_index<E, typename Part::Tag>>>;

  static constexpr bool roles() {
    return []<int... R>(std::integer_sequence<int, R...>) {
      return sizeof...(Parts) == sizeof...(R) &&
             (... && is_one_of<typename RoleOf<E, R>::Tag, typename Parts::Tag...>);
    }(AllRoles<E>{});
  }
  static constexpr bool words() { return (... && Of<Parts>::words()); }
  static constexpr bool objective() { return (... && Of<Parts>::objective()); }
  static constexpr bool returns() { return (... && Of<Parts>::returns()); }
  static constexpr bool optimizer() { return (... && Of<Parts>::optimizer()); }
  static constexpr bool critic() { return (... && Of<Parts>::critic()); }
  static constexpr bool actions() { return (... && Of<Parts>::actions()); }
  static constexpr bool sharing() { return (... && Of<Parts>::sharing()); }
  static constexpr bool normalization() { return (... && Of<Parts>::normalization()); }
  static constexpr bool distribution() { return (... && Of<Parts>::distribution()); }
  static constexpr bool policy() { return (... && Of<Parts>::policy()); }
  static constexpr bool magnet() { return (... && Of<Parts>::magnet()); }
  static constexpr bool modelled_agents() { return (... && Of<Parts>::modelled_agents()); }
  static constexpr bool modelled_actions() { return (... && Of<Parts>::modelled_actions()); }
  static constexpr bool modelling_policy() { return (... && Of<Parts>::modelling_policy()); }
  static constexpr bool values() { return (... && Of<Parts>::values()); }
  static constexpr bool mixed_rewards() { return (... && Of<Parts>::mixed_rewards()); }
  static constexpr bool mixed_state() { return (... && Of<Parts>::mixed_state()); }
  static constexpr bool mixed_team() { return (... && Of<Parts>::mixed_team()); }
  static constexpr bool memory() { return (... && Of<Parts>::memory()); }
  static constexpr bool average() { return (... && Of<Parts>::average()); }
  static constexpr bool tables() { return (... && Of<Parts>::tables()); }
  static constexpr bool actor() { return (... && Of<Parts>::actor()); }
  static constexpr bool exploration() { return (... && Of<Parts>::exploration()); }
  static constexpr bool joint_team() { return (... && Of<Parts>::joint_team()); }
  static constexpr bool transitions() { return (... && Of<Parts>::transitions()); }
  static constexpr bool critic_kind() { return (... && Of<Parts>::critic_kind()); }
  static constexpr bool over_ranks() { return (... && Of<Parts>::over_ranks()); }
  static constexpr bool team() { return (... && Of<Parts>::team()); }
  static constexpr bool actors() { return !(... || Of<Parts>::asynchronous); }
  static constexpr bool potential() { return (... && Of<Parts>::potential()); }
  static constexpr bool counterfactual() { return (... && Of<Parts>::counterfactual()); }
  static constexpr bool target_actions() { return (... && Of<Parts>::target_actions()); }
  static constexpr bool others() { return (... && Of<Parts>::others()); }
  static constexpr bool shaped_team() { return (... && Of<Parts>::shaped_team()); }
  static constexpr bool components() { return (... && Of<Parts>::components()); }
  static constexpr bool opponents() { return true; }
};

/// Whether an algorithm acts by what it remembers, compares lanes, or learns from what several agents did.
template <class Algorithm>
constexpr bool needs_whole_lanes() {
  if constexpr (requires { typename Algorithm::Network; }) {
    if constexpr (Algorithm::Network::template network<1, 2, typename Algorithm::Activation>::carry_size > 0)
      return true;
  }
  if constexpr (requires { typename Algorithm::Actors; }) {
    if constexpr (Algorithm::Actors::asynchronous || GroupEstimator<typename Algorithm::Returns> ||
                  Algorithm::Critic::counterfactual)
      return true;
  }
  if constexpr (requires { Algorithm::joint; }) {
    if constexpr (Algorithm::joint) return true;
  }
  return false;
}
template <class Algorithm>
inline constexpr bool plays_with_opponents = !needs_whole_lanes<typename SentenceOf<Algorithm>::type>();
template <class... Parts>
inline constexpr bool plays_with_opponents<Policies<Parts...>> =
    (... && !needs_whole_lanes<typename SentenceOf<typename Parts::Algorithm>::type>());

/// An algorithm against its past: what the algorithm itself asks, and that there is somebody to win against.
template <class Algorithm, class Opponents, class E>
struct FitsOf<SelfPlay<Algorithm, Opponents>, E> : FitsOf<typename SentenceOf<Algorithm>::type, E> {
  static constexpr bool over_ranks() { return false; }
  static constexpr bool opponents() {
    return OpponentsWord<Opponents> && agent_count<E> > 1 && E::rewards != RewardStructure::shared &&
           plays_with_opponents<Algorithm>;
  }
};

template <class... Words>
using FitOf = FitsOf<typename SentenceOf<AlgorithmOf<Words...>>::type, EnvironmentOf<Words...>>;

/// The other operand of each requirement: of a disjunction g++ does not print all the words yet another time.
inline constexpr bool refused = false;

/// What a device can do with the other words.
template <class... Words>
struct DeviceFit {
  using D = DeviceOf<Words...>;
  using E = EnvironmentOf<Words...>;
  static constexpr bool steps = D::template steps<E>;
  static constexpr bool trains = D::template trains<AlgorithmOf<Words...>, E>;
  static constexpr bool draws = D::template draws<CurriculumOf<Words...>>;
  static constexpr bool sums_over_ranks = D::template sums_over<CollectiveOf<Words...>>;
};
/// The other operand where a device does not: what a GPU wants in a collective's place.
inline constexpr bool gpus_sum_by_collective_nccl = false;

}  // namespace internal

}  // namespace polis
