// The probabilities of actions as a function of what an agent sees: what exact evaluations ask for, such as
// the exploitability of a learnt policy (envs/games/exploitability.hpp).
//
//     GameTree<KuhnPoker>().exploitability(action_probabilities(trainer.learner()))
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/text.hpp>
#include <polis/core/tile.hpp>
#include <polis/policy/policy.hpp>

namespace polis {

namespace internal {

/// The set of weights by which an agent of the learner's first role acts. Error: there is none.
template <class Learner>
const auto& agents_of(const Learner& learner, int agent) {
  for (const auto& agents : learner.agents()) {
    const auto& ours = agents.agents();
    if (std::find(ours.begin(), ours.end(), agent) != ours.end()) return agents;
  }
  throw Error(concat({"found agent ", agent}), "action_probabilities", "an agent of the first role");
}

/// Sets of weights that say themselves how likely their actions are: average policies.
template <class Learner>
concept KnowsProbabilities =
    requires(const Learner& learner, In<float> row) { learner.agents()[0].probabilities(0, row, row); };

/// Probabilities by the sets of weights of an actor-critic learner's first role, one observation at a time.
template <class Learner>
class ActionProbabilities {
  using Members = std::remove_cvref_t<decltype(std::declval<const Learner&>().agents())>;
  using Agents = std::remove_cvref_t<decltype(std::declval<const Members&>()[0])>;
  using Policy = typename Agents::Policy;
  using Observation = typename Agents::Observation;
  static constexpr int actions = Agents::Action::size;
  static_assert(Policy::carry_size == 0, "what a policy remembers is no part of an observation");

 public:
  [[gnu::cold]] explicit ActionProbabilities(const Learner& learner)
      : learner_(learner), workspace_(learner.agents()[0].policy().workspace(1)) {
    constexpr auto tile = [](int n) { return static_cast<std::size_t>(n) * tile_rows; };
    memory_ = FloatArena({{&features_, tile(std::max(Policy::features, Policy::critic_features))},
                          {&masks_, tile(actions)},
                          {&action_, tile(1)},
                          {&log_prob_, tile(1)},
                          {&entropy_, tile(1)},
                          {&value_, tile(1)}});
  }

  /// The probabilities of the agent's actions; `legal` holds a flag for each.
  Array<double, actions> operator()(int agent, In<float> observation, In<float> legal) const {
    const Agents& agents = agents_of(learner_, agent);
    Array<float, Observation::words> words{};
    for (int i = 0; i < Observation::words; ++i) words[i] = observation[i];
    agents.features_of(agent, words.data(), features_);
    for (int i = 0; i < actions; ++i) std::fill_n(masks_ + i * tile_rows, tile_rows, legal[i]);
    PolicyBatch batch{
        .rows = actions, .features = features_, .critic_features = features_, .actions = action_};
    if constexpr (Agents::mask_size > 0) batch.masks = masks_;
    for (int i = 0; i < actions; ++i) action_[i] = static_cast<float>(i);
    agents.policy().template evaluate<Simd>(agents.weights(), workspace_, batch,
                                            {log_prob_, entropy_, value_});
    Array<double, actions> result{};
    double sum = 0;
    for (int i = 0; i < actions; ++i) {
      if (legal[i] != 0.f || Agents::mask_size == 0)
        sum += result[i] = std::exp(static_cast<double>(log_prob_[i]));
    }
    for (int i = 0; i < actions; ++i) result[i] /= sum;  // to 1 but for the rounding of floats
    return result;
  }

 private:
  const Learner& learner_;
  mutable typename Policy::Workspace workspace_;
  float *features_, *masks_, *action_, *log_prob_, *entropy_, *value_;
  FloatArena memory_;
};

}  // namespace internal

/// The policy of an actor-critic learner whose actions are Discrete, or the average policy of one that has
/// it, as a callable (int agent, In<float> observation, In<float> legal) -> Array<double, actions>, of the
/// learner's weights as they are at each call; the learner must outlive it. Error of a call: the agent is
/// none of the learner's first role.
template <class Learner>
[[nodiscard, gnu::cold]] auto action_probabilities(const Learner& learner) {
  if constexpr (internal::KnowsProbabilities<Learner>) {
    return [&learner](int agent, In<float> observation, In<float> legal) {
      return internal::agents_of(learner, agent).probabilities(agent, observation, legal);
    };
  } else {
    return internal::ActionProbabilities<Learner>(learner);
  }
}

}  // namespace polis
