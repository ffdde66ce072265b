// Agents that act by one set of weights and learn from their own rollouts: the collecting half.
//
// Each agent of each lane is a row. At every step the rows that decide are gathered, so that agents that wait
// or are dead cost nothing; what came of the step is recorded before ended lanes are renewed, so that a
// truncated episode is valued at its final observation. The learning half is on_policy_update.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/on_policy_inputs.hpp>
#include <polis/algorithm/rows.hpp>
#include <polis/buffer/rollout.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/transpose.hpp>

namespace polis::internal {

/// The acting side of a learner; see OnPolicyInputs for the parameters.
template <class Words, class E, int R, class Arch>
class OnPolicyAgents : public OnPolicyInputs<Words, E, R, Arch> {
  using Base = OnPolicyInputs<Words, E, R, Arch>;

 public:
  using typename Base::Config, typename Base::Observation, typename Base::Parameters, typename Base::Parts,
      typename Base::Policy;
  static constexpr int carry_size = Base::carry_size, mask_size = Base::mask_size;
  static constexpr bool central = Base::central, counterfactual = Base::counterfactual, joint = Base::joint,
                        idle = Base::idle, turns = Base::turns;
  /// Whether decisions wait for the one after them: with their rewards, or with the value that follows.
  static constexpr bool waits = turns || counterfactual;

  /// Carries of a run that is only watched, [row][carry_size], and which rows begin an episode.
  struct Memory {
    AlignedVector<float> carries;
    std::vector<char> fresh;
    ActorScratch<Policy> scratch;
  };

  [[gnu::cold]] OnPolicyAgents(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents)), policy_(config.policy), seed_(seed), values_(config.values) {
    Random random(seed_, 0, 0, static_cast<std::uint32_t>(agents_.front()), Purpose::initialization);
    weights_ = policy_.parameters(random);
  }

