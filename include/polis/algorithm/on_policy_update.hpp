// Agents that act by one set of weights and learn from their own rollouts: the passes over the samples.
//
// `update` is read top to bottom: value the rollout and estimate advantages (on_policy_returns.hpp), then
// passes over the samples in minibatches. A minibatch's gradient is summed from a fixed number of shards in a
// fixed tree, so that the weights are the same bit by bit for any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/algorithm/loss_scratch.hpp>
#include <polis/algorithm/on_policy_samples.hpp>
#include <polis/algorithm/parameter_step.hpp>
#include <polis/algorithm/rank_share.hpp>
#include <polis/algorithm/update_statistics.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/gemm.hpp>
#include <polis/nn/clip.hpp>
#include <polis/objective/objective.hpp>

namespace polis {

namespace internal {

/// The optimizer's side of a learner; see OnPolicyAgents for the parameters.
template <class Words, class E, int R, class Arch>
class OnPolicyUpdate : public OnPolicySamples<Words, E, R, Arch> {
  using Base = OnPolicySamples<Words, E, R, Arch>;
  using Base::config_, Base::evaluate_rollout, Base::evaluate_units, Base::first_slot, Base::for_samples,
      Base::group_size, Base::index, Base::learnt, Base::list_units, Base::losses_, Base::magnet_,
      Base::policy_, Base::rollout_, Base::scratch_, Base::segment, Base::slots, Base::units_, Base::values_,
      Base::weights_;
  using typename Base::Outputs, typename Base::Returns;

 public:
  using typename Base::Config, typename Base::Parameters, typename Base::Policy;
  static constexpr bool counterfactual = Base::counterfactual, waits = Base::waits;
  static constexpr bool normalizes_values = Base::normalizes_values, attracts = Base::attracts;
  static constexpr bool asynchronous = Words::Actors::asynchronous, models = Base::models;

  [[gnu::cold]] OnPolicyUpdate(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed),
        step_(config.optimizer, weights_.size()),
        rewards_(config.rewards, 0) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    prepare(env, threads, {0, env.lanes()});
  }
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    Base::prepare(env, threads, lanes);
    step_.prepare(weights_, std::max(1, config_.shards), threads);
    sums_ = FixedArray<LossSums>(index(step_.shards()));
    rewards_ = typename Words::RewardNormalization::State(config_.rewards, rollout_.shape().rows);
  }

  /// Learns from the rollout, then begins the next one.
  template <class C>
  [[gnu::noinline]] void update(BasicServices<C>& services) {
    Region& region = services.region;
    const auto sum = [&services](std::span<double> values) { services.sum(values); };
    statistics_ = {};
    this->find_pending();
    this->find_complete();
    if constexpr (counterfactual) evaluate_rollout(region);
    this->value_rollout(region);
    rewards_.scale(rollout_.rewards, rollout_.ends, first_slot(), config_.returns.discount, sum);
    this->estimate_advantages(region);
    list_units(units_, [this](int slot, int row) { return learnt(slot, row); });
    learn_value_scale(sum);
    int units = static_cast<int>(units_.size());
    if constexpr (C::distributed) {
      share_.list(*services.collective, units_, slots(), segment(), rollout_.shape().rows);
      units = share_.count();
    }
    const float rate = config_.optimizer.learning_rate * config_.schedule(services.clock.progress());
    for (int epoch = 0; epoch < config_.epochs && units > 0; ++epoch) {
      if constexpr (recomputes<Returns>) {
        // With turns some decisions are of an older policy; of other actors' steps all of them may be.
        if (epoch > 0 || waits || asynchronous) estimate_anew(region);
      }
      shuffle<C>(epoch);
      const double kl = pass(services, units, rate);
      if (config_.target_kl > 0 && kl > static_cast<double>(config_.target_kl)) break;
    }
    finish_statistics(rate, sum);
    const auto seen = [this](std::ptrdiff_t slot, std::ptrdiff_t row) {
      return slot >= first_slot() && slot < slots() && this->acted(slot, row);
    };
    this->observations_.learn(rollout_.observations, seen, sum);
    this->carry_pending_over();
    if constexpr (Base::grouped) std::fill(this->fresh_.begin(), this->fresh_.end(), char{1});
    this->begun_ += static_cast<std::uint64_t>(config_.steps);
    ++updates_;
    if constexpr (attracts) magnet_.template follow<Arch>(config_.magnet, updates_, weights_);
  }

