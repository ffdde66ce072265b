// Agents that learn the values of their actions from what they remember: the updates of Q-learning.
//
// An update draws a sample, of transitions (q_transitions.hpp) or of episodes (q_episodes.hpp), makes one
// step of the optimizer along the gradient of its loss, and has the target network follow.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/q_episodes.hpp>
#include <polis/algorithm/q_transitions.hpp>
#include <polis/algorithm/sharded_gradient.hpp>

namespace polis::internal {

/// What updates came to: means over their samples.
struct QStatistics {
  double loss = 0, value = 0, gradient_norm = 0, learning_rate = 0, exploration = 0;
  int updates = 0;

  /// Takes the means over so many statistics, the other being the last of them.
  void average(const QStatistics& other, double count) {
    loss += (other.loss - loss) / count, value += (other.value - value) / count;
    gradient_norm += (other.gradient_norm - gradient_norm) / count;
    learning_rate = other.learning_rate, exploration = other.exploration;
  }
  void visit(auto&& f) const {
    f("loss", loss), f("value", value), f("gradient_norm", gradient_norm);
    f("learning_rate", learning_rate), f("exploration", exploration);
  }
};

/// The loss that a sentence's buffer asks for.
template <class Words, class E, int R, int Width, class Arch>
using QLosses =
    std::conditional_t<keeps_episodes<typename Words::Buffer>, QEpisodes<Words, E, R, Width, Arch>,
                       QTransitions<Words, E, R, Width, Arch>>;

/// The optimizer's side of a learner; see QAgents for the parameters.
template <class Words, class E, int R, int Width, class Arch>
class QUpdate : public QLosses<Words, E, R, Width, Arch> {
  using Base = QLosses<Words, E, R, Width, Arch>;

 protected:
  using Base::config_, Base::weights_;

 public:
  using typename Base::Config, typename Base::Observation;

  [[gnu::cold]] QUpdate(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed),
        target_(weights_),
        optimizer_(config.optimizer, weights_.size()) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    Base::prepare(env, threads);
    Base::prepare_losses(threads);
    gradient_.prepare(weights_, config_.shards);
  }

  /// Learns as many times as what has come in since the last call is worth.
  [[gnu::noinline]] void update(Services& services) {
    const double progress = services.clock.progress();
    const float rate = config_.optimizer.learning_rate * config_.schedule(progress);
    statistics_ = {};
    this->catch_up(services.clock, [&] { learn(services.region, rate, progress); });
    this->explores_ = Base::Exploration::amount(config_.exploration, progress);
    finish_statistics(rate);
  }

  [[nodiscard]] const QStatistics& statistics() const { return statistics_; }
  /// The target network's weights.
  [[nodiscard]] FlatParameters& target() { return target_; }
  [[nodiscard]] const FlatParameters& target() const { return target_; }

  /// What a device takes over between two updates, works on in place of this learner, and gives back.
  struct Carried {
    const Config& config;
    std::uint64_t seed;
    FlatParameters &weights, &target;
    typename Words::Optimizer& optimizer;
    std::uint64_t &updates, &begun;  // batch step of the last update
    float& explores;
    QStatistics& statistics;
    typename Words::Buffer::Arrays& replay;
  };
  [[nodiscard]] Carried carried() {
    return {config_,  this->seed_,  weights_,        target_,     optimizer_,
            updates_, this->begun_, this->explores_, statistics_, this->replay_};
  }

  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a(target_, optimizer_, updates_);
  }

 private:
  /// One optimizer step on one sample.
  [[gnu::noinline]] void learn(Region& region, float rate, double progress) {
    Random random(this->seed_, updates_, 0, static_cast<std::uint32_t>(this->agents_.front()),
                  Purpose::permutation);
    this->draw(random, progress);
    const double nanoseconds = .15 * static_cast<double>(weights_.size()) * this->rows_of_part();
    const QSums sums = gradient_.sum_parts(region, this->parts(), nanoseconds,
                                           [&](float* gradient, QSums& to, int part, int worker) {
                                             this->add_gradient(target_, part, worker, gradient, to);
                                           });
    statistics_.gradient_norm += gradient_.step(optimizer_, weights_, rate, config_.max_gradient_norm);
    this->learnt();
    ++updates_;
    Words::Target::template follow<Arch>(config_.target, updates_, weights_.values(), target_.values());
    statistics_.loss += sums.loss, statistics_.value += sums.value;
    ++statistics_.updates;
  }

  void finish_statistics(float rate) {
    if (statistics_.updates > 0) {
      const double count = statistics_.updates;
      statistics_.loss /= count, statistics_.value /= count, statistics_.gradient_norm /= count;
    }
    statistics_.learning_rate = static_cast<double>(rate);
    statistics_.exploration = static_cast<double>(this->explores_);
  }

  FlatParameters target_;
  typename Words::Optimizer optimizer_;
  ShardedGradient<QSums, Arch> gradient_;
  QStatistics statistics_;
  std::uint64_t updates_ = 0;
};

}  // namespace polis::internal
