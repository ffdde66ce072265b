// What a Trainer is made of, and everything that a composition must satisfy, in one place.
//
// Each concept below is one requirement; its name is what a compiler prints when a composition breaks it.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/algorithm/actor_critic.hpp>
#include <polis/algorithm/policies.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/curriculum/adaptive.hpp>
#include <polis/curriculum/none.hpp>
#include <polis/curriculum/staged.hpp>
#include <polis/device/cpu.hpp>
#include <polis/env/multi_agent_env.hpp>

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
using DeviceOf = typename LastOfKind<word::Device, Device<Cpu>, Words...>::type::type;

/// Whether every word of a sentence fills a slot that the sentence has.
template <class Kind, class... Kinds>
inline constexpr bool is_one_of = (... || std::is_same_v<Kind, Kinds>);
template <class Kind>
inline constexpr bool is_slot =
    is_one_of<Kind, word::Policy, word::Network, word::Activation, word::Initialization, word::Distribution,
              word::Objective, word::Returns, word::Buffer, word::Optimizer, word::Critic, word::Sharing,
              word::ObservationNormalization, word::RewardNormalization>;
template <class Sentence>
inline constexpr bool every_word_is_used = false;
template <class... Words>
inline constexpr bool every_word_is_used<ActorCritic<Words...>> = (... && is_slot<typename Words::word>);

/// The role numbers of E.
template <class E>
using AllRoles = std::make_integer_sequence<int, role_count<E>>;

/// Whether `holds(std::integral_constant<int, R>{})` for each of these roles.
template <int... R>
constexpr bool for_roles(std::integer_sequence<int, R...>, auto holds) {
  return (... && holds(std::integral_constant<int, R>{}));
}

template <class E>
constexpr bool roles_have_equal_spaces() {
  return for_roles(AllRoles<E>{}, [](auto r) {
    using Role = RoleOf<E, decltype(r)::value>;
    return std::is_same_v<typename Role::Observation, typename RoleOf<E, 0>::Observation> &&
           std::is_same_v<typename Role::Action, typename RoleOf<E, 0>::Action>;
  });
}

template <class E, class Handled>
constexpr bool observations_are_numbers() {
  return for_roles(Handled{}, [](auto r) {
    return stored_as_features<typename RoleOf<E, decltype(r)::value>::Observation>;
  });
}

template <class Sentence, class E, class Arch, class Handled>
constexpr bool has_policies() {
  return for_roles(Handled{}, [](auto r) {
    using Role = RoleOf<E, decltype(r)::value>;
    using Parts = PolicyParts<E, typename Role::Observation, typename Role::Action, typename Sentence::Network,
                              typename Sentence::Activation, typename Sentence::Initialization,
                              typename Sentence::Distribution, typename Sentence::Critic>;
    using Model = typename Sentence::Policy::template policy<Parts>;
    using Config = typename Sentence::Policy::template Config<typename Sentence::Initialization>;
    return polis::Policy<Model, Arch> && std::constructible_from<Model, const Config&>;
  });
}

template <class Algorithm>
inline constexpr bool is_policies = false;
template <class... Parts>
inline constexpr bool is_policies<Policies<Parts...>> = true;

template <class Algorithm, class E>
inline constexpr bool covers_roles = false;
template <class... Parts, class E>
inline constexpr bool covers_roles<Policies<Parts...>, E> =
    sizeof...(Parts) == role_count<E> && for_roles(AllRoles<E>{}, [](auto r) {
      return (... || std::is_same_v<typename Parts::Tag, typename RoleOf<E, decltype(r)::value>::Tag>);
    });

}  // namespace internal

/// One of the words is an algorithm: PPO, or a sentence made from it.
template <class... Words>
concept NamesAnAlgorithm = !std::is_void_v<internal::AlgorithmOf<Words...>>;

/// One of the words is MultiAgentEnv<E>.
template <class... Words>
concept NamesAnEnvironment = !std::is_void_v<internal::EnvironmentOf<Words...>>;

/// A word of a kind for which the algorithm has no slot would silently change nothing.
template <class Algorithm>
concept EveryWordHasItsSlot = internal::every_word_is_used<Algorithm>;

/// An objective is a pointwise function with its derivatives: `policy_loss` and `value_loss` (PointwiseObjective).
template <class Algorithm>
concept ObjectiveIsPointwise = PointwiseObjective<typename Algorithm::Objective>;