  [[nodiscard]] const UpdateStatistics& statistics() const { return statistics_; }

  /// What a device takes over between two updates, works on in place of this learner, and gives back.
  struct Carried {
    const Config& config;
    std::uint64_t seed;
    RolloutViews& rollout;
    Parameters& weights;
    typename Words::Optimizer& optimizer;
    std::uint64_t& updates;
    std::uint64_t& begun;  // batch step at which the next rollout begins
    UpdateStatistics& statistics;
    typename Words::ObservationNormalization::State& observations;
    typename Words::RewardNormalization::State& rewards;
    typename Words::ValueNormalization::State& values;
  };
  [[nodiscard]] Carried carried() {
    ++this->generation_;
    return {config_,     this->seed_,         rollout_, weights_, step_.optimizer(), updates_, this->begun_,
            statistics_, this->observations_, rewards_, values_};
  }

  /// From now on gradients move the weights of `shared`, which many actors share, and not those here alone.
  void share(OnPolicyUpdate& shared, std::mutex& mutex) { step_.share(shared.step_, shared.weights_, mutex); }
  /// Takes over the shared weights as they are now.
  void catch_up() { step_.catch_up(this->weights()); }

  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a(magnet_, step_, rewards_, updates_);
  }

 private:
  /// Estimates advantages and returns with the ratios and values of the policy as it is now. What the
  /// rollout does not hold stays as collected: values of the final observations of truncated episodes, and
  /// carries at the starts of segments.
  [[gnu::noinline]] void estimate_anew(Region& region) {
    if constexpr (!counterfactual) this->value_last(region);
    evaluate_rollout(region);
    this->estimate_advantages(region, true);
    if constexpr (normalizes_values) values_.settle();
  }
  /// Adds the returns to learn from to the statistics by which the critic's targets are normalised.
  template <class Sum>
  void learn_value_scale(Sum&& over_ranks) {
    if constexpr (normalizes_values) {
      std::array<double, 3> sums{};  // of ones, returns and their squares
      for_samples(units_, [&](int id) {
        const auto value = static_cast<double>(rollout_.returns.data[id]);
        ++sums[0], sums[1] += value, sums[2] += value * value;
      });
      over_ranks(std::span<double>(sums));
      values_.learn(sums[0], sums[1], sums[2]);
    }
  }
  template <class C>
  void shuffle(int epoch) {
    RandomWords<Arch> random(this->seed_, updates_, static_cast<std::uint32_t>(epoch),
                             static_cast<std::uint32_t>(this->agents_.front()), Purpose::permutation);
    if constexpr (C::distributed) return share_.shuffle(random);
    polis::shuffle(std::span<int>(units_), random);
  }

  /// One epoch of the `count` units of all ranks; returns its mean approximate KL divergence.
  template <class C>
  double pass(BasicServices<C>& services, int count, float rate) {
    const int per_batch = config_.minibatch == 0 ? count : std::max(1, config_.minibatch / segment());
    const int batches = std::max(1, (count + per_batch / 2) / per_batch);
    double kl = 0;
    if constexpr (C::distributed) {
      share_.divide(
          *services.collective, batches, [this](auto units) { return advantage_sums(units); },
          [this](const AdvantageSums& sums) { return advantage_scale(sums); });
      for (int b = 0; b < batches; ++b) kl += learn(services, share_.own(b), share_.scale(b), rate);
      if (config_.target_kl > 0) services.sum({&kl, 1});
      return kl / batches;
    }
    for (int b = 0; b < batches; ++b) {
      const auto from = static_cast<int>(static_cast<std::int64_t>(count) * b / batches);
      const auto to = static_cast<int>(static_cast<std::int64_t>(count) * (b + 1) / batches);
      if (to == from) continue;
      const auto units = std::span<const int>(units_).subspan(index(from), index(to - from));
      kl += learn(services, units, advantage_scale(advantage_sums(units)), rate);
    }
    return kl / batches;
  }

  /// One optimizer step on these units and those of other ranks; returns these ones' part of the mean
  /// approximate KL divergence.
  template <class C>
  [[gnu::noinline]] double learn(BasicServices<C>& services, std::span<const int> units,
                                 const AdvantageScale& scale, float rate) {
    const int count = static_cast<int>(units.size());
    const int tiles = (count + tile_rows - 1) / tile_rows;
    int most = step_.shards();  // of all ranks: a shard costs as much to clear and to add as a few samples
    if constexpr (C::distributed) most = std::max(1, most / services.collective->ranks());
    const int shards = std::clamp(tiles, 1, most);  // there may be none of this rank's
    const double tile_nanoseconds = .1 * static_cast<double>(weights_.size()) * tile_rows * segment();
    services.region.parallel(shards, tile_nanoseconds * tiles / shards, [&](int shard, int worker) {
      Parameters& gradient = step_.shard(shard);
      gradient.for_each_block(
          [](const Block&, std::size_t, std::span<float> g) { std::fill(g.begin(), g.end(), 0.f); });
      sums_[index(shard)] = {};
      for (int tile = tiles * shard / shards; tile < tiles * (shard + 1) / shards; ++tile) {
        const int first = tile * tile_rows, rows = std::min(tile_rows, count - first);
        add_gradient(units.data() + first, rows, scale, worker, shard);
      }
    });
    const auto step = [&](auto&& complete) {
      return step_.step(services.region, weights_, shards, rate, config_.max_gradient_norm, complete);
    };
    if constexpr (C::distributed) {
      statistics_.gradient_norm +=
          step([&](Parameters& gradient) { share_.sum(*services.collective, gradient); });
    } else {
      statistics_.gradient_norm += step(NothingToAdd{});
    }
    ++this->generation_;
    ++steps_;
    LossSums total;
    for (int shard = 0; shard < shards; ++shard) total.add(sums_[index(shard)]);
    total.value *= scale.samples / scale.valued;  // a mean over other samples, where some do not act
    statistics_.policy_loss += total.policy, statistics_.value_loss += total.value;
    statistics_.entropy += total.entropy, statistics_.kl += total.kl, statistics_.clipped += total.clipped;
    statistics_.divergence += total.divergence;
    statistics_.opponent_loss += total.prediction, statistics_.opponent_accuracy += total.accuracy;
    statistics_.predicted += total.predicted;
    statistics_.samples += scale.samples;
    return total.kl / std::max(1., scale.samples);
  }

  [[nodiscard]] AdvantageSums advantage_sums(std::span<const int> units) const {
    AdvantageSums sums;
    for_samples(units, [&](int id) {
      ++sums.valued;
      if (!this->acted(id)) return;
      const auto a = static_cast<double>(rollout_.advantages.data[id]);
      ++sums.count, sums.sum += a, sums.squares += a * a;
    });
    return sums;
  }
  [[nodiscard]] AdvantageScale advantage_scale(const AdvantageSums& sums) const {
    AdvantageScale scale{.samples = sums.count, .valued = sums.valued};
    if (config_.normalize_advantages) scale.normalize(sums.sum, sums.squares);
    if constexpr (Base::team) scale.samples *= group_size();  // every agent's decision counts
    return scale;
  }
  /// Adds the gradient of up to 64 units' losses to a shard.
  [[gnu::noinline]] void add_gradient(const int* units, int rows, const AdvantageScale& scale, int worker,
                                      int shard) {
    const auto weight = static_cast<float>(1. / std::max(1., scale.samples));
    const float value_weight = uses_values<Returns> ? config_.value_coefficient : 0.f;
    const LossWeights weights{.policy = weight,
                              .entropy = weight * config_.entropy_coefficient,
                              .value = value_weight / static_cast<float>(scale.valued)};
    if constexpr (Base::team) return add_team_gradient(units, rows, scale, weights, worker, shard);
    const PolicyBatch batch = evaluate_units(units, rows, scale, worker);
    LossScratch& l = losses_[index(worker)];
    add_losses<Arch, typename Words::Objective>(config_.objective, weights, segment(), l,
                                                sums_[index(shard)]);
    if constexpr (attracts)
      add_divergences<Arch>(weight * config_.magnet.coefficient, l, sums_[index(shard)]);
    Outputs d;
    d.log_prob = l.d_log_prob, d.entropy = l.d_entropy, d.value = l.d_value;
    if constexpr (attracts) d.divergence = l.d_divergence;
    if constexpr (models) {
      const auto& model = config_.opponent_model;
      add_predictions<Arch>(weight * model.coefficient, segment(), l, sums_[index(shard)]);
      d.prediction_loss = l.d_prediction, d.detached = model.detached;
    }
    policy_.template backward<Arch>(weights_, scratch_[index(worker)].policy, batch, d, step_.shard(shard));
  }

  /// The same of up to 64 states of a team: each agent's decisions, then the value that all share.
  void add_team_gradient(const int* states, int count, const AdvantageScale& scale,
                         const LossWeights& weights, int worker, int shard) {
    LossScratch& l = losses_[index(worker)];
    auto& workspace = scratch_[index(worker)].policy;
    PolicyOutputs out, d;
    out.log_prob = l.log_prob, out.entropy = l.entropy, out.value = l.value;
    d.log_prob = l.d_log_prob, d.entropy = l.d_entropy, d.value = l.d_value;
    for (int a = 0; a <= group_size(); ++a) {
      const PolicyBatch batch = this->gather_part(states, count, a, scale, worker);
      policy_.template evaluate<Arch>(weights_, workspace, batch, out);
      add_losses<Arch, typename Words::Objective>(config_.objective, weights, 1, l, sums_[index(shard)]);
      policy_.template backward<Arch>(weights_, workspace, batch, d, step_.shard(shard));
    }
  }

  template <class Sum>
  [[gnu::cold, gnu::noinline]] void finish_statistics(float rate, Sum&& sum) {
    UpdateStatistics& s = statistics_;
    VarianceSums explained = variance_sums();
    const std::array<double*, 14> sums = {
        &s.policy_loss,   &s.value_loss,           &s.entropy,       &s.kl,
        &s.clipped,       &s.divergence,           &s.opponent_loss, &s.opponent_accuracy,
        &s.predicted,     &explained.count,        &explained.total, &explained.squares,
        &explained.error, &explained.error_squares};
    std::array<double, sums.size()> values{};
    for (std::size_t i = 0; i < sums.size(); ++i) values[i] = *sums[i];
    sum(std::span<double>(values));
    for (std::size_t i = 0; i < sums.size(); ++i) *sums[i] = values[i];
    if (s.samples > 0) {
      for (std::size_t i = 0; i < 6; ++i) *sums[i] /= s.samples;
    }
    if (s.predicted > 0) s.opponent_loss /= s.predicted, s.opponent_accuracy /= s.predicted;
    if (steps_ > 0) s.gradient_norm /= steps_;
    steps_ = 0;
    s.learning_rate = static_cast<double>(rate);
    s.explained_variance = explained.explained();
    s.updates = 1;
  }
  /// What the share of variance that the critic explains is made of, over the samples learnt from.
  [[nodiscard]] VarianceSums variance_sums() const {
    VarianceSums sums;
    for_samples(units_, [&](int id) {
      sums.add(static_cast<double>(rollout_.returns.data[id]), static_cast<double>(rollout_.values.data[id]));
    });
    return sums;
  }

  ParameterStep<typename Words::Optimizer, Parameters, Arch> step_;
  typename Words::RewardNormalization::State rewards_;
  FixedArray<LossSums> sums_;
  RankShare share_;  // of the units of all ranks, where there are several
  UpdateStatistics statistics_;
  std::uint64_t updates_ = 0;
  int steps_ = 0;
};

}  // namespace internal
}  // namespace polis
