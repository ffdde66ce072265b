// Agents that act by one set of weights and learn from their own rollouts: what their decisions were worth.
//
// Every decision of a rollout is valued after it, in tiles; advantages follow row by row. Where agents take
// turns, a decision may still wait for its rewards when the rollout ends: it is carried over into the next
// one. Estimates that depend on the policy at hand (V-trace) are made anew before every epoch; see
// on_policy_update.hpp for that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <polis/algorithm/on_policy_agents.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/objective/objective.hpp>
#include <polis/returns/returns.hpp>

namespace polis::internal {

/// Values, advantages and returns of a rollout; see OnPolicyAgents for the parameters.
template <class Words, class E, int R, class Arch>
class OnPolicyReturns : public OnPolicyAgents<Words, E, R, Arch> {
  using Base = OnPolicyAgents<Words, E, R, Arch>;

 public:
  using typename Base::Observation, typename Base::Parts, typename Base::Policy;
  static constexpr int carry_size = Base::carry_size, mask_size = Base::mask_size;
  static constexpr bool central = Base::central, counterfactual = Base::counterfactual, turns = Base::turns,
                        waits = Base::waits, team = Base::team;
  /// Whether the lanes of a group are compared; they then begin anew with every rollout.
  static constexpr bool grouped = GroupEstimator<typename Words::Returns>;

