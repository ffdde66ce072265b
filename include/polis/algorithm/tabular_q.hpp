// Tabular Q-learning: a table of values for each agent, learnt without a look at the others.
//
// One agent: C. Watkins and P. Dayan, "Q-learning" (1992). Several, each of which takes the others for part
// of the world: independent Q-learning, M. Tan, "Multi-agent reinforcement learning: independent vs.
// cooperative agents" (1993).
//
//     Trainer<TabularQ, MultiAgentEnv<ClimbingGame>> trainer({.algorithm = {.discount = 0}});
//
// What agents see must be countable (space/enumerable.hpp), what they do Discrete. A transition spans from a
// decision to the agent's next one, with the rewards between added up and one discount for it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/sentence.hpp>
#include <polis/algorithm/shaped_learner.hpp>
#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>
#include <polis/exploration/epsilon_greedy.hpp>
#include <polis/space/enumerable.hpp>

namespace polis {

/// A table needs a number for everything the agent can see, and for everything it can do.
template <class Role>
concept FitsInATable = EnumerableSpace<typename Role::Observation> &&
                       Role::Action::kind == SpaceKind::discrete && Role::Action::features <= 64;

namespace internal {

template <class E, class Handled, class Config>
class TabularQLearner;

}  // namespace internal

/// The word of a tabular sentence, and the values that go with it.
template <class... Words>
struct TabularSlots {
  using Shaping = typename internal::LastOfKind<word::Shaping, NoShaping, Words...>::type;

  struct Config {
    EpsilonGreedy::Config exploration{};
    typename Shaping::Config shaping{};
    float learning_rate = .1f;  ///< 0: one over the visits of observation and action, which makes means
    float discount = .99f;      ///< from one decision of an agent to its next
    float initial = 0;          ///< value of what was never tried
    int steps = 1;              ///< environment steps of each lane between two updates
    static constexpr void fields(auto& self, auto&& visit) {
      visit("exploration", self.exploration);
      visit("shaping", self.shaping);
      visit("learning_rate", self.learning_rate);
      visit("discount", self.discount);
      visit("initial", self.initial);
      visit("steps", self.steps);
    }
  };
};

/// Q-learning with a table for each agent, epsilon-greedy. Its one slot is for a word of shaping:
/// `TabularQ::With<PotentialBased>`.
template <class... Words>
struct Tabular : TabularSlots<Words...> {
  using word = word::Algorithm;
  using Slots = TabularSlots<Words...>;
  using WordList = internal::List<Words...>;
  using Sentence = Tabular;

  template <class... New>
  using With = typename internal::Rewrite<polis::Tabular, internal::List<Words...>, New...>::type;

  template <class E, class Arch, class Handled = std::make_integer_sequence<int, role_count<E>>>
  using Learner =
      internal::Shaped<internal::TabularQLearner<E, Handled, typename Slots::Config>, Slots, E, Handled>;
};

/// Without a word: learns from what the environment pays.
struct TabularQ : Tabular<> {};

namespace internal {

/// The tables of the agents of some roles of E. Steps are noted as they are made, by any number of threads,
/// and learnt from in the order of time and lanes: so results do not depend on threads.
template <class E, int... R, class Settings>
class TabularQLearner<E, std::integer_sequence<int, R...>, Settings> {
  static_assert((... && FitsInATable<RoleOf<E, R>>),
                "observations that can be counted, and at most 64 Discrete actions");

 public:
  using Config = Settings;
  struct Memory {};

  [[gnu::cold]] TabularQLearner(const Config& config, std::uint64_t seed)
      : config_(checked(config)),
        seed_(seed),
        epsilon_(EpsilonGreedy::amount(config.exploration, 0)),
        values_(offset(agent_count<E>), [&](std::size_t) { return config.initial; }),
        visits_(offset(agent_count<E>)) {
    for (int agent = 0; agent < agent_count<E>; ++agent) offsets_[agent] = offset(agent);
  }

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int /*threads*/) {
    const std::size_t rows = index(env.lanes()) * index(agent_count<E>);
    moments_ = FixedArray<Moment>(index(config_.steps) * rows);
    open_ = FixedArray<Open>(rows);
    begun_ = 0;
  }

  void act(LaneTile<E>& tile) {
    (act_role<R>(tile, epsilon_, Purpose::exploration,
                 [&](int row, const Seen& seen, int action) {
                   Moment& moment = moments_[at(tile, row)];
                   moment.seen = seen;
                   moment.action = action;
                 }),
     ...);
  }

  void record(LaneTile<E>& tile) { (record_role<R>(tile), ...); }

  [[nodiscard]] int interval() const { return config_.steps; }
  [[nodiscard]] bool due(const Clock& clock) const {
    return clock.batch_steps >= begun_ + static_cast<std::uint64_t>(config_.steps);
  }
  void update(Services& services) {
    const auto slots = static_cast<std::size_t>(services.clock.batch_steps - begun_);
    error_ = 0, learnt_ = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      for (std::size_t row = 0; row < open_.size(); ++row) learn(row, moments_[slot * open_.size() + row]);
    }
    begun_ = services.clock.batch_steps;
    epsilon_ = EpsilonGreedy::amount(config_.exploration, services.clock.progress());
  }

