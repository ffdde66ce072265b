// What a Trainer is made of, and everything that a composition must satisfy, in one place.
//
// Each concept below is one requirement; its name is what a compiler prints when a composition breaks it.
#pragma once

#include <string>
#include <type_traits>

#include <polis/algorithm/actor_critic.hpp>
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
template <class Sentence>
inline constexpr bool every_word_is_used = false;
template <class... Words>
inline constexpr bool every_word_is_used<ActorCritic<Words...>> =
    (... && (std::is_same_v<typename Words::word, word::Policy> || std::is_same_v<typename Words::word, word::Network> ||
             std::is_same_v<typename Words::word, word::Activation> ||
             std::is_same_v<typename Words::word, word::Initialization> ||
             std::is_same_v<typename Words::word, word::Distribution> ||
             std::is_same_v<typename Words::word, word::Objective> ||
             std::is_same_v<typename Words::word, word::Returns> || std::is_same_v<typename Words::word, word::Buffer> ||
             std::is_same_v<typename Words::word, word::Optimizer> ||
             std::is_same_v<typename Words::word, word::Critic> || std::is_same_v<typename Words::word, word::Sharing> ||
             std::is_same_v<typename Words::word, word::ObservationNormalization> ||
             std::is_same_v<typename Words::word, word::RewardNormalization>));

template <class E>
constexpr bool roles_have_equal_spaces() {
  return []<int... R>(std::integer_sequence<int, R...>) {
    return (... && (std::is_same_v<typename RoleOf<E, R>::Observation, typename RoleOf<E, 0>::Observation> &&
                    std::is_same_v<typename RoleOf<E, R>::Action, typename RoleOf<E, 0>::Action>));
  }(std::make_integer_sequence<int, role_count<E>>{});
}

template <class E>
constexpr bool observations_are_numbers() {
  return []<int... R>(std::integer_sequence<int, R...>) {
    return (... && stored_as_features<typename RoleOf<E, R>::Observation>);
  }(std::make_integer_sequence<int, role_count<E>>{});
}

template <class Algorithm, class E>
concept Central = Algorithm::Critic::needs_state;

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

/// A centralised critic reads the whole state, which the environment must give.
template <class Algorithm, class E>
concept CriticHasItsState = !Algorithm::Critic::needs_state || HasState<E>;

/// Agents of different roles can have one set of weights only if they see and do things of the same shape.
template <class Algorithm, class E>
concept SharedParametersHaveEqualSpaces =
    !std::is_same_v<typename Algorithm::Sharing, SharedParameters> || internal::roles_have_equal_spaces<E>();

/// Running statistics make sense of numbers, not of indices.
template <class Algorithm, class E>
concept NormalizedObservationsAreNumbers =
    std::is_same_v<typename Algorithm::ObservationNormalization, RawObservations> ||
    internal::observations_are_numbers<E>();

/// A curriculum of stages needs an environment that has them (`stages` and `task`).
template <class C, class E>
concept CurriculumHasItsStages = !C::needs_stages || HasStages<E>;

/// A curriculum that advances by success needs an environment that states it (`success`).
template <class C, class E>
concept CurriculumHasItsSuccess = !C::needs_success || StatesSuccess<E>;

/// All that an algorithm asks of an environment.
template <class Algorithm, class E>
concept AlgorithmFitsEnvironment =
    EveryWordHasItsSlot<Algorithm> && CriticHasItsState<Algorithm, E> && SharedParametersHaveEqualSpaces<Algorithm, E> &&
    NormalizedObservationsAreNumbers<Algorithm, E>;

/// All that a Trainer asks of its words.
template <class... Words>
concept SoundComposition =
    NamesAnAlgorithm<Words...> && NamesAnEnvironment<Words...> &&
    AlgorithmFitsEnvironment<internal::AlgorithmOf<Words...>, internal::EnvironmentOf<Words...>> &&
    CurriculumHasItsStages<internal::CurriculumOf<Words...>, internal::EnvironmentOf<Words...>> &&
    CurriculumHasItsSuccess<internal::CurriculumOf<Words...>, internal::EnvironmentOf<Words...>>;

}  // namespace polis