  /// Sizes everything for these lanes of `env` and this number of threads.
  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads, LaneRange lanes) {
    env_ = &env;
    first_lane_ = lanes.first;
    RolloutShape shape;
    shape.steps = config_.steps;
    shape.rows = lanes.count * group_size();
    shape.observation = Observation::words;
    shape.state = Base::state_words();
    shape.rows_of_state = Base::team ? group_size() : 1;
    shape.action = Policy::words;
    shape.joint = Base::joint_words;
    shape.mask = mask_size;
    shape.carry = carry_size;
    shape.segments = carry_size > 0 ? (config_.steps + segment() - 1) / segment() : 0;
    shape.carried = waits && carry_size == 0;
    shape.idle = idle;
    rollout_ = typename Words::Buffer::Arrays(shape);
    carries_ = AlignedVector<float>(index(shape.rows) * carry_size);
    fresh_ = std::vector<char>(index(shape.rows), 1);
    scratch_ = FixedArray<ActorScratch<Policy>>(index(threads), [&](std::size_t) {
      return make_scratch(lanes.count, index(std::max(Observation::words, Base::state_words())) * tile_rows);
    });
    begun_ = 0;
  }

  /// Time steps of a segment, the unit of a recurrent policy's minibatches.
  [[nodiscard]] int segment() const {
    return carry_size == 0 ? 1 : std::clamp(config_.segment, 1, config_.steps);
  }

  /// Chooses actions for the rows of the tile that decide, and stores what they were chosen from.
  void act(LaneTile<E>& tile) {
    auto& s = scratch_[index(tile.worker)];
    const int slot = this->slot(tile.step);
    if constexpr (carry_size > 0) begin_segment(tile, slot);
    s.rows.clear(), s.cut.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = row_of(lane, a);
        const bool decides = tile.env->deciding(lane, agent(a));
        if (tile.env->steps_in_episode(lane) == 0) fresh_[index(row)] = 1;
        rollout_.decided(slot, row) = this->counts(*tile.env, row);
        rollout_.starts(slot, row) = 0;
        if constexpr (idle) {
          rollout_.active(slot, row) = decides;
          if (!decides && rollout_.decided(slot, row)) store_idle(slot, row), s.cut.push_back(row);
        }
        if (!decides) continue;
        if (fresh_[index(row)]) rollout_.starts(slot, row) = 1, fresh_[index(row)] = 0;
        tile.env->observe_agent(lane, agent(a), Row{&rollout_.observations(slot, row, 0)});
        if constexpr (central) {
          if (leads(row)) tile.env->state(lane, Row{&rollout_.states(slot, this->state_of(row), 0)});
        }
        if constexpr (joint) mark_acting(*tile.env, lane, &rollout_.joint_actions(slot, row, 0));
        if constexpr (mask_size > 0) read_mask(*tile.env, lane, a, &rollout_.masks(slot, row, 0));
        s.rows.push_back(row);
      }
    }
    for_tiles(s.rows, [&](const int* ids, int rows) { choose(tile, s, slot, ids, rows); });
    if constexpr (idle && carry_size > 0) {
      for_tiles(s.cut, [&](const int* ids, int rows) {
        value_now(*tile.env, s, ids, rows, true, &rollout_.values(slot, 0));
      });
    }
  }

  /// Stores rewards and ends of the step just made, and values the final observations of truncated episodes.
  void record(LaneTile<E>& tile) {
    auto& s = scratch_[index(tile.worker)];
    const int slot = this->slot(tile.step);
    s.cut.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = row_of(lane, a);
        const End end = tile.env->end(lane, agent(a));
        rollout_.rewards(slot, row) = tile.env->reward(lane, agent(a));
        rollout_.ends(slot, row) = end;
        if constexpr (joint) store_joint_action(tile, lane, &rollout_.joint_actions(slot, row, 0));
        if (end != End::none) fresh_[index(row)] = 1;
        if (end == End::truncated && !counterfactual && leads(row)) s.cut.push_back(row);
      }
    }
    if constexpr (!counterfactual) {
      for_tiles(s.cut, [&](const int* ids, int rows) {
        value_now(*tile.env, s, ids, rows, false, &rollout_.final_values(slot, 0));
      });
    }
  }

  [[nodiscard]] int interval() const { return config_.steps; }
  [[nodiscard]] bool due(const Clock& clock) const {
    return clock.batch_steps >= begun_ + static_cast<std::uint64_t>(config_.steps);
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const {
    Memory memory;
    const auto rows = index(lanes) * agents_.size();
    memory.carries = AlignedVector<float>(rows * carry_size);
    memory.fresh = std::vector<char>(rows, 1);
    memory.scratch = make_scratch(lanes, rows * (index(Observation::words) + index(mask_size)));
    return memory;
  }

  /// Acts without learning, in an environment of the caller's.
  [[gnu::noinline]] void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    auto& s = memory.scratch;
    float* observed = s.staging;
    float* masks = observed + memory.fresh.size() * Observation::words;
    s.rows.clear();
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = row_of(lane, a);
        if (tile.env->steps_in_episode(lane) == 0) memory.fresh[index(row)] = 1;
        if (!tile.env->deciding(lane, agent(a))) continue;
        tile.env->observe_agent(lane, agent(a), Row{observed + row * Observation::words});
        if constexpr (mask_size > 0) read_mask(*tile.env, lane, a, masks + row * mask_size);
        s.rows.push_back(row);
      }
    }
    for_tiles(s.rows, [&](const int* ids, int rows) {
      gather_features(observed, ids, ids, rows, s.features);
      PolicyBatch batch{.rows = rows, .features = s.features};
      if constexpr (mask_size > 0) {
        gather_tile<Arch>(masks, index(mask_size), ids, rows, mask_size, s.masks);
        batch.masks = s.masks;
      }
      load_carries(memory.carries, ids, rows, s.carry,
                   [&memory](int row) { return memory.fresh[index(row)] != 0; });
      act_tile(s, batch, how == Play::sampled ? draw(tile, s, ids, rows, Purpose::evaluation) : nullptr);
      store_carries(memory.carries, ids, rows, s.carry);
      for (int i = 0; i < rows; ++i) {
        memory.fresh[index(ids[i])] = 0;
        set_action(tile, ids[i], In<float>{s.actions + i, tile_rows});
      }
    });
  }

  [[nodiscard]] const Parameters& weights() const { return weights_; }
  [[nodiscard]] Parameters& weights() {
    ++generation_;
    return weights_;
  }
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const typename Words::Buffer::Arrays& rollout() const { return rollout_; }

  /// Saves or restores all that `play` depends on: the policy, for pools of opponents.
  [[gnu::cold]] void archive_policy(auto& a) { a(weights(), observations_); }
  [[gnu::cold]] void archive(auto& a) {
    a.section("agents");
    a(weights(), observations_, values_, begun_);
    a.spread(carries_), a.spread(fresh_);
    bool half_filled = begun_rollout();
    a(half_filled);
    if (half_filled) {
      a(rollout_);
    } else if (rollout_.shape().carried) {
      rollout_.archive_first_slot(a);
    }
  }

 protected:
  using Base::agent, Base::agents_, Base::config_, Base::first_lane_, Base::gather_features, Base::group_size,
      Base::index, Base::lane_of, Base::leads, Base::observations_, Base::read_mask, Base::row_of;

  /// Whether steps were taken since the last update: an algorithm beside this one was due before it.
  [[nodiscard]] bool begun_rollout() const {
    return env_ && env_->steps(0) != static_cast<std::uint32_t>(begun_);
  }

  [[nodiscard]] int first_slot() const { return rollout_.shape().carried ? 1 : 0; }
  [[nodiscard]] int slot(std::uint64_t step) const { return first_slot() + static_cast<int>(step - begun_); }

  [[nodiscard, gnu::cold]] ActorScratch<Policy> make_scratch(int lanes, std::size_t staging) const {
    const auto tile = [](int n) { return index(n) * tile_rows; };
    const std::size_t steps = index(segment());
    ActorScratch<Policy> s{};
    s.policy = policy_.workspace(segment());
    s.memory = FloatArena({{&s.features, tile(Parts::features) * steps},
                           {&s.critic_features, tile(Parts::critic_features) * steps},
                           {&s.masks, tile(mask_size) * steps},
                           {&s.actions, tile(Policy::words) * steps},
                           {&s.log_probs, tile(1)},
                           {&s.values, tile(1)},
                           {&s.carry, tile(carry_size)},
                           {&s.staging, staging}});
    s.rows.reserve(index(lanes) * agents_.size());
    s.cut.reserve(index(lanes) * agents_.size());
    return s;
  }
  /// The value that an output of the critic stands for.
  [[nodiscard]] float value_of(float output) const {
    if constexpr (Words::ValueNormalization::normalizes) return values_.value(output);
    return output;
  }
  /// Whether the agent of a sample acted; a sample of the critic alone is one that did not.
  [[nodiscard]] bool acted(int sample) const {
    return idle ? rollout_.active.data[sample] != 0 : rollout_.decided.data[sample] != 0;
  }
  [[nodiscard]] bool acted(std::ptrdiff_t slot, std::ptrdiff_t row) const {
    return acted(static_cast<int>(slot) * rollout_.shape().rows + static_cast<int>(row));
  }

  /// Uniform numbers [noise][64] of these rows' own streams.
  const float* draw(const LaneTile<E>& tile, ActorScratch<Policy>& s, const int* ids, int rows,
                    Purpose purpose) const {
    Array<std::uint32_t, tile_rows> lanes{}, agents{};
    for (int i = 0; i < rows; ++i) {
      lanes[i] = tile.env->global_lane(lane_of(ids[i]));
      agents[i] = static_cast<std::uint32_t>(agent(ids[i] % group_size()));
    }
    return s.uniforms.template draw<Arch>(seed_, tile.step, purpose, &lanes[0], &agents[0], rows);
  }

  void set_action(LaneTile<E>& tile, int row, In<float> words) const {
    MultiAgentEnv<E>::set_action(tile.actions[lane_of(row) - tile.first], agent(row % group_size()), words);
  }

  /// The carries [row] of these rows as a tile, zero for rows that begin an episode.
  template <class Begins>
  static void load_carries(const AlignedVector<float>& from, const int* ids, int rows, float* carry,
                           const Begins& begins) {
    if constexpr (carry_size > 0) {
      for (int i = 0; i < tile_rows; ++i) {
        const int row = ids[std::min(i, rows - 1)];
        const bool zero = begins(row);
        for (int k = 0; k < carry_size; ++k) {
          carry[k * tile_rows + i] = zero ? 0.f : from[index(row) * carry_size + index(k)];
        }
      }
    }
  }
  static void store_carries(AlignedVector<float>& to, const int* ids, int rows, const float* carry) {
    if constexpr (carry_size > 0) scatter_tile(carry, rows, carry_size, to.data(), carry_size, ids);
  }

  /// Keeps the carries from which a segment starts.
  void begin_segment(const LaneTile<E>& tile, int slot) {
    if (slot % segment() != 0) return;
    const int first = row_of(tile.first, 0), count = tile.lanes * group_size();
    std::copy_n(carries_.data() + index(first) * carry_size, index(count) * carry_size,
                &rollout_.carries(slot / segment(), first, 0));
  }

  /// What is kept of an agent that does not act: zeros, and every action legal, lest no distribution be left.
  void store_idle(int slot, int row) {
    const auto& shape = rollout_.shape();
    std::fill_n(&rollout_.observations(slot, row, 0), shape.observation, 0.f);
    std::fill_n(&rollout_.states(slot, row, 0), shape.state, 0.f);
    std::fill_n(&rollout_.joint_actions(slot, row, 0), shape.joint, -1.f);
    std::fill_n(&rollout_.actions(slot, row, 0), shape.action, 0.f);
    std::fill_n(&rollout_.masks(slot, row, 0), shape.mask, 1.f);
    rollout_.log_probs(slot, row) = 0;
  }
  // What everybody does in a lane, for a critic that compares the actions of one, or for a model of the
  // others: who acts is known before the step, what they do after it alone.
  static void mark_acting(const MultiAgentEnv<E>& env, int lane, float* actions) {
    for (int who = 0; who < agent_count<E>; ++who) {
      const int first = JointAction<E>::word(who), end = JointAction<E>::word(who + 1);
      std::fill(actions + first, actions + end, env.chooses(lane, who) ? 0.f : -1.f);
    }
  }
  static void store_joint_action(const LaneTile<E>& tile, int lane, float* actions) {
    for (int who = 0; who < agent_count<E>; ++who) {
      float* const words = actions + JointAction<E>::word(who);
      if (*words >= 0) MultiAgentEnv<E>::chosen(tile.actions[lane - tile.first], who, Row{words});
    }
  }

  /// Has the workspace turn the weights, unless it has turned these, where that pays for passes over the
  /// batch.
  void turn(ActorScratch<Policy>& s, PolicyBatch& batch, bool acts = false) const {
    if constexpr (TurnsWeightsFor<Policy, Arch>) {
      if (!Policy::template learns_turned<Arch> && !(acts && Policy::template acts_turned<Arch>(batch.rows)))
        return;
      const bool stale = std::exchange(s.turned, generation_) != generation_;
      if (stale) policy_.template turn<Arch>(weights_, s.policy);
      batch.turned = true;
    }
  }

  // The policy's passes, each compiled once for all who call them.
  [[gnu::noinline]] void act_tile(ActorScratch<Policy>& s, PolicyBatch& batch, const float* uniforms,
                                  float* log_probs = nullptr) const {
    turn(s, batch, true);
    policy_.template act<Arch>(weights_, s.policy, batch, uniforms, s.carry, s.actions, log_probs);
  }
  [[gnu::noinline]] void value_tile(ActorScratch<Policy>& s, PolicyBatch& batch, float* carry) const {
    turn(s, batch);
    policy_.template value<Arch>(weights_, s.policy, batch, carry, s.values);
    for (int i = 0; i < batch.rows; ++i) s.values[i] = value_of(s.values[i]);
  }

  /// Acts for up to 64 rows whose observations are in the rollout.
  void choose(LaneTile<E>& tile, ActorScratch<Policy>& s, int slot, const int* ids, int rows) {
    gather_features(&rollout_.observations(slot, 0, 0), ids, ids, rows, s.features);
    PolicyBatch batch{.rows = rows, .features = s.features, .critic_features = s.features};
    if constexpr (mask_size > 0) {
      gather_tile<Arch>(&rollout_.masks(slot, 0, 0), index(mask_size), ids, rows, mask_size, s.masks);
      batch.masks = s.masks;
    }
    load_carries(carries_, ids, rows, s.carry,
                 [this, slot](int row) { return rollout_.starts(slot, row) != 0; });
    act_tile(s, batch, draw(tile, s, ids, rows, Purpose::action), s.log_probs);
    if constexpr (carry_size > 0 && !counterfactual) {  // a recurrent critic's values: in step with its carry
      if constexpr (central) {
        this->gather_states(&rollout_.states(slot, 0, 0), nullptr, ids, ids, rows, s.critic_features);
        batch.critic_features = s.critic_features;
      }
      value_tile(s, batch, s.carry);
      scatter_tile(s.values, rows, 1, &rollout_.values(slot, 0), 1, ids);
    }
    store_carries(carries_, ids, rows, s.carry);
    scatter_tile(s.actions, rows, Policy::words, &rollout_.actions(slot, 0, 0), Policy::words, ids);
    scatter_tile(s.log_probs, rows, 1, &rollout_.log_probs(slot, 0), 1, ids);
    for (int i = 0; i < rows; ++i) set_action(tile, ids[i], In<float>{s.actions + i, tile_rows});
  }

  /// Values of what these rows see now, written to values[row]; carries stay as they are. `renewed` says
  /// whether rows whose episode ended have already begun the next one.
  [[gnu::noinline]] void value_now(const MultiAgentEnv<E>& env, ActorScratch<Policy>& s, const int* ids,
                                   int rows, bool renewed, float* values) const {
    constexpr int words = central ? Base::state_words() : Observation::words;
    for (int i = 0; i < rows; ++i) this->read_critic(env, ids[i], Row{s.staging + i * words});
    if constexpr (central) {
      this->gather_states(s.staging, nullptr, nullptr, ids, rows, s.critic_features);
    } else {
      gather_features(s.staging, nullptr, ids, rows, s.critic_features);
    }
    load_carries(carries_, ids, rows, s.carry,
                 [this, renewed](int row) { return renewed && fresh_[index(row)] != 0; });
    PolicyBatch batch{.rows = rows, .critic_features = s.critic_features};
    value_tile(s, batch, s.carry);
    scatter_tile(s.values, rows, 1, values, 1, ids);
  }

  Policy policy_;
  std::uint64_t seed_;
  Parameters weights_;
  std::uint64_t generation_ = 1;  // of the weights: changes as they do, so that what is made of them is anew
  typename Words::ValueNormalization::State values_;
  typename Words::Buffer::Arrays rollout_;
  AlignedVector<float> carries_;              // [row][carry_size], as of now
  std::vector<char> fresh_;                   // [row]: the next decision begins an episode
  FixedArray<ActorScratch<Policy>> scratch_;  // [worker]
  std::uint64_t begun_ = 0;                   // batch step at which the rollout began
  const MultiAgentEnv<E>* env_ = nullptr;
};

}  // namespace polis::internal
