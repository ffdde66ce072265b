// A learner whose sentence has a word of shaping: it is shown other rewards than the environment pays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis::internal {

/// How the learner of these slots counts time; see Spans.
template <class Slots>
constexpr Spans spans_of() {
  if constexpr (requires { Slots::ActiveMasks::keeps_idle; }) {
    return Slots::ActiveMasks::keeps_idle ? Spans::steps : Spans::decisions;
  } else if constexpr (requires { Slots::joint; }) {
    return Slots::joint ? Spans::team_decisions : Spans::decisions;
  } else {
    return Spans::decisions;
  }
}

/// The discount of one transition, where the family's settings have it.
template <class Config>
float discount_of(const Config& config) {
  if constexpr (requires { config.returns.discount; }) {
    return config.returns.discount;
  } else {
    return config.discount;
  }
}

template <class L, class Slots, class E, class Handled>
class ShapedLearner;

/// The learner L, or where the sentence has a word of shaping, the same of shaped rewards.
template <bool shapes, class L, class Slots, class E, class Handled>
struct ShapedBy {
  using type = L;
};
template <class L, class Slots, class E, class Handled>
struct ShapedBy<true, L, Slots, E, Handled> {
  using type = ShapedLearner<L, Slots, E, Handled>;
};
template <class L, class Slots, class E, class Handled>
using Shaped = typename ShapedBy<Slots::Shaping::shapes, L, Slots, E, Handled>::type;

/// L with the rewards of each step changed for the time of `record`, and restored after it: whoever looks at
/// the batch of lanes later sees what the environment paid.
template <class L, class Slots, class E, int First, int... Rest>
class ShapedLearner<L, Slots, E, std::integer_sequence<int, First, Rest...>> : public L {
  using State = typename Slots::Shaping::template State<E>;
  static_assert(ShapingWord<typename Slots::Shaping, E>);

 public:
  using Config = typename Slots::Config;

  [[gnu::cold]] ShapedLearner(const Config& config, std::uint64_t seed)
      : L(config, seed), config_(config.shaping), discount_(discount_of(config)) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    L::prepare(env, threads);
    state_ = State(config_, ShapedLearning{.lanes = env.lanes(),
                                           .first = first_own,
                                           .agents = own_agents,
                                           .discount = discount_,
                                           .spans = spans_of<Slots>()});
    paid_ = FixedArray<float>(static_cast<std::size_t>(env.lanes()) * agent_count<E>);
    shaped_ = FixedArray<float>(paid_.size());
    episodes_ = FixedArray<Sums>(static_cast<std::size_t>(env.lanes()));
  }

  void act(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) state_.before(*tile.env, lane);
    L::act(tile);
  }

  void record(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) shape(tile, lane);
    L::record(tile);
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) show(*tile.env, lane, paid_);
  }

  void update(Services& services) {
    L::update(services);
    state_.update();
    Sums ended;  // in the order of lanes, so that the sum does not depend on threads
    for (Sums& episode : episodes_) {
      ended.total += episode.total, ended.count += episode.count;
      episode.total = 0, episode.count = 0;
    }
    if (ended.count > 0) mean_ = ended.total / ended.count;
  }

  /// The learner's figures and the word's; `shaped_return` is the mean over the episodes that ended last of
  /// what the learner's agents were paid in its eyes, each the agents' mean.
  [[gnu::cold]] void metrics(auto&& visit) const {
    L::metrics(visit);
    visit("shaped_return", mean_);
    state_.metrics(visit);
  }

  /// What the word remembers.
  [[nodiscard]] const State& shaping() const { return state_; }

  [[gnu::cold]] void archive(auto& a) {
    L::archive(a);
    a.section("shaping");
    a(state_, mean_);
    a.fixed(episodes_);
  }

 private:
  static constexpr int first_own = first_agent<E, First>;
  static constexpr int own_agents = (RoleOf<E, First>::count + ... + RoleOf<E, Rest>::count);

  /// Of one lane: the shaped return of the episode under way, and of those that ended.
  struct Sums {
    double running = 0, total = 0;
    int count = 0;
    void archive(auto& a) { a(running, total, count); }
  };

  static std::size_t row(int lane, int agent) {
    return static_cast<std::size_t>(lane) * agent_count<E> + static_cast<std::size_t>(agent);
  }

  void shape(LaneTile<E>& tile, int lane) {
    for (int agent = 0; agent < agent_count<E>; ++agent) {
      paid_[row(lane, agent)] = shaped_[row(lane, agent)] = tile.env->reward(lane, agent);
    }
    state_.after(*tile.env, lane, tile.actions[lane - tile.first], Row{&shaped_[row(lane, 0)]});
    double sum = 0;
    for (int agent = first_own; agent < first_own + own_agents; ++agent) {
      sum += static_cast<double>(shaped_[row(lane, agent)]);
    }
    Sums& episode = episodes_[static_cast<std::size_t>(lane)];
    if (tile.env->steps_in_episode(lane) == 1) episode.running = 0;
    episode.running += sum / own_agents;
    if (tile.env->over(lane)) episode.total += episode.running, ++episode.count;
    show(*tile.env, lane, shaped_);
  }
  /// Rewards of this learner's agents: other learners of the same lanes see their own.
  static void show(MultiAgentEnv<E>& env, int lane, const FixedArray<float>& rewards) {
    for (int agent = first_own; agent < first_own + own_agents; ++agent) {
      env.set_reward(lane, agent, rewards[row(lane, agent)]);
    }
  }

  typename Slots::Shaping::Config config_;
  float discount_;
  State state_;
  FixedArray<float> paid_, shaped_;  // [lane][agent], of the step just made
  FixedArray<Sums> episodes_;        // [lane]
  double mean_ = 0;
};

}  // namespace polis::internal