  using Base::Base;

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    Base::prepare(env, threads, lanes);
    const auto& shape = rollout_.shape();
    decisions_.reserve(index(shape.slots()) * index(shape.rows));
    last_ = std::vector<int>(index(shape.rows), -1);
    if constexpr (selects) until_ = std::vector<int>(index(shape.rows));
    if constexpr (counterfactual) baselines_ = AlignedVector<float>(index(shape.slots() * shape.rows));
    if constexpr (recomputes<Returns>) ratios_ = AlignedVector<float>(index(shape.slots() * shape.rows));
    if constexpr (grouped) check_groups(env);
    if (shape.carried && time_in_steps()) {
      discounts_ = AlignedVector<float>(index(shape.slots() * shape.rows), config_.returns.discount);
    }
  }

  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    if (!discounts_.empty()) a.spread(std::span(discounts_.data(), index(rollout_.shape().rows)));
  }

  [[nodiscard]] int group() const
    requires(grouped)
  {
    return config_.returns.group;
  }

 protected:
  using Returns = typename Words::Returns;
  /// Whether some decisions are not learnt from although their rewards are in.
  static constexpr bool selects = complete_episodes<Returns> || grouped;

  using Base::agent, Base::group_size, Base::config_, Base::index, Base::leads, Base::rollout_,
      Base::scratch_, Base::segment;

  [[nodiscard]] int sample(int slot, int row) const { return slot * rollout_.shape().rows + row; }
  [[nodiscard]] int slots() const { return rollout_.shape().slots(); }

  /// Where agents take turns, the last decision of a row that does not act now still waits for its rewards;
  /// where values are those of actions, each last decision waits for the value of the next one. It is not
  /// learnt from in this rollout; its value bootstraps the decisions before it. last_[row] is its slot, else
  /// -1.
  void find_pending() {
    if constexpr (waits && !grouped) {
      for (int row = 0; row < rollout_.shape().rows; ++row) {
        int& last = last_[index(row)];
        last = -1;
        if (!counterfactual && this->counts(*this->env_, row)) continue;
        for (int slot = slots() - 1; slot >= 0 && last < 0; --slot) {
          if (rollout_.ends(slot, row) != End::none) break;
          if (rollout_.decided(slot, row)) last = slot;
        }
      }
    }
  }

  /// Where only complete episodes count: until_[row] is the slot after the row's last end.
  void find_complete() {
    if constexpr (complete_episodes<Returns>) {
      for (int row = 0; row < rollout_.shape().rows; ++row) {
        int& until = until_[index(row)];
        until = slots();
        while (until > 0 && rollout_.ends(until - 1, row) == End::none) --until;
      }
    }
  }

  /// Values of every decision, and of the state after the last step where the agent acts on.
  void value_rollout(Region& region) {
    if constexpr (uses_values<Returns> && !counterfactual) {
      value_last(region);
      value_decisions(region);
    }
  }
  /// Of an episode that was cut off nobody knows the joint action that would have come next. The value of
  /// the last decision stands for what comes after it too: its own target, so that nothing is learnt from it
  /// but the decisions before it have theirs.
  void value_cut_off() {
    const float discount = config_.returns.discount;
    for (int row = 0; row < rollout_.shape().rows; ++row) {
      float since = 0, value = 0;
      for (int slot = 0; slot < slots(); ++slot) {
        if (rollout_.decided(slot, row)) since = 0, value = rollout_.values(slot, row);
        since += rollout_.rewards(slot, row);
        if (rollout_.ends(slot, row) != End::truncated) continue;
        rollout_.final_values(slot, row) = discount > 0 ? (value - since) / discount : 0.f;
      }
    }
  }
  /// What a decision was better than the others that its agent had, given what all the others did.
  void compare_with_baselines() {
    const int all = slots() * rollout_.shape().rows;
    for (int id = 0; id < all; ++id) {
      if (!rollout_.decided.data[id]) continue;
      rollout_.advantages.data[id] = rollout_.values.data[id] - baselines_[index(id)];
    }
  }
  void value_last(Region& region) {
    const int rows = rollout_.shape().rows;
    const int chunks = (rows + tile_rows - 1) / tile_rows;
    region.parallel(chunks, 3000., [&](int chunk, int worker) {
      Array<int, tile_rows> ids{};
      int count = 0;
      for (int row = chunk * tile_rows; row < std::min(rows, (chunk + 1) * tile_rows); ++row) {
        rollout_.values(slots(), row) = 0;
        if (leads(row) && this->counts(*this->env_, row)) ids[count++] = row;
      }
      if (count == 0) return;
      this->value_now(*this->env_, scratch_[index(worker)], ids.data(), count, true,
                      &rollout_.values(slots(), 0));
    });
  }
  void value_decisions(Region& region) {
    if constexpr (carry_size > 0) return;  // valued while collecting, in step with the carry
    const int rows = rollout_.shape().rows;
    decisions_.clear();
    for (int slot = 0; slot < slots(); ++slot) {
      for (int row = 0; row < rows; ++row) {
        if (leads(row) && rollout_.decided(slot, row)) decisions_.push_back(sample(slot, row));
      }
    }
    const int tiles = (static_cast<int>(decisions_.size()) + tile_rows - 1) / tile_rows;
    region.parallel(tiles, 3000., [&](int tile, int worker) {
      const auto first = index(tile) * tile_rows;
      const int count = static_cast<int>(std::min<std::size_t>(tile_rows, decisions_.size() - first));
      auto& s = scratch_[index(worker)];
      PolicyBatch batch{.rows = count, .part = team ? PolicyPart::critic : PolicyPart::both};
      gather(s, decisions_.data() + first, count, 0, batch);
      this->value_tile(s, batch, nullptr);
      scatter_tile(s.values, count, 1, rollout_.values.data, 1, decisions_.data() + first);
    });
  }

  /// Advantages and returns of every row; `ratios` says that ratios_ are those of the policy at hand, which
  /// otherwise took the decisions itself.
  void estimate_advantages(Region& region, bool ratios = false) {
    if constexpr (counterfactual) value_cut_off();
    if constexpr (grouped) {
      const int groups = rollout_.shape().rows / (config_.returns.group * group_size());
      region.parallel(groups, 20. * slots() * config_.returns.group,
                      [this](int group, int) { estimate_group(group); });
    } else {
      const int rows = rollout_.shape().rows;
      const int chunks = (rows + tile_rows - 1) / tile_rows;
      region.parallel(chunks, 20. * slots() * tile_rows, [&](int chunk, int) {
        const int first = chunk * tile_rows, count = std::min(tile_rows, rows - first);
        estimate_rows(first, count, ratios);
      });
    }
    if constexpr (counterfactual) compare_with_baselines();
  }
  void estimate_rows(int first, int count, bool ratios) {
    Trajectory at = trajectory(first);
    if (ratios) at.ratios = ratios_.data() + first;
    if constexpr (!waits) {
      polis::estimate_rows<Arch, Returns>(config_.returns, at, count);
    } else {
      for (int i = 0; i < count; ++i) {
        Trajectory row = at.from(i);
        if (const int last = last_[index(first + i)]; last >= 0) {
          row.slots = last;
          row.bootstrap = &rollout_.values(last, first + i);
        }
        Returns::template estimate<float>(config_.returns, row);
      }
    }
  }
  void estimate_group(int group) {
    const int first = group * config_.returns.group * group_size();
    for (int row = first; row < first + group_size(); ++row) {
      Returns::estimate_group(config_.returns, trajectory(row), group_size(), &until_[index(row)]);
    }
  }
  /// The rollout from row `first` on.
  [[nodiscard]] Trajectory trajectory(int first) {
    Trajectory at{.slots = slots(), .stride = rollout_.shape().rows};
    at.rewards = &rollout_.rewards(0, first), at.values = &rollout_.values(0, first);
    at.bootstrap = &rollout_.values(slots(), first), at.ends = &rollout_.ends(0, first);
    at.final_values = &rollout_.final_values(0, first), at.decided = &rollout_.decided(0, first);
    at.advantages = &rollout_.advantages(0, first), at.returns = &rollout_.returns(0, first);
    if (!discounts_.empty()) at.discounts = discounts_.data() + first;
    at.weigh_advantages = !weighs_by_ratio<typename Words::Objective>;
    return at;
  }

  /// Gathers what the policy sees of samples ids[i] + t * rows, into time step t of the worker's tiles.
  void gather(ActorScratch<Policy>& s, const int* ids, int rows, int t, PolicyBatch& batch) const {
    const std::ptrdiff_t shift = static_cast<std::ptrdiff_t>(t) * rollout_.shape().rows;
    if (!central || batch.part != PolicyPart::critic) {
      float* features = s.features + t * Parts::features * tile_rows;
      this->gather_features(rollout_.observations.data + shift * Observation::words, ids, ids, rows,
                            features);
    }
    batch.features = s.features;
    batch.critic_features = s.features;
    if (central && batch.part != PolicyPart::actor) {
      Array<int, tile_rows> states{};
      if constexpr (team) {
        for (int i = 0; i < rows; ++i) states[i] = this->state_of(ids[i]);
      }
      this->gather_states(rollout_.states.data + shift * Base::state_words(),
                          rollout_.joint_actions.data + shift * Base::joint_words, team ? states.data() : ids,
                          ids, rows, s.critic_features + t * Parts::critic_features * tile_rows);
      batch.critic_features = s.critic_features;
    }
    if constexpr (mask_size > 0) {
      gather_tile<Arch>(rollout_.masks.data + shift * mask_size, mask_size, ids, rows, mask_size,
                        s.masks + t * mask_size * tile_rows);
      batch.masks = s.masks;
    }
  }

  /// Whether a slot of a row is a decision whose rewards are all in, of an episode that counts; of a team,
  /// that of its first agent stands for all.
  [[nodiscard]] bool learnt(int slot, int row) const {
    if (!leads(row)) return false;
    if (selects && slot >= until_[index(row)]) return false;
    return rollout_.decided(slot, row) && !(waits && last_[index(row)] == slot);
  }

  /// Moves pending decisions to slot 0 of the next rollout, with the rewards they have so far, and if time
  /// is in steps with the discount of all that comes after these.
  void carry_pending_over() {
    if (!rollout_.shape().carried) return;
    for (int row = 0; row < rollout_.shape().rows; ++row) {
      const int from = last_[index(row)];
      if (from > 0) move_to_first(from, row);
      float sum = 0, reach = 1;
      for (int slot = slots() - 1; from >= 0 && slot >= from; --slot) {
        const float discount = discounts_.empty() ? 1.f : discounts_[index(sample(slot, row))];
        sum = rollout_.rewards(slot, row) + discount * sum;
        reach *= discount;
      }
      rollout_.rewards(0, row) = sum;
      rollout_.ends(0, row) = End::none;
      rollout_.decided(0, row) = from >= 0;
      if (!discounts_.empty()) discounts_[index(row)] = reach;
    }
  }
  void move_to_first(int from, int row) {
    const auto& shape = rollout_.shape();
    std::copy_n(&rollout_.observations(from, row, 0), shape.observation, &rollout_.observations(0, row, 0));
    std::copy_n(&rollout_.actions(from, row, 0), shape.action, &rollout_.actions(0, row, 0));
    std::copy_n(&rollout_.masks(from, row, 0), shape.mask, &rollout_.masks(0, row, 0));
    std::copy_n(&rollout_.states(from, row, 0), shape.state, &rollout_.states(0, row, 0));
    std::copy_n(&rollout_.joint_actions(from, row, 0), shape.joint, &rollout_.joint_actions(0, row, 0));
    rollout_.log_probs(0, row) = rollout_.log_probs(from, row);
    rollout_.starts(0, row) = rollout_.starts(from, row);
  }

 private:
  [[nodiscard]] bool time_in_steps() const {
    if constexpr (requires { config_.returns.time_in_steps; }) {
      return config_.returns.time_in_steps;
    } else {
      return false;
    }
  }

  [[gnu::cold, gnu::noinline]] void check_groups(const MultiAgentEnv<E>& env) const {
    const int group = config_.returns.group;
    const std::string found = "found " + std::to_string(group);
    if (group < 2) throw Error(found, "algorithm.returns.group", "at least 2");
    if (env.lanes() % group != 0)
      throw Error(found, "algorithm.returns.group", concat({"a divisor of the ", env.lanes(), " lanes"}));
    if (env.group() != group)
      throw Error(concat({"the lanes begin alike in groups of ", env.group()}), "MultiAgentEnv",
                  concat({"groups of ", group, ", as algorithm.returns.group says"}));
  }

  std::vector<int> decisions_;      // samples to value
  std::vector<int> last_;           // [row]: the slot of the decision that still waits for its rewards, or -1
  AlignedVector<float> discounts_;  // [slots][rows], where decisions carried over have one of their own

 protected:
  std::vector<int> until_;          // [row]: how many slots are learnt from, where not all are
  AlignedVector<float> ratios_;     // [slots][rows], where estimates ask for them
  AlignedVector<float> baselines_;  // [slots][rows] of a counterfactual critic
};

}  // namespace polis::internal
