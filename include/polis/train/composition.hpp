// What a Trainer is made of, and everything that a composition must satisfy, in one place.
//
// Each concept below is one requirement; its name is what a compiler prints when a composition breaks it.
#pragma once

#include <polis/train/fit.hpp>

namespace polis {

// The requirements stand side by side, each of them on all the words: what g++ prints for a nested one, or
// for one on words picked from the list, is several times as long.

/// One of the words is an algorithm: PPO, or a sentence made from it.
template <class... Words>
concept NamesAnAlgorithm = !std::is_void_v<internal::AlgorithmOf<Words...>> || internal::refused;

/// One of the words is MultiAgentEnv<E>.
template <class... Words>
concept NamesAnEnvironment = !std::is_void_v<internal::EnvironmentOf<Words...>> || internal::refused;

/// A Trainer takes an algorithm, an environment, a curriculum, a device and a collective. Other words belong
/// inside the algorithm: `PPO::With<Gru<64>>`.
template <class... Words>
concept EveryArgumentHasItsPlace =
    (... && internal::is_one_of<internal::kind_of<Words>, word::Algorithm, word::Environment,
                                word::Curriculum, word::Device, word::Collective>) ||
    internal::refused;

/// Several algorithms share out the roles of an environment: one for each, none twice, none that does not
/// exist.
template <class... Words>
concept EveryRoleHasItsPolicy = internal::FitOf<Words...>::roles() || internal::refused;

/// A word of a kind for which the algorithm has no slot would silently change nothing.
template <class... Words>
concept EveryWordHasItsSlot = internal::FitOf<Words...>::words() || internal::refused;

/// An objective is a pointwise function with its derivatives: `policy_loss` and `value_loss`
/// (PointwiseObjective), of Q-learning `error_loss` (TemporalDifferenceLoss).
template <class... Words>
concept ObjectiveIsPointwise = internal::FitOf<Words...>::objective() || internal::refused;

/// A returns word fills advantages and returns of a row: `estimate`, and `Config::discount`
/// (ReturnEstimator). A counterfactual critic needs one that estimates values.
template <class... Words>
concept ReturnsAreEstimated = internal::FitOf<Words...>::returns() || internal::refused;

/// An optimizer turns the gradient of each block into a step: `begin_step` and `update` (Optimizer).
template <class... Words>
concept OptimizerStepsBlocks = internal::FitOf<Words...>::optimizer() || internal::refused;

/// A centralised critic reads the whole state, which the environment must give.
template <class... Words>
concept CriticHasItsState = internal::FitOf<Words...>::critic() || internal::refused;

/// A counterfactual critic has a value for each of an agent's actions, and sees what all the others do:
/// actions of every role are Discrete.
template <class... Words>
concept CounterfactualActionsAreDiscrete = internal::FitOf<Words...>::actions() || internal::refused;

/// Agents of different roles can have one set of weights only if they see and do things of the same shape.
template <class... Words>
concept SharedParametersHaveEqualSpaces = internal::FitOf<Words...>::sharing() || internal::refused;

/// Running statistics make sense of numbers, not of indices.
template <class... Words>
concept NormalizedObservationsAreNumbers = internal::FitOf<Words...>::normalization() || internal::refused;

/// A distribution is one on the action space, or on a part of it where that is a Tuple: Beta on a Box of
/// finite bounds, Dirichlet on a Simplex.
template <class... Words>
concept DistributionFitsItsActions = internal::FitOf<Words...>::distribution() || internal::refused;

/// An opponent model predicts other agents: there are some.
template <class... Words>
concept OpponentModelHasItsOpponents = internal::FitOf<Words...>::modelled_agents() || internal::refused;

/// What an opponent model predicts is which index each of the others chooses: their actions are Discrete or
/// MultiDiscrete, whatever the agent's own are.
template <class... Words>
concept OpponentActionsAreDiscrete = internal::FitOf<Words...>::modelled_actions() || internal::refused;

/// The policy, network and distribution words together make a model that can act and be trained (Policy).
template <class... Words>
concept PolicyFitsItsSpaces = internal::FitOf<Words...>::policy() || internal::refused;

/// A policy of the user's own would have to make and to use the predictions itself (ModelsOpponents).
template <class... Words>
concept PolicyModelsItsOpponents = internal::FitOf<Words...>::modelling_policy() || internal::refused;

/// A magnet is as far away as its distributions' divergence says, which they have in closed form (categorical
/// and Gaussian ones do; HasDivergence), and the policy remembers nothing (MeasuresDivergence).
template <class... Words>
concept MagnetHasItsDivergence = internal::FitOf<Words...>::magnet() || internal::refused;

/// Q-learning compares the values of single actions: they are Discrete.
template <class... Words>
concept QLearningHasDiscreteActions = internal::FitOf<Words...>::values() || internal::refused;

/// A mixed value is that of one reward, which all agents get (RewardStructure::shared).
template <class... Words>
concept MixerHasSharedRewards = internal::FitOf<Words...>::mixed_rewards() || internal::refused;

/// QMIX's mixing weights come from the whole state, which the environment must give.
template <class... Words>
concept MixerHasItsState = internal::FitOf<Words...>::mixed_state() || internal::refused;

/// A mixer joins agents that have one set of weights: those of one role, or all with SharedParameters.
template <class... Words>
concept MixerHasOneSetOfWeights = internal::FitOf<Words...>::mixed_team() || internal::refused;

/// Single transitions tell a recurrent network nothing of the past; whole Episodes do.
template <class... Words>
concept ReplayedNetworkHasNoMemory = internal::FitOf<Words...>::memory() || internal::refused;

/// An average policy is one of single decisions: no mixer decides with it, and neither network remembers
/// (Episodes, Gru).
template <class... Words>
concept AveragedPolicyStandsAlone = internal::FitOf<Words...>::average() || internal::refused;

/// A table has a row for everything that can be seen: observations are numbered (EnumerableSpace).
template <class... Words>
concept TableNumbersItsObservations = internal::FitOf<Words...>::tables() || internal::refused;

/// Asynchronous actors share weights alone: no running statistics, no comparison of lanes, no magnet, and no
/// algorithm beside theirs whose steps they would have to wait for.
template <class... Words>
concept ActorsShareWeightsAlone = internal::FitOf<Words...>::actors() || internal::refused;

/// An actor of a Q-critic has a head for its actions: deterministic ones for a Box alone. Discrete actions
/// need their relaxation, GumbelSoftmax, or StochasticActor, which takes expectations over them.
template <class... Words>
concept ActorFitsItsActions = internal::FitOf<Words...>::actor() || internal::refused;

/// Noise is put on the numbers of a Box (ActionNoise); Discrete actions are explored by SampledActions, and
/// in Q-learning by EpsilonGreedy.
template <class... Words>
concept ExplorationFitsItsActions = internal::FitOf<Words...>::exploration() || internal::refused;

/// A critic that sees for several agents learns for those with one set of weights: the agents of one role, or
/// all with SharedParameters.
template <class... Words>
concept JointCriticHasOneSetOfWeights = internal::FitOf<Words...>::joint_team() || internal::refused;

/// A critic is one for its algorithm: JointCritic values actions, CounterfactualCritic is an on-policy
/// learner's.
template <class... Words>
concept CriticFitsItsAlgorithm = internal::FitOf<Words...>::critic_kind() || internal::refused;

/// A value that is a whole team's (TeamCritic) is one of shared rewards, which shaping keeps, and of agents
/// that all act in every step by one set of weights and are not told apart by AgentIds; its estimates are
/// made once (not VTrace), and the policy remembers nothing and has neither magnet nor opponent model.
template <class... Words>
concept TeamCriticHasItsTeam = internal::FitOf<Words...>::team() || internal::refused;

/// An actor with a Q-critic learns from single transitions: not from Episodes.
template <class... Words>
concept CriticLearnsFromTransitions = internal::FitOf<Words...>::transitions() || internal::refused;

/// Past policies are played against, so that there are agents whose rewards differ; and the learner sees no
/// more of a lane than its own side: its policy remembers nothing, no lanes are compared, and no critic or
/// mixer joins what several agents did.
template <class... Words>
concept SelfPlayHasItsOpponents = internal::FitOf<Words...>::opponents() || internal::refused;

/// Potential-based shaping asks the environment what a situation is worth (`potential`).
template <class... Words>
concept ShapingHasItsPotential = internal::FitOf<Words...>::potential() || internal::refused;

/// Difference rewards ask the environment what a step would have paid without an agent (`counterfactual`).
template <class... Words>
concept ShapingHasItsCounterfactual = internal::FitOf<Words...>::counterfactual() || internal::refused;

/// A coordination bonus is for coming near a joint action that the environment states (`target_actions`).
template <class... Words>
concept ShapingHasItsTarget = internal::FitOf<Words...>::target_actions() || internal::refused;

/// Who mixes its reward with those of others needs some: more than one agent.
template <class... Words>
concept ShapingHasItsOthers = internal::FitOf<Words...>::others() || internal::refused;

/// Weights and limits are for the components that an environment states of its rewards
/// (`reward_components`).
template <class... Words>
concept ShapingHasItsComponents = internal::FitOf<Words...>::components() || internal::refused;

/// A mixer learns from the one reward of a team, which must be one after shaping too: of a potential that is
/// everybody's (`potential()`), not of each agent's own, and not of difference rewards.
template <class... Words>
concept ShapingKeepsSharedRewards = internal::FitOf<Words...>::shaped_team() || internal::refused;

/// A curriculum of stages needs an environment that has them (`stages` and `task`).
template <class... Words>
concept CurriculumHasItsStages =
    !internal::CurriculumOf<Words...>::needs_stages || HasStages<internal::EnvironmentOf<Words...>>;

/// A curriculum that advances by success needs an environment that states it (`success`).
template <class... Words>
concept CurriculumHasItsSuccess =
    !internal::CurriculumOf<Words...>::needs_success || StatesSuccess<internal::EnvironmentOf<Words...>>;

/// Lanes that are spread over ranks need a learner that adds up over them: synchronous on-policy algorithms
/// do, without words of shaping. A replay, a table or a pool of opponents belongs to one process.
template <class... Words>
concept CollectiveHasItsLearner =
    !internal::CollectiveOf<Words...>::distributed || internal::FitOf<Words...>::over_ranks();

/// A device steps an environment by its kernels: state, settings and tasks are copied as bytes
/// (DeviceEnvironment), its data array by array (DeviceDataset), and all agents are of one role.
template <class... Words>
concept DeviceStepsItsEnvironment = internal::DeviceFit<Words...>::steps || internal::refused;

/// A device trains by its kernels what docs/device.md lists: PPO, A2C and MAPPO, SAC, TD3 and DDPG, of
/// perceptrons, with most of their words.
template <class... Words>
concept DeviceTrainsItsAlgorithm = internal::DeviceFit<Words...>::trains || internal::refused;

/// A device draws the tasks of new episodes by plain numbers that the curriculum gives it (`sampler`).
template <class... Words>
concept DeviceDrawsFromItsCurriculum = internal::DeviceFit<Words...>::draws || internal::refused;

/// What is learnt on a device over several ranks is added up there, between its kernels: on GPUs by
/// Collective<Nccl>, in the stream of the kernels. Collective<Mpi> adds up memory of the CPU.
template <class... Words>
concept DeviceSumsOverItsRanks =
    internal::DeviceFit<Words...>::sums_over_ranks || internal::gpus_sum_by_collective_nccl;

/// All that a Trainer asks of its words.
template <class... Words>
concept SoundComposition =
    NamesAnAlgorithm<Words...> && NamesAnEnvironment<Words...> && EveryArgumentHasItsPlace<Words...> &&
    EveryRoleHasItsPolicy<Words...> && EveryWordHasItsSlot<Words...> && ObjectiveIsPointwise<Words...> &&
    ReturnsAreEstimated<Words...> && OptimizerStepsBlocks<Words...> && CriticHasItsState<Words...> &&
    CounterfactualActionsAreDiscrete<Words...> && SharedParametersHaveEqualSpaces<Words...> &&
    NormalizedObservationsAreNumbers<Words...> && DistributionFitsItsActions<Words...> &&
    OpponentModelHasItsOpponents<Words...> && OpponentActionsAreDiscrete<Words...> &&
    PolicyFitsItsSpaces<Words...> && PolicyModelsItsOpponents<Words...> && MagnetHasItsDivergence<Words...> &&
    QLearningHasDiscreteActions<Words...> && MixerHasSharedRewards<Words...> && MixerHasItsState<Words...> &&
    MixerHasOneSetOfWeights<Words...> && ReplayedNetworkHasNoMemory<Words...> &&
    AveragedPolicyStandsAlone<Words...> && TableNumbersItsObservations<Words...> &&
    ActorsShareWeightsAlone<Words...> && ActorFitsItsActions<Words...> &&
    ExplorationFitsItsActions<Words...> && JointCriticHasOneSetOfWeights<Words...> &&
    CriticLearnsFromTransitions<Words...> && CriticFitsItsAlgorithm<Words...> &&
    TeamCriticHasItsTeam<Words...> && SelfPlayHasItsOpponents<Words...> && ShapingHasItsPotential<Words...> &&
    ShapingHasItsCounterfactual<Words...> && ShapingHasItsTarget<Words...> && ShapingHasItsOthers<Words...> &&
    ShapingHasItsComponents<Words...> && ShapingKeepsSharedRewards<Words...> &&
    CurriculumHasItsStages<Words...> && CurriculumHasItsSuccess<Words...> &&
    CollectiveHasItsLearner<Words...> && DeviceStepsItsEnvironment<Words...> &&
    DeviceTrainsItsAlgorithm<Words...> && DeviceDrawsFromItsCurriculum<Words...> &&
    DeviceSumsOverItsRanks<Words...>;

}  // namespace polis