  [[nodiscard]] Memory memory(int /*lanes*/) const { return {}; }
  /// Acts without learning: `sampled` explores as training would now.
  void play(LaneTile<E>& tile, Memory& /*memory*/, Play how) const {
    (act_role<R>(tile, how == Play::greedy ? 0.f : epsilon_, Purpose::evaluation,
                 [](int, const Seen&, int) {}),
     ...);
  }

  /// What the agent expects of an action where it sees the observation with this number (element_index).
  [[nodiscard]] float value(int agent, int observation, int action) const {
    return values_[entry(agent, observation, action)];
  }
  /// How often the agent has learnt from that action there.
  [[nodiscard]] std::uint32_t visits(int agent, int observation, int action) const {
    return visits_[entry(agent, observation, action)];
  }
  /// The action of the greatest value there, the first of equal ones.
  [[nodiscard]] int greedy(int agent, int observation) const {
    return greedy_action(In<float>{&values_[entry(agent, observation, 0)]}, nullptr, action_count(agent));
  }

  /// Of the last update; the error is the mean distance of values from their targets.
  void metrics(auto&& visit) const {
    visit("epsilon", static_cast<double>(epsilon_));
    visit("td_error", learnt_ > 0 ? error_ / static_cast<double>(learnt_) : 0.);
  }

  /// Saves or restores all that `play` depends on: the policy, for pools of opponents.
  [[gnu::cold]] void archive_policy(auto& a) {
    a.section("tabular policy");
    a(epsilon_);
    a.fixed(values_);
  }
  [[gnu::cold]] void archive(auto& a) {
    a.section("tabular-q");
    a(epsilon_, begun_, error_, learnt_);
    a.fixed(values_), a.fixed(visits_), a.fixed(open_), a.fixed(moments_);
  }

 private:
  /// What an agent saw: the number of the observation, -1 for nothing, and a bit for each legal action.
  struct Seen {
    std::uint64_t legal = 0;
    int observation = -1;
    void archive(auto& a) { a(legal, observation); }
  };
  /// One step of one agent of one lane.
  struct Moment {
    Seen seen;  ///< nothing where it did not decide
    Seen last;  ///< after a step that truncated
    int action = 0;
    float reward = 0;
    End end = End::none;
    bool first = false;  ///< of the episode
    void archive(auto& a) { a(seen, last, action, reward, end, first); }
  };
  /// A decision whose transition is not over.
  struct Open {
    int observation = -1;  ///< -1: there is none
    int action = 0;
    float reward = 0;
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  // Agents of roles that are not handled here have rows, but no table.
  template <int Each>
  static constexpr int entries() {
    if constexpr ((... || (Each == R))) {
      using Role = RoleOf<E, Each>;
      return element_count<typename Role::Observation> * Role::Action::size;
    } else {
      return 0;
    }
  }
  /// f of the role of this agent and its number in it.
  template <int Each = 0, class F>
  static constexpr int with_role(int agent, F&& f) {
    if constexpr (Each + 1 < role_count<E>) {
      if (agent >= first_agent<E, Each + 1>) return with_role<Each + 1>(agent, f);
    }
    return f(std::integral_constant<int, Each>{}, agent - first_agent<E, Each>);
  }
  static constexpr int action_count(int agent) {
    return with_role(agent, []<int Each>(std::integral_constant<int, Each>, int) {
      return RoleOf<E, Each>::Action::features;
    });
  }
  /// Where the agent's table begins; for the number of agents, where the last one ends.
  static constexpr std::size_t offset(int agent) {
    int total = 0;
    for (int before = 0; before < agent; ++before) {
      total +=
          with_role(before, []<int Each>(std::integral_constant<int, Each>, int) { return entries<Each>(); });
    }
    return static_cast<std::size_t>(total);
  }
  [[nodiscard]] std::size_t entry(int agent, int observation, int action) const {
    return offsets_[agent] + index(observation * action_count(agent) + action);
  }
  static int row_of(int lane, int agent) { return lane * agent_count<E> + agent; }
  [[nodiscard]] std::size_t at(const LaneTile<E>& tile, int row) const {
    return static_cast<std::size_t>(tile.step - begun_) * open_.size() + index(row);
  }

  /// What the i-th agent of a role sees; flags of its legal actions to `mask`.
  template <int Each>
  static Seen look(const MultiAgentEnv<E>& env, int lane, int i,
                   Array<float, RoleOf<E, Each>::Action::size>& mask) {
    using Role = RoleOf<E, Each>;
    Array<float, Role::Observation::words> words{};
    env.template observe<Each>(lane, i, Row{words.data()});
    env.template legal<Each>(lane, i, Row{mask.data()}, Role::Action::size);
    Seen seen;
    seen.observation = element_index<typename Role::Observation>(In<float>{words.data()});
    for (int action = 0; action < Role::Action::size; ++action) {
      if (mask[action] != 0) seen.legal |= std::uint64_t{1} << action;
    }
    return seen;
  }

