// The seam between algorithm and model.
//
// To an algorithm, a 64-wide network, a recurrent one and a language model are alike: something that samples
// actions for rows of features, and later returns log-probability, entropy and value of the actions taken and
// takes the derivatives of a loss with respect to them. All arrays are tiles (core/tile.hpp).
#pragma once

#include <concepts>
#include <cstddef>

#include <polis/core/random.hpp>
#include <polis/policy/parameters.hpp>

namespace polis {

/// What of a policy is evaluated: a team has one value of what several of its rows act on (TeamCritic).
enum class PolicyPart { both, actor, critic };

/// Rows to evaluate: `steps` time steps (1 where the policy has no carry) of up to 64 rows. Everything is
/// [step][...][64]. `decided` marks the slots that hold a decision; null means all. `starts` marks those
/// whose carry is cleared before the step; null means none.
struct PolicyBatch {
  int steps = 1;
  int rows = 0;
  const float* features = nullptr;  // [steps][features][64]
  const float* critic_features =
      nullptr;                     // [steps][critic features][64]; the actor's where the critic has none
  const float* masks = nullptr;    // [steps][mask][64], null where all actions are legal
  const float* actions = nullptr;  // [steps][action words][64]
  const float* decided = nullptr;  // [steps][64]
  const float* starts = nullptr;   // [steps][64]
  const float* carry = nullptr;    // [carry_size][64] before the first step
  PolicyPart part = PolicyPart::both;
  bool turned = false;            // the workspace has these weights turned (TurnsWeightsFor)
  const float* others = nullptr;  // [steps][others' words][64]: what the other agents did (ModelsOpponents)
};

/// What evaluating gives, and what a loss gives back as derivatives: [steps][64] each. The value is that of
/// the state or, of a counterfactual critic, that of the action taken; `baseline` is then its mean over the
/// actions that the policy might have taken instead, which is not differentiated.
struct PolicyOutputs {
  float* log_prob = nullptr;
  float* entropy = nullptr;
  float* value = nullptr;
  float* baseline = nullptr;
  /// Of a model of other agents (ModelsOpponents), null where not asked for. Accuracies are not
  /// differentiated, and with `detached` the other outputs are not with respect to the model's weights.
  float *prediction_loss = nullptr, *prediction_accuracy = nullptr;
  bool detached = false;
};

/// The same of a policy that is drawn to a magnet (MeasuresDivergence): a type of its own, so that others
/// compile nothing of it.
struct MagnetOutputs : PolicyOutputs {
  float* divergence = nullptr;  ///< [64]: KL(policy || magnet)
};

/// The policy's critic has a value for each action of an agent rather than one for its situation; it is read
/// by `evaluate` alone.
template <class P>
concept HasActionValues = requires { requires P::counterfactual; };

/// A policy that says how far it is from another one of the same kind, and can be drawn to it: after
/// `attract(magnet, workspace, batch)` the next `evaluate` of the batch with MagnetOutputs also gives
/// KL(policy || magnet) of each row, and `backward` takes its derivatives. Only a policy without a carry:
/// what a magnet would remember nobody keeps.
template <class P, class Arch>
concept MeasuresDivergence =
    requires(const P policy, const typename P::Parameters& magnet, typename P::Workspace& workspace,
             const PolicyBatch& batch, const MagnetOutputs& out) {
      policy.template attract<Arch>(magnet, workspace, batch);
      policy.template evaluate<Arch>(magnet, workspace, batch, out);
    };

/// A policy with a model of other agents: `evaluate` says how well it predicts `batch.others`, what each of
/// them did at the same decision, by the cross-entropy and the accuracy of each row, and `backward` takes the
/// derivatives of the first. Words of an agent that did not act are -1.
template <class P>
concept ModelsOpponents = requires { requires P::other_words > 0; };

/// A policy that is faster by turned weights: once `turn` has prepared the workspace, and for as long as the
/// weights stay as they are, batches may say that they are `turned`. That pays for `act` where
/// `acts_turned(rows)`, for all passes where `learns_turned`.
template <class P, class Arch>
concept TurnsWeightsFor =
    requires(const P policy, const typename P::Parameters& constant, typename P::Workspace& workspace) {
      requires P::template turns<Arch>;
      { P::template learns_turned<Arch> } -> std::convertible_to<bool>;
      { P::template acts_turned<Arch>(1) } -> std::convertible_to<bool>;
      policy.template turn<Arch>(constant, workspace);
    };

/// A policy whose actor and critic can be evaluated apart: `evaluate` and `backward` keep to the part that a
/// batch names, and need no features of the other.
template <class P>
concept EvaluatesParts = requires { requires P::parts; };

/// A model that an on-policy algorithm can train. Weights are apart from the policy (`Parameters`), so that
/// target copies, opponents and shards of a gradient are plain values; scratch memory is a `Workspace`, one
/// per thread, so that the steady state allocates nothing. `act` and `value` advance their parts of the
/// carry, [carry_size][64]; of a policy with a carry, `value` of a batch with `features` follows its `act`.
template <class P, class Arch>
concept Policy =
    Parameters<typename P::Parameters> &&
    requires(const P policy, typename P::Parameters& weights, const typename P::Parameters& constant,
             typename P::Workspace& workspace, const PolicyBatch& batch, const PolicyOutputs& out,
             Random& random, float* tile, const float* uniforms) {
      { P::carry_size } -> std::convertible_to<int>;
      { P::noise } -> std::convertible_to<int>;
      { P::words } -> std::convertible_to<int>;
      { P::mask_size } -> std::convertible_to<int>;
      { policy.parameters(random) } -> std::same_as<typename P::Parameters>;
      { policy.workspace(1) } -> std::same_as<typename P::Workspace>;
      policy.template act<Arch>(constant, workspace, batch, uniforms, tile, tile, tile);
      policy.template evaluate<Arch>(constant, workspace, batch, out);
      policy.template backward<Arch>(constant, workspace, batch, out, weights);
    } &&
    (HasActionValues<P> || requires(const P policy, const typename P::Parameters& constant,
                                    typename P::Workspace& workspace, const PolicyBatch& batch, float* tile) {
      policy.template value<Arch>(constant, workspace, batch, tile, tile);
    });

}  // namespace polis
