// Agents that act by one set of weights and learn from their own rollouts: the samples of a minibatch.
//
// The unit of a minibatch is a decision, or for a recurrent policy a segment of a row. Units are gathered
// into tiles and evaluated by the policy as it is now; see on_policy_update.hpp for what is learnt from them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/loss_scratch.hpp>
#include <polis/algorithm/magnet.hpp>
#include <polis/algorithm/on_policy_returns.hpp>
#include <polis/core/array.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/transpose.hpp>

namespace polis::internal {

/// Units of samples and what evaluating them gives; see OnPolicyAgents for the parameters.
template <class Words, class E, int R, class Arch>
class OnPolicySamples : public OnPolicyReturns<Words, E, R, Arch> {
  using Base = OnPolicyReturns<Words, E, R, Arch>;

 public:
  using typename Base::Config, typename Base::Policy;
  static constexpr int carry_size = Base::carry_size;
  static constexpr bool counterfactual = Base::counterfactual, idle = Base::idle, waits = Base::waits;
  static constexpr bool normalizes_values = Words::ValueNormalization::normalizes;
  static constexpr bool attracts = Words::Magnet::attracts, models = Base::models;
  static constexpr bool team = Base::team;

  [[gnu::cold]] OnPolicySamples(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed), magnet_(weights_) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    Base::prepare(env, threads, lanes);
    losses_ = FixedArray<LossScratch>(index(threads), [&](std::size_t) {
      return LossScratch(segment(), idle || team, counterfactual, attracts, Base::other_words);
    });
    const auto& shape = rollout_.shape();
    units_.reserve(index(shape.slots()) * index(shape.rows));
    if constexpr (recomputes<Returns> || counterfactual) decided_units_.reserve(units_.capacity());
  }

  [[nodiscard]] const auto& magnet() const { return magnet_; }

 protected:
  using typename Base::Parameters, typename Base::Returns;
  using Outputs = std::conditional_t<attracts, MagnetOutputs, PolicyOutputs>;
  using Base::gather, Base::group_size, Base::index, Base::learnt, Base::policy_, Base::rollout_,
      Base::sample, Base::scratch_, Base::segment, Base::slots, Base::values_, Base::weights_;

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
  /// f(sample) for every one that these units hold.
  template <class F>
  void for_samples(std::span<const int> units, F&& f) const {
    for (const int unit : units) {
      for (int t = 0; t < segment(); ++t) {
        if (in_unit(unit, t)) f(unit + t * rollout_.shape().rows);
      }
    }
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
    this->turn(s, batch);
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
      set_decision(l, at, ids[i], ids[i], scale);
      set_value(l, at, ids[i]);
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

  /// Up to 64 states of a team: the decisions of its a-th agent, or, behind the last one, their value. A
  /// state is the sample of the first agent; the others' follow it.
  PolicyBatch gather_part(const int* states, int count, int a, const AdvantageScale& scale, int worker) {
    LossScratch& l = losses_[index(worker)];
    auto& s = scratch_[index(worker)];
    const bool value = a == group_size();
    Array<int, tile_rows> ids{};
    for (int i = 0; i < tile_rows; ++i) {
      l.decided[i] = value && i < count ? 1.f : 0.f;
      l.active[i] = !value && i < count ? 1.f : 0.f;
      if (i >= count) continue;
      ids[i] = states[i] + (value ? 0 : a);
      if (value) {
        set_value(l, i, ids[i]);
      } else {
        set_decision(l, i, ids[i], states[i], scale);
      }
    }
    PolicyBatch batch{
        .rows = count, .actions = s.actions, .part = value ? PolicyPart::critic : PolicyPart::actor};
    gather(s, ids.data(), count, 0, batch);
    if (!value) {
      gather_tile<Arch>(rollout_.actions.data, Policy::words, ids.data(), count, Policy::words, s.actions);
    }
    this->turn(s, batch);
    return batch;
  }

  MagnetWeights<typename Words::Magnet, Parameters> magnet_;
  FixedArray<LossScratch> losses_;  // [worker]
  std::vector<int> units_;

 private:
  /// What the policy's loss is made of: the decision of one sample, the advantage that stands in another.
  void set_decision(LossScratch& l, int at, int id, int valued, const AdvantageScale& scale) const {
    l.old_log_probs[at] = rollout_.log_probs.data[id];
    l.advantages[at] = (rollout_.advantages.data[valued] - scale.mean) * scale.inverse_deviation;
  }
  /// What the value's loss is made of.
  void set_value(LossScratch& l, int at, int id) const {
    l.returns[at] = rollout_.returns.data[id];
    l.old_values[at] = rollout_.values.data[id];
    if constexpr (normalizes_values) {
      l.returns[at] = values_.target(l.returns[at]);
      l.old_values[at] = values_.output(l.old_values[at]);
    }
  }

  std::vector<int> decided_units_;  // those of all decisions, for estimates that are made anew
};

}  // namespace polis::internal
