// Agents that act by one set of weights and learn from their own rollouts: the passes over the samples.
//
// `update` is read top to bottom: value the rollout and estimate advantages (on_policy_returns.hpp), then
// passes over the samples in minibatches. A minibatch's gradient is summed from a fixed number of shards in a
// fixed tree, so that the weights are the same bit by bit for any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>
#include <vector>

#include <polis/algorithm/loss_scratch.hpp>
#include <polis/algorithm/magnet.hpp>
#include <polis/algorithm/on_policy_returns.hpp>
#include <polis/algorithm/parameter_step.hpp>
#include <polis/algorithm/update_statistics.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/gemm.hpp>
#include <polis/nn/clip.hpp>
#include <polis/objective/objective.hpp>

namespace polis {

namespace internal {

/// The optimizer's side of a learner; see OnPolicyAgents for the parameters.
template <class Words, class E, int R, class Arch>
class OnPolicyUpdate : public OnPolicyReturns<Words, E, R, Arch> {
  using Base = OnPolicyReturns<Words, E, R, Arch>;
  using Base::config_, Base::first_slot, Base::gather, Base::index, Base::learnt, Base::policy_,
      Base::rollout_, Base::sample, Base::scratch_, Base::segment, Base::slots, Base::values_, Base::weights_;
  using typename Base::Returns;

 public:
  using typename Base::Config, typename Base::Parameters, typename Base::Policy;
  static constexpr int carry_size = Base::carry_size;
  static constexpr bool counterfactual = Base::counterfactual, idle = Base::idle, waits = Base::waits;
  static constexpr bool normalizes_values = Words::ValueNormalization::normalizes;
  static constexpr bool asynchronous = Words::Actors::asynchronous;
  static constexpr bool attracts = Words::Magnet::attracts, models = Base::models;
  using Outputs = std::conditional_t<attracts, MagnetOutputs, PolicyOutputs>;

  [[gnu::cold]] OnPolicyUpdate(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed),
        magnet_(weights_),
        step_(config.optimizer, weights_.size()),
        rewards_(config.rewards, 0) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    prepare(env, threads, {0, env.lanes()});
  }
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    Base::prepare(env, threads, lanes);
    step_.prepare(weights_, std::max(1, config_.shards));
    sums_ = FixedArray<LossSums>(index(step_.shards()));
    losses_ = FixedArray<LossScratch>(index(threads), [&](std::size_t) {
      return LossScratch(segment(), idle, counterfactual, attracts, Base::other_words);
    });
    const auto& shape = rollout_.shape();
    units_.reserve(index(shape.slots()) * index(shape.rows));
    if constexpr (recomputes<Returns> || counterfactual) decided_units_.reserve(units_.capacity());
    rewards_ = typename Words::RewardNormalization::State(config_.rewards, shape.rows);
  }

  /// Learns from the rollout, then begins the next one.
  [[gnu::noinline]] void update(Services& services) {
    Region& region = services.region;
    statistics_ = {};
    this->find_pending();
    this->find_complete();
    if constexpr (counterfactual) evaluate_rollout(region);
    this->value_rollout(region);
    rewards_.scale(rollout_.rewards, rollout_.ends, first_slot(), config_.returns.discount);
    this->estimate_advantages(region);
    list_units(units_, [this](int slot, int row) { return learnt(slot, row); });
    learn_value_scale();
    const float rate = config_.optimizer.learning_rate * config_.schedule(services.clock.progress());
    for (int epoch = 0; epoch < config_.epochs && !units_.empty(); ++epoch) {
      if constexpr (recomputes<Returns>) {
        // With turns some decisions are of an older policy; of other actors' steps all of them may be.
        if (epoch > 0 || waits || asynchronous) estimate_anew(region);
      }
      shuffle(epoch);
      const double kl = pass(region, rate);
      if (config_.target_kl > 0 && kl > static_cast<double>(config_.target_kl)) break;
    }
    finish_statistics(rate);
    this->observations_.learn(rollout_.observations, [this](std::ptrdiff_t slot, std::ptrdiff_t row) {
      return slot >= first_slot() && slot < slots() && this->acted(slot, row);
    });
    this->carry_pending_over();
    if constexpr (Base::grouped) std::fill(this->fresh_.begin(), this->fresh_.end(), char{1});
    this->begun_ += static_cast<std::uint64_t>(config_.steps);
    ++updates_;
    ++this->generation_;
    if constexpr (attracts) magnet_.template follow<Arch>(config_.magnet, updates_, weights_);
  }

