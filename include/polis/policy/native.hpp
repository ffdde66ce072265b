// Words from which the native policy of a role is made: the policy itself, its critic's input, its
// distribution.
#pragma once

#include <type_traits>

#include <polis/core/word.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/product.hpp>
#include <polis/distribution/simplex_gaussian.hpp>
#include <polis/env/environment.hpp>
#include <polis/policy/actor_critic_policy.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

template <class S>
struct DistributionOf {
  static_assert(S::kind == SpaceKind::box, "a space of the library");
  using type = DiagGaussian<S::words>;
};
template <class S>
  requires(S::kind == SpaceKind::discrete)
struct DistributionOf<S> {
  using type = Categorical<S::size>;
};
template <class S>
  requires(S::kind == SpaceKind::simplex)
struct DistributionOf<S> {
  using type = SimplexGaussian<S::words>;
};
template <int... N>
struct DistributionOf<MultiDiscrete<N...>> {
  using type = Product<Categorical<N>...>;
};
template <class... S>
struct DistributionOf<Tuple<S...>> {
  using type = Product<typename DistributionOf<S>::type...>;
};

}  // namespace internal

/// The distribution that fits the action space: categorical for indices, a diagonal Gaussian for a Box, one
/// mapped to the Simplex, and the product of those for a Tuple.
struct FittingDistribution {
  using word = word::Distribution;
  template <class Action>
  using distribution = typename internal::DistributionOf<Action>::type;
};

/// The critic sees what its agent sees.
struct LocalCritic {
  using word = word::Critic;
  static constexpr bool needs_state = false;
  template <class, class Observation>
  static constexpr int features = Observation::features;
};

/// The critic sees the environment's whole state (Lowe et al. 2017; Yu et al. 2022).
struct CentralCritic {
  using word = word::Critic;
  static constexpr bool needs_state = true;
  template <class E, class>
  static constexpr int features = E::State::features;
};

/// What a policy word is given to make the policy of one role.
template <class E, class ObservationSpace, class ActionSpace, class NetworkWord, class ActivationWord,
          class InitializationWord, class DistributionWord, class CriticWord>
struct PolicyParts {
  using Environment = E;
  using Observation = ObservationSpace;
  using Action = ActionSpace;
  using Network = NetworkWord;
  using Activation = ActivationWord;
  using Initialization = InitializationWord;
  using Distribution = typename DistributionWord::template distribution<ActionSpace>;
  static constexpr int features = ObservationSpace::features;
  static constexpr int critic_features = CriticWord::template features<E, ObservationSpace>;
};

/// Two networks of the library's own.
struct NativePolicy {
  using word = word::Policy;
  template <class Parts>
  using policy = ActorCriticPolicy<
      typename Parts::Network::template network<Parts::features, Parts::Distribution::inputs,
                                                typename Parts::Activation>,
      typename Parts::Network::template network<Parts::critic_features, 1, typename Parts::Activation>,
      typename Parts::Distribution, typename Parts::Initialization>;
  template <class Initialization>
  using Config = ActorCriticConfig<Initialization>;
};

}  // namespace polis