/// A returns word fills advantages and returns of a row: `estimate`, and `Config::discount` (ReturnEstimator).
template <class Algorithm>
concept ReturnsAreEstimated = ReturnEstimator<typename Algorithm::Returns>;

/// An optimizer turns the gradient of each block into a step: `begin_step` and `update` (Optimizer).
template <class Algorithm>
concept OptimizerStepsBlocks = Optimizer<typename Algorithm::Optimizer>;

/// A centralised critic reads the whole state, which the environment must give.
template <class Algorithm, class E>
concept CriticHasItsState = !Algorithm::Critic::needs_state || HasState<E>;

/// Agents of different roles can have one set of weights only if they see and do things of the same shape.
template <class Algorithm, class E>
concept SharedParametersHaveEqualSpaces =
    !std::is_same_v<typename Algorithm::Sharing, SharedParameters> || internal::roles_have_equal_spaces<E>();

/// Running statistics make sense of numbers, not of indices.
template <class Algorithm, class E, class Handled>
concept NormalizedObservationsAreNumbers =
    std::is_same_v<typename Algorithm::ObservationNormalization, RawObservations> ||
    internal::observations_are_numbers<E, Handled>();

/// The policy, network and distribution words together make a model that can act and be trained (Policy).
template <class Algorithm, class E, class Handled>
concept PolicyFitsItsSpaces = internal::has_policies<Algorithm, E, Simd, Handled>();

/// All that one algorithm asks of the roles of an environment for which it learns.
template <class Algorithm, class E, class Handled = internal::AllRoles<E>>
concept SentenceFitsEnvironment =
    EveryWordHasItsSlot<Algorithm> && ObjectiveIsPointwise<Algorithm> && ReturnsAreEstimated<Algorithm> &&
    OptimizerStepsBlocks<Algorithm> && CriticHasItsState<Algorithm, E> &&
    (Handled::size() == 1 || SharedParametersHaveEqualSpaces<Algorithm, E>) &&
    NormalizedObservationsAreNumbers<Algorithm, E, Handled> && PolicyFitsItsSpaces<Algorithm, E, Handled>;

namespace internal {
template <class Algorithm, class E>
inline constexpr bool parts_fit = false;
template <class... Parts, class E>
inline constexpr bool parts_fit<Policies<Parts...>, E> =
    (... && SentenceFitsEnvironment<typename Parts::Algorithm, E,
                                    std::integer_sequence<int, role_index<E, typename Parts::Tag>>>);
}  // namespace internal

/// Several algorithms share out the roles of an environment: one for each, none twice, none that does not exist.
template <class Algorithm, class E>
concept EveryRoleHasItsPolicy = internal::covers_roles<Algorithm, E>;

/// Each of several algorithms fits the role it learns for, as if it were alone.
template <class Algorithm, class E>
concept EveryPolicyFitsItsRole = internal::parts_fit<Algorithm, E>;

/// All that an algorithm, or several side by side, ask of an environment.
template <class Algorithm, class E>
concept AlgorithmFitsEnvironment =
    (internal::is_policies<Algorithm> && EveryRoleHasItsPolicy<Algorithm, E> && EveryPolicyFitsItsRole<Algorithm, E>) ||
    (!internal::is_policies<Algorithm> && SentenceFitsEnvironment<Algorithm, E>);

/// A curriculum of stages needs an environment that has them (`stages` and `task`).
template <class C, class E>
concept CurriculumHasItsStages = !C::needs_stages || HasStages<E>;

/// A curriculum that advances by success needs an environment that states it (`success`).
template <class C, class E>
concept CurriculumHasItsSuccess = !C::needs_success || StatesSuccess<E>;

/// All that a Trainer asks of its words.
template <class... Words>
concept SoundComposition =
    NamesAnAlgorithm<Words...> && NamesAnEnvironment<Words...> &&
    AlgorithmFitsEnvironment<internal::AlgorithmOf<Words...>, internal::EnvironmentOf<Words...>> &&
    CurriculumHasItsStages<internal::CurriculumOf<Words...>, internal::EnvironmentOf<Words...>> &&
    CurriculumHasItsSuccess<internal::CurriculumOf<Words...>, internal::EnvironmentOf<Words...>>;

}  // namespace polis
