// Actors and Q-critics that learn from a replay: the updates of DDPG, TD3, SAC, MADDPG and MASAC.
//
// For each transition of a sample, with a' what the actor (of targets, or as it is) does next:
//
//   y          = r + discount (min_k Q_k'(o', a') - alpha log pi(a' | o'))
//   critics    : sum_k mean L(Q_k(o, a) - y)
//   actor      : mean(alpha log pi(a | o) - Q(o, a)),  a = the actor's own action, through which Q's gradient
//   goes temperature: mean(-alpha (log pi(a | o) + target entropy)),  by its logarithm
//
// alpha is 0 where the actor's head has no entropy. Q of the actor is the first critic's or the least. Of a
// Discrete action without relaxation both expectations over it are exact (`expected`). Of a team each agent
// has its turn: critics value its own action beside what the others did.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/actor_q_tiles.hpp>
#include <polis/algorithm/sharded_gradient.hpp>

namespace polis::internal {

/// What updates came to: means over their samples.
struct ActorQStatistics {
  double critic_loss = 0, value = 0, actor_loss = 0, entropy = 0, temperature = 0;
  double critic_gradient_norm = 0, actor_gradient_norm = 0, learning_rate = 0;
  int updates = 0, actor_updates = 0;

  /// Takes the means over so many statistics, the other being the last of them.
  void average(const ActorQStatistics& other, double count) {
    const auto take = [count](double& ours, double theirs) { ours += (theirs - ours) / count; };
    take(critic_loss, other.critic_loss), take(value, other.value), take(actor_loss, other.actor_loss);
    take(entropy, other.entropy), take(temperature, other.temperature);
    take(critic_gradient_norm, other.critic_gradient_norm);
    take(actor_gradient_norm, other.actor_gradient_norm);
    learning_rate = other.learning_rate;
  }
  void visit(auto&& f) const {
    f("critic_loss", critic_loss), f("value", value), f("actor_loss", actor_loss), f("entropy", entropy);
    f("temperature", temperature), f("critic_gradient_norm", critic_gradient_norm);
    f("actor_gradient_norm", actor_gradient_norm), f("learning_rate", learning_rate);
  }
};

/// The optimizers' side of a learner; see ActorQAgents for the parameters.
template <class Words, class E, int R, int Width, class Arch>
class ActorQUpdate : public ActorQTiles<Words, E, R, Width, Arch> {
  using Base = ActorQTiles<Words, E, R, Width, Arch>;
  using Base::acts, Base::acts_next, Base::see, Base::run_actor, Base::sample, Base::value_agent;
  using Base::config_, Base::index, Base::replay_, Base::weights_;
  using Base::critic_count, Base::expected, Base::joint, Base::values;
  using typename Base::Rows, typename Base::Workspace;

 public:
  using typename Base::Actor, typename Base::Config, typename Base::Head, typename Base::Networks,
      typename Base::Critics, typename Base::Climbed;

  [[gnu::cold]] ActorQUpdate(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed),
        critics_(critic_layout()),
        optimizer_(config.optimizer, critics_.size()),
        actor_optimizer_(config.actor_optimizer, weights_.size()) {
    Random random(seed, 1, 0, static_cast<std::uint32_t>(this->agents_.front()), Purpose::initialization);
    initialize<typename Words::Initialization>(config.initialization, critics_.layout(), critics_.values(),
                                               1.f, random);
    target_critics_ = critics_;
    if constexpr (Head::targeted) target_actor_ = weights_;
  }

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    Base::prepare(env, threads);
    constexpr int widest = RowMajor<Critics, Arch>::widest;
    const bool by_rows = row_major_pays<Arch>(config_.batch, widest, Climbed::outputs > 1);
    actor_weights_.prepare(by_rows), target_actor_weights_.prepare(by_rows && Head::targeted);
    critic_weights_.prepare(by_rows), target_critic_weights_.prepare(by_rows);
    critics_sum_.prepare(critics_, config_.shards);
    actor_sum_.prepare(weights_, config_.shards);
    spaces_ = FixedArray<Workspace>(index(threads), [](std::size_t) { return Base::workspace(); });
    ids_ = std::vector<int>(index(config_.batch));
    importance_ = std::vector<float>(ids_.size());
    errors_ = std::vector<float>(ids_.size());
  }

  /// Learns as many times as steps have been made since the last call, in steps of `update_every`.
  [[gnu::noinline]] void update(Services& services) {
    const double progress = services.clock.progress();
    statistics_ = {};
    this->catch_up(services.clock, [&] { learn(services.region, config_.schedule(progress), progress); });
    finish_statistics(config_.schedule(progress));
  }