  [[nodiscard]] const UpdateStatistics& statistics() const { return statistics_; }
  [[nodiscard]] const auto& magnet() const { return magnet_; }

  /// From now on gradients move the weights of `shared`, which many actors share, and not those here alone.
  void share(OnPolicyUpdate& shared, std::mutex& mutex) { step_.share(shared.step_, shared.weights_, mutex); }
  /// Takes over the shared weights as they are now.
  void catch_up() { step_.catch_up(this->weights()); }

  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a(magnet_, step_, rewards_, updates_);
  }

 private:
  /// The units of minibatches: decisions, or for a recurrent policy segments of rows with at least one
  /// decision that `counts(slot, row)`.
  template <class F>
  void list_units(std::vector<int>& units, F&& counts) {
    units.clear();
    const int rows = rollout_.shape().rows;
    for (int begin = 0; begin < slots(); begin += segment()) {
      for (int row = 0; row < rows; ++row) {
        bool any = false;
        for (int slot = begin; slot < std::min(begin + segment(), slots()); ++slot)
          any = any || counts(slot, row);
        if (any) units.push_back(sample(begin, row));
      }
    }
  }

  /// Estimates advantages and returns with the ratios and values of the policy as it is now. What the
  /// rollout does not hold stays as collected: values of the final observations of truncated episodes, and
  /// carries at the starts of segments.
  [[gnu::noinline]] void estimate_anew(Region& region) {
    if constexpr (!counterfactual) this->value_last(region);
    evaluate_rollout(region);
    this->estimate_advantages(region, true);
    if constexpr (normalizes_values) values_.settle();
  }
  /// Values of all decisions as the policy is now, and what else estimates ask for: ratios, baselines.
  [[gnu::noinline]] void evaluate_rollout(Region& region) {
    list_units(decided_units_, [this](int slot, int row) { return rollout_.decided(slot, row) != 0; });
    const int count = static_cast<int>(decided_units_.size()), all = rollout_.shape().rows;
    const int tiles = (count + tile_rows - 1) / tile_rows;
    region.parallel(tiles, 3000. * segment(), [&](int tile, int worker) {
      const int* units = decided_units_.data() + tile * tile_rows;
      const int rows = std::min(tile_rows, count - tile * tile_rows);
      evaluate_units(units, rows, {}, worker);
      const LossScratch& l = losses_[index(worker)];
      for (int t = 0; t < segment(); ++t) {
        for (int i = 0; i < rows; ++i) {
          const int id = units[i] + t * all, at = t * tile_rows + i;
          if (id >= slots() * all || !rollout_.decided.data[id]) continue;
          if constexpr (recomputes<Returns>) {
            const PolicySample<float> now{l.log_prob[at], l.old_log_probs[at], 0};
            this->ratios_[index(id)] = math::exp(internal::log_ratio(now));
          }
          rollout_.values.data[id] = this->value_of(l.value[at]);
          if constexpr (counterfactual) this->baselines_[index(id)] = this->value_of(l.baseline[at]);
        }
      }
    });
  }
  /// Adds the returns to learn from to the statistics by which the critic's targets are normalised.
  void learn_value_scale() {
    if constexpr (normalizes_values) {
      double count = 0, sum = 0, squares = 0;
      for_samples(units_, [&](int id) {
        const auto value = static_cast<double>(rollout_.returns.data[id]);
        ++count, sum += value, squares += value * value;
      });
      values_.learn(count, sum, squares);
    }
  }
  /// f(sample) for every one that these units hold.
  template <class F>
  void for_samples(std::span<const int> units, F&& f) const {
    for (const int unit : units) {
      for (int t = 0; t < segment(); ++t) {
        if (in_unit(unit, t)) f(unit + t * rollout_.shape().rows);
      }
    }
  }
  void shuffle(int epoch) {
    Random random(this->seed_, static_cast<std::uint32_t>(updates_), static_cast<std::uint32_t>(epoch),
                  static_cast<std::uint32_t>(this->agents_.front()), Purpose::permutation);
    polis::shuffle(std::span<int>(units_), random);
  }

  /// One epoch; returns its mean approximate KL divergence.
  double pass(Region& region, float rate) {
    const int count = static_cast<int>(units_.size());
    const int per_batch = config_.minibatch == 0 ? count : std::max(1, config_.minibatch / segment());
    const int batches = std::max(1, (count + per_batch / 2) / per_batch);
    double kl = 0;
    for (int b = 0; b < batches; ++b) {
      const auto from = static_cast<int>(static_cast<std::int64_t>(count) * b / batches);
      const auto to = static_cast<int>(static_cast<std::int64_t>(count) * (b + 1) / batches);
      if (to > from)
        kl += learn(region, std::span<const int>(units_).subspan(index(from), index(to - from)), rate);
    }
    return kl / batches;
  }

  /// One optimizer step on these units; returns their mean approximate KL divergence.
  [[gnu::noinline]] double learn(Region& region, std::span<const int> units, float rate) {
    const AdvantageScale scale = advantage_scale(units);
    const int count = static_cast<int>(units.size());
    const int tiles = (count + tile_rows - 1) / tile_rows;
    const int shards = std::min(tiles, step_.shards());
    const double tile_nanoseconds = .1 * static_cast<double>(weights_.size()) * tile_rows * segment();
    region.parallel(shards, tile_nanoseconds * tiles / shards, [&](int shard, int worker) {
      Parameters& gradient = step_.shard(shard);
      gradient.for_each_block(
          [](const Block&, std::size_t, std::span<float> g) { std::fill(g.begin(), g.end(), 0.f); });
      sums_[index(shard)] = {};
      for (int tile = tiles * shard / shards; tile < tiles * (shard + 1) / shards; ++tile) {
        const int first = tile * tile_rows, rows = std::min(tile_rows, count - first);
        add_gradient(units.data() + first, rows, scale, worker, shard);
      }
    });
    statistics_.gradient_norm += step_.step(weights_, shards, rate, config_.max_gradient_norm);
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

  [[nodiscard]] AdvantageScale advantage_scale(std::span<const int> units) const {
    double valued = 0, count = 0, sum = 0, squares = 0;
    for_samples(units, [&](int id) {
      ++valued;
      if (!this->acted(id)) return;
      const auto a = static_cast<double>(rollout_.advantages.data[id]);
      ++count, sum += a, squares += a * a;
    });
    AdvantageScale scale{.samples = count, .valued = valued};
    if (config_.normalize_advantages) scale.normalize(sum, squares);
    return scale;
  }
  /// Whether time step t of a unit is a decision to learn from.
  [[nodiscard]] bool in_unit(int unit, int t) const {
    if constexpr (carry_size == 0 && !waits) {
      return true;
    } else {
      const int rows = rollout_.shape().rows;
      const int slot = unit / rows + t, row = unit % rows;
      return slot < slots() && learnt(slot, row);
    }
  }

  /// Adds the gradient of up to 64 units' losses to a shard.
  [[gnu::noinline]] void add_gradient(const int* units, int rows, const AdvantageScale& scale, int worker,
                                      int shard) {
    const PolicyBatch batch = evaluate_units(units, rows, scale, worker);
    LossScratch& l = losses_[index(worker)];
    const auto weight = static_cast<float>(1. / std::max(1., scale.samples));
    const float value_weight = uses_values<Returns> ? config_.value_coefficient : 0.f;
    const LossWeights weights{.policy = weight,
                              .entropy = weight * config_.entropy_coefficient,
                              .value = value_weight / static_cast<float>(scale.valued)};
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

  /// Gathers up to 64 units into the worker's tiles and evaluates them by the current weights.
  PolicyBatch evaluate_units(const int* units, int rows, const AdvantageScale& scale, int worker) {
    auto& s = scratch_[index(worker)];
    LossScratch& l = losses_[index(worker)];
    PolicyBatch batch{.steps = segment(), .rows = rows, .actions = s.actions};
    for (int t = 0; t < segment(); ++t) gather_time_step(s, l, units, rows, t, scale, batch);
    if constexpr (carry_size > 0) {
      const int all = rollout_.shape().rows;
      for (int i = 0; i < tile_rows; ++i) {
        const int unit = units[std::min(i, rows - 1)];
        const float* carry = &rollout_.carries(unit / all / segment(), unit % all, 0);
        for (int k = 0; k < carry_size; ++k) s.carry[k * tile_rows + i] = carry[k];
      }
      batch.carry = s.carry;
    }
    if constexpr (carry_size > 0 || waits || idle) batch.decided = l.active;
    if constexpr (carry_size > 0) batch.starts = l.starts;
    batch.others = l.others;
    Outputs out;
    out.log_prob = l.log_prob, out.entropy = l.entropy, out.value = l.value, out.baseline = l.baseline;
    if constexpr (attracts) out.divergence = l.divergence;
    out.prediction_loss = l.prediction, out.prediction_accuracy = l.accuracy;
    if constexpr (attracts) policy_.template attract<Arch>(magnet_.weights(), s.policy, batch);
    policy_.template evaluate<Arch>(weights_, s.policy, batch, out);
    return batch;
  }

  void gather_time_step(ActorScratch<Policy>& s, LossScratch& l, const int* units, int rows, int t,
                        const AdvantageScale& scale, PolicyBatch& batch) {
    const int all = rollout_.shape().rows, last = (slots() - 1) * all;
    Array<int, tile_rows> ids{};  // a segment may reach past the rollout's end: its rest is not decided
    for (int i = 0; i < rows; ++i) {
      const int id = units[i] + t * all;
      ids[i] = id < last + all ? id : last + units[i] % all;
      const int at = t * tile_rows + i;
      const bool valid = in_unit(units[i], t);
      l.decided[at] = valid ? 1.f : 0.f;
      if constexpr (idle) l.active[at] = valid && this->acted(id) ? 1.f : 0.f;
      if constexpr (carry_size > 0)
        l.starts[at] = rollout_.starts.data[ids[i]] != 0 && id == ids[i] ? 1.f : 0.f;
      l.old_log_probs[at] = rollout_.log_probs.data[ids[i]];
      l.advantages[at] = (rollout_.advantages.data[ids[i]] - scale.mean) * scale.inverse_deviation;
      l.returns[at] = rollout_.returns.data[ids[i]];
      l.old_values[at] = rollout_.values.data[ids[i]];
      if constexpr (normalizes_values) {
        l.returns[at] = values_.target(l.returns[at]);
        l.old_values[at] = values_.output(l.old_values[at]);
      }
    }
    for (int i = t * tile_rows + rows; i < (t + 1) * tile_rows; ++i) l.decided[i] = l.active[i] = 0;
    for (int i = 0; i < rows; ++i) ids[i] -= t * all;
    gather(s, ids.data(), rows, t, batch);
    if constexpr (models) {
      const float* const from =
          rollout_.joint_actions.data + static_cast<std::ptrdiff_t>(t) * all * Base::joint_words;
      this->gather_others(from, ids.data(), ids.data(), rows, l.others + t * Base::other_words * tile_rows,
                          l.anyone + t * tile_rows);
    }
    gather_tile<Arch>(rollout_.actions.data + static_cast<std::ptrdiff_t>(t) * all * Policy::words,
                      Policy::words, ids.data(), rows, Policy::words,
                      s.actions + t * Policy::words * tile_rows);
  }

  [[gnu::cold, gnu::noinline]] void finish_statistics(float rate) {
    UpdateStatistics& s = statistics_;
    if (s.samples > 0) {
      for (double* mean : {&s.policy_loss, &s.value_loss, &s.entropy, &s.kl, &s.clipped, &s.divergence})
        *mean /= s.samples;
    }
    if (s.predicted > 0) s.opponent_loss /= s.predicted, s.opponent_accuracy /= s.predicted;
    if (steps_ > 0) s.gradient_norm /= steps_;
    steps_ = 0;
    s.learning_rate = static_cast<double>(rate);
    s.explained_variance = explained_variance();
    s.updates = 1;
  }
  /// 1 - Var(return - value) / Var(return) over the samples learnt from: 1 is a perfect critic, 0 a constant
  /// one.
  [[nodiscard]] double explained_variance() const {
    double count = 0, sum = 0, squares = 0, error = 0, error_squares = 0;
    for_samples(units_, [&](int id) {
      const auto g = static_cast<double>(rollout_.returns.data[id]);
      const double e = g - static_cast<double>(rollout_.values.data[id]);
      ++count, sum += g, squares += g * g, error += e, error_squares += e * e;
    });
    const double variance = squares - sum * sum / std::max(1., count);
    return variance > 0 ? 1. - (error_squares - error * error / count) / variance : 0.;
  }

  MagnetWeights<typename Words::Magnet, Parameters> magnet_;
  ParameterStep<typename Words::Optimizer, Parameters, Arch> step_;
  typename Words::RewardNormalization::State rewards_;
  FixedArray<LossSums> sums_;
  FixedArray<LossScratch> losses_;  // [worker]
  std::vector<int> units_;
  std::vector<int> decided_units_;  // those of all decisions, for estimates that are made anew
  UpdateStatistics statistics_;
  std::uint64_t updates_ = 0;
  int steps_ = 0;
};

}  // namespace internal
}  // namespace polis