  /// Chooses for the agents of a role that decide; note(row, seen, action) is told, with nothing seen for the
  /// others.
  template <int Each, class Note>
  void act_role(LaneTile<E>& tile, float epsilon, Purpose purpose, Note&& note) const {
    using Role = RoleOf<E, Each>;
    Array<float, Role::Action::size> mask{};
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int i = 0; i < Role::count; ++i) {
        const int agent = first_agent<E, Each> + i;
        if (!tile.env->template deciding<Each>(lane, i)) {
          note(row_of(lane, agent), Seen{}, 0);
          continue;
        }
        const Seen seen = look<Each>(*tile.env, lane, i, mask);
        Random random(seed_, tile.step, tile.env->global_lane(lane), static_cast<std::uint32_t>(agent),
                      purpose);
        const Array<float, EpsilonGreedy::draws> uniforms{{random.uniform(), random.uniform()}};
        const In<float> values{&values_[entry(agent, seen.observation, 0)]};
        const int action = EpsilonGreedy::choose(epsilon, values, mask.data(), Role::Action::size,
                                                 In<float>{uniforms.data()});
        if (action < 0) throw Error("no legal action", "TabularQ", "one for every agent that decides");
        tile.actions[lane - tile.first].of(typename Role::Tag{})[i] = action;
        note(row_of(lane, agent), seen, action);
      }
    }
  }

  template <int Each>
  void record_role(LaneTile<E>& tile) {
    Array<float, RoleOf<E, Each>::Action::size> mask{};
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int i = 0; i < RoleOf<E, Each>::count; ++i) {
        const int agent = first_agent<E, Each> + i;
        Moment& moment = moments_[at(tile, row_of(lane, agent))];
        moment.reward = tile.env->reward(lane, agent);
        moment.end = tile.env->end(lane, agent);
        moment.first = tile.env->steps_in_episode(lane) == 1;
        if (moment.end == End::truncated) moment.last = look<Each>(*tile.env, lane, i, mask);
      }
    }
  }

  /// Goes on with the row's transition by one step, and learns from it where it is over.
  void learn(std::size_t row, const Moment& moment) {
    const int agent = static_cast<int>(row % index(agent_count<E>));
    Open& open = open_[row];
    if (moment.first) open = {};  // of an episode that was cut off
    if (moment.seen.observation >= 0) {
      close(agent, open, config_.discount * best(agent, moment.seen));
      open = {moment.seen.observation, moment.action, 0};
    }
    open.reward += moment.reward;
    if (moment.end == End::none) return;
    close(agent, open, moment.end == End::truncated ? config_.discount * best(agent, moment.last) : 0.f);
    open = {};
  }

  /// Moves the value of a decision toward its rewards and what is expected after them.
  void close(int agent, const Open& open, float after) {
    if (open.observation < 0) return;
    const std::size_t i = entry(agent, open.observation, open.action);
    const float error = open.reward + after - values_[i];
    const float rate =
        config_.learning_rate > 0 ? config_.learning_rate : 1 / (static_cast<float>(visits_[i]) + 1);
    ++visits_[i];
    values_[i] += rate * error;
    error_ += std::abs(static_cast<double>(error)), ++learnt_;
  }

  /// The greatest value of a legal action.
  [[nodiscard]] float best(int agent, const Seen& seen) const {
    const float* values = &values_[entry(agent, seen.observation, 0)];
    int chosen = -1;
    for (int action = 0; action < action_count(agent); ++action) {
      if ((seen.legal >> action & 1) == 0) continue;
      if (chosen < 0 || values[action] > values[chosen]) chosen = action;
    }
    return chosen < 0 ? 0.f : values[chosen];
  }

  [[gnu::cold]] static const Config& checked(const Config& config) {
    if (config.steps < 1)
      throw Error("found " + std::to_string(config.steps), "algorithm.steps", "at least 1");
    if (!(config.learning_rate >= 0 && config.learning_rate <= 1)) {
      throw Error("found " + std::to_string(config.learning_rate), "algorithm.learning_rate", "0 to 1");
    }
    return config;
  }

  Config config_;
  std::uint64_t seed_;
  float epsilon_;
  Array<std::size_t, agent_count<E>> offsets_{};  // where each agent's table begins
  FixedArray<float> values_;                      // [agent][observation][action]
  FixedArray<std::uint32_t> visits_;              // the same
  FixedArray<Moment> moments_;                    // [step][lane][agent]
  FixedArray<Open> open_;                         // [lane][agent]
  std::uint64_t begun_ = 0;                       // the batch's steps at the last update
  double error_ = 0;
  std::int64_t learnt_ = 0;
};

}  // namespace internal
}  // namespace polis