  [[nodiscard]] const ActorQStatistics& statistics() const { return statistics_; }
  /// As ActorQAgents says. What is written to weights counts until the next update: then ask for them again.
  [[nodiscard]] FlatParameters& weights() { return actor_weights_.changed(), weights_; }
  [[nodiscard]] const FlatParameters& weights() const { return weights_; }
  [[nodiscard]] FlatParameters& critics() { return critic_weights_.changed(), critics_; }
  [[nodiscard]] const FlatParameters& critics() const { return critics_; }
  [[nodiscard]] const FlatParameters& target_critics() const { return target_critics_; }
  /// Of an actor whose head has none, empty.
  [[nodiscard]] const FlatParameters& target_actor() const { return target_actor_; }

  [[gnu::cold]] void archive_policy(auto& a) {
    Base::archive_policy(a);
    forget_passes();
  }
  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    forget_passes();
    a(critics_, target_critics_, target_actor_, optimizer_, actor_optimizer_, updates_);
  }

  /// What a device takes over between two updates, works on in place of this learner, and gives back.
  struct Carried {
    const Config& config;
    std::uint64_t seed;
    FlatParameters &weights, &critics, &target_critics, &target_actor;
    typename Words::Optimizer &optimizer, &actor_optimizer;
    std::uint64_t &updates, &begun;  // batch step of the last update
    ActorQStatistics& statistics;
    typename Words::Buffer::Arrays& replay;
    FixedArray<float>& noise;
  };
  [[nodiscard]] Carried carried() {
    forget_passes();
    return {config_,       this->seed_, weights_,         critics_, target_critics_,
            target_actor_, optimizer_,  actor_optimizer_, updates_, this->begun_,
            statistics_,   replay_,     this->noise()};
  }

  /// Losses of the sample of the next update, and their gradients, without a step: what tests compare.
  struct Losses {
    double critics, actor, temperature;
    std::vector<float> critics_gradient, actor_gradient;
  };
  [[nodiscard, gnu::cold]] Losses losses(Region& region) {
    replay_.settle();
    forget_passes();
    draw_sample(0);
    const CriticSums critics = critic_gradient(region);
    const ActorSums actor = actor_gradient(region);
    const auto copy = [](const FlatParameters& from) {
      return std::vector<float>(from.values().begin(), from.values().end());
    };
    return {critics.loss, actor.loss, actor.temperature_loss, copy(critics_sum_.gradient()),
            copy(actor_sum_.gradient())};
  }

 private:
  struct CriticSums {
    double loss = 0, value = 0;
    void add(const CriticSums& other) { loss += other.loss, value += other.value; }
  };
  struct ActorSums {
    double loss = 0, temperature_loss = 0, entropy = 0;
    void add(const ActorSums& other) {
      loss += other.loss, temperature_loss += other.temperature_loss, entropy += other.entropy;
    }
  };
  [[gnu::cold]] static Layout critic_layout() {
    Layout layout;
    append(layout, "critics.", Critics::layout());
    return layout;
  }
  /// After anything else than a step has written to the weights.
  void forget_passes() {
    actor_weights_.changed(), target_actor_weights_.changed();
    critic_weights_.changed(), target_critic_weights_.changed();
  }
  void draw_sample(double progress) {
    this->sample_number_ = updates_;
    Random random(this->seed_, updates_, 0, this->stream(0), Purpose::permutation);
    replay_.sample(random, progress, ids_, importance_);
  }

  /// One optimizer step of the critics on one sample of the replay, and one of the actor when it is its turn.
  [[gnu::noinline]] void learn(Region& region, float schedule, double progress) {
    draw_sample(progress);
    const CriticSums critics = critic_gradient(region);
    statistics_.critic_gradient_norm += critics_sum_.step(
        optimizer_, critics_, schedule * config_.optimizer.learning_rate, config_.max_gradient_norm);
    critic_weights_.changed();
    replay_.learn(ids_, errors_);
    statistics_.critic_loss += critics.loss, statistics_.value += critics.value;
    ++statistics_.updates;
    if (++updates_ % static_cast<std::uint64_t>(config_.actor_every) != 0) return;
    const ActorSums actor = actor_gradient(region);
    statistics_.actor_gradient_norm +=
        actor_sum_.step(actor_optimizer_, weights_, schedule * config_.actor_optimizer.learning_rate,
                        config_.max_gradient_norm);
    actor_weights_.changed();
    statistics_.actor_loss += actor.loss, statistics_.entropy += actor.entropy;
    ++statistics_.actor_updates;
    const auto follow = [this](const FlatParameters& weights, FlatParameters& target) {
      Words::Target::template follow<Arch>(config_.target,
                                           updates_ / static_cast<std::uint64_t>(config_.actor_every),
                                           weights.values(), target.values());
    };
    follow(critics_, target_critics_);
    if constexpr (Head::targeted) follow(weights_, target_actor_);
    target_critic_weights_.changed(), target_actor_weights_.changed();
  }

  CriticSums critic_gradient(Region& region) {
    if constexpr (Head::targeted) {
      target_actor_weights_.take(target_actor_);
    } else {
      actor_weights_.take(weights_);
    }
    target_critic_weights_.take(target_critics_), critic_weights_.take(critics_);
    const double passes = 3 * static_cast<double>(critics_.size()) + static_cast<double>(weights_.size());
    return critics_sum_.sum(region, count(), .05 * passes * tile_rows * Width,
                            [&](float* gradient, CriticSums& sums, int first, int rows, int worker) {
                              add_critics(spaces_[index(worker)], {ids_.data() + first, first, rows},
                                          gradient, sums);
                            });
  }
  ActorSums actor_gradient(Region& region) {
    actor_weights_.take(weights_), critic_weights_.take(critics_);
    const double passes = 2 * static_cast<double>(critics_.size()) + 3 * static_cast<double>(weights_.size());
    return actor_sum_.sum(region, count(), .05 * passes * tile_rows * Width,
                          [&](float* gradient, ActorSums& sums, int first, int rows, int worker) {
                            add_actor(spaces_[index(worker)], {ids_.data() + first, first, rows}, gradient,
                                      sums);
                          });
  }
  [[nodiscard]] int count() const { return static_cast<int>(ids_.size()); }

  /// Adds the gradient of the critics' losses on up to 64 transitions.
  [[gnu::noinline]] void add_critics(Workspace& s, const Rows& rows, float* gradient, CriticSums& sums) {
    value_next(s, rows);
    see(s, rows, false);
    for (int j = 0; j < Width; ++j) this->take_kept_action(s, rows, j);
    for (int i = 0; i < rows.count; ++i) errors_[index(rows.first + i)] = 0;
    for (int j = 0; j < Width; ++j) {
      value_agent(s, rows, j, critic_weights_);
      std::fill_n(s.d_values, Critics::outputs * tile_rows, 0.f);
      for (int i = 0; i < rows.count; ++i) add_error(s, rows, i, j, sums);
      critic_weights_.backward(gradient, s.input, s.d_values, s.critic_cache, s.scratch, rows.count);
    }
  }
  /// The critics' errors about the j-th agent of the i-th transition of the tile.
  void add_error(Workspace& s, const Rows& rows, int i, int j, CriticSums& sums) {
    const int id = rows.ids[i];
    const std::size_t at = index(rows.first + i);
    int output = 0;
    if constexpr (expected) {
      if (!acts(id, j)) return;
      output = static_cast<int>(replay_.actions(id, j, 0));
    }
    const float target = replay_.rewards(id, Words::each_reward ? j : 0) +
                         replay_.discounts.data[id] * s.next[j * tile_rows + i];
    const float mean = mean_weight(), weight = importance_[at] * mean;
    for (int k = 0; k < critic_count; ++k) {
      const int v = (k * values + output) * tile_rows + i;
      const float error = s.values[v] - target;
      const auto loss = Words::Objective::error_loss(config_.objective, error);
      s.d_values[v] = weight * loss.d_error;
      sums.loss += static_cast<double>(weight * loss.loss);
      sums.value += static_cast<double>(s.values[v] * mean) / critic_count;
      errors_[at] += std::abs(error) / (Width * critic_count);
    }
  }

  /// next[j] = what the target critics make of what follows, for the j-th agent.
  void value_next(Workspace& s, const Rows& rows) {
    see(s, rows, true);
    for (int j = 0; j < Width; ++j) {
      run_actor(s, rows, j, Head::targeted ? target_actor_weights_ : actor_weights_, true);
      if (!expected || joint) sample(s, rows, j, true);
      if constexpr (joint) {
        for (int i = 0; i < rows.count; ++i) {
          if (!acts_next(rows.ids[i], j)) this->clear_action(s, i, j);
        }
      }
    }
    const float alpha = this->temperature();
    for (int j = 0; j < Width; ++j) {
      value_agent(s, rows, j, target_critic_weights_);
      this->least_values(s, rows.count);
      float* const next = s.next + j * tile_rows;
      const float* const log_probs = s.log_probs + j * tile_rows;
      if constexpr (expected) {
        this->expect(s, rows, j, true, next);
      } else {
        std::copy_n(s.least, tile_rows, next);
      }
      for (int i = 0; i < rows.count && Head::entropic; ++i) {
        if (!joint || acts_next(rows.ids[i], j)) next[i] -= alpha * log_probs[i];
      }
    }
  }

  /// Adds the gradient of the actor's and the temperature's losses on up to 64 transitions.
  [[gnu::noinline]] void add_actor(Workspace& s, const Rows& rows, float* gradient, ActorSums& sums) {
    const float mean = mean_weight(), alpha = this->temperature();
    see(s, rows, false);
    for (int j = 0; j < Width && joint; ++j) this->take_kept_action(s, rows, j);
    for (int j = 0; j < Width; ++j) {
      const float* const inputs = run_actor(s, rows, j, actor_weights_, false);
      std::fill_n(s.d_rows, tile_rows, 0.f);
      for (int i = 0; i < rows.count; ++i) s.d_rows[i] = acts(rows.ids[i], j) ? mean : 0.f;
      if constexpr (expected) {
        value_agent(s, rows, j, critic_weights_);
        this->least_values(s, rows.count);
        this->expect(s, rows, j, false, s.climbed);
        this->expect_backward(s, rows, j, alpha);
      } else {
        sample(s, rows, j, false);
        this->template value_agent<Climbed>(s, rows, j, critic_weights_);
        this->climb(s, rows.count, j, critic_weights_);
        sample_backward(s, rows, j, alpha);
      }
      actor_weights_.backward(gradient, inputs, s.d_outputs, s.actor_cache, s.scratch, rows.count);
      for (int i = 0; i < rows.count; ++i) {
        const float weight = s.d_rows[i], log_prob = s.log_probs[j * tile_rows + i];
        sums.loss += static_cast<double>(weight * (alpha * log_prob - s.climbed[i]));
        sums.entropy -= static_cast<double>(weight * log_prob);
        if constexpr (Head::entropic) {
          const float slope = -weight * alpha * (log_prob + Head::target_entropy(config_.actor));
          gradient[Actor::parameters] += slope;
          sums.temperature_loss += static_cast<double>(slope);
        }
      }
      if constexpr (joint) this->take_kept_action(s, rows, j);
    }
  }
  void sample_backward(Workspace& s, const Rows& rows, int j, float alpha) {
    using T = Batch<Arch>;
    const float* const d_action = s.d_input + (Networks::actions_at + j * Base::action_features) * tile_rows;
    const float* const masks = this->masks_of(s, rows, j, false);
    for_registers<Arch>(rows.count, [&](int r) {
      Head::template backward<T>(config_.actor, In<T>{this->outputs_of(s, j) + r, tile_rows},
                                 In<T>{masks ? masks + r : nullptr, tile_rows},
                                 In<T>{s.uniforms + Head::noise * tile_rows + r, tile_rows},
                                 In<T>{this->action_of(s, j) + r, tile_rows}, In<T>{d_action + r, tile_rows},
                                 T(alpha) * Load<T>::load(s.d_rows + r), Out<T>{s.d_outputs + r, tile_rows});
    });
  }

  [[nodiscard]] float mean_weight() const { return 1.f / static_cast<float>(count() * Width); }

  void finish_statistics(float schedule) {
    const auto divide = [](int count, auto&... sums) {
      if (count > 0) ((sums /= count), ...);
    };
    ActorQStatistics& t = statistics_;
    divide(t.updates, t.critic_loss, t.value, t.critic_gradient_norm);
    divide(t.actor_updates, t.actor_loss, t.entropy, t.actor_gradient_norm);
    t.learning_rate = static_cast<double>(config_.optimizer.learning_rate * schedule);
    t.temperature = static_cast<double>(this->temperature());
  }

  FlatParameters critics_, target_critics_, target_actor_;
  typename Words::Optimizer optimizer_, actor_optimizer_;
  typename Base::ActorWeights actor_weights_, target_actor_weights_;
  typename Base::CriticWeights critic_weights_, target_critic_weights_;
  ShardedGradient<CriticSums, Arch> critics_sum_;
  ShardedGradient<ActorSums, Arch> actor_sum_;
  FixedArray<Workspace> spaces_;  // [worker]
  std::vector<int> ids_;          // of the sample
  std::vector<float> importance_, errors_;
  ActorQStatistics statistics_;
  std::uint64_t updates_ = 0;  // of the critics
};

}  // namespace polis::internal
