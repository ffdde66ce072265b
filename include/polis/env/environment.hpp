// What an environment is.
//
// An environment is a small value type: the state of one lane (one copy of the world) with three functions.
//
//     struct Corridor {
//       static constexpr int agents = 1;
//       using Observation = Box<1>;
//       using Action = Discrete<2>;
//       static constexpr RewardStructure rewards = RewardStructure::shared;
//       int at = 0;
//
//       void reset(auto&) { at = 0; }
//       void step(const auto& actions, auto& ctx) {
//         at += actions[0] == 1 ? 1 : -1;
//         ctx.reward(0) = at == 5 ? 1.f : -.01f;
//         if (at == 5) ctx.terminate();
//       }
//       void observe(int, Row out) const { out[0] = static_cast<float>(at); }
//     };
//
// Further members are optional, and each is an ability with a concept of its own, below. An environment that
// is trivially copyable and whose functions are marked POLIS_HD is also a DeviceEnvironment.
#pragma once

#include <concepts>
#include <type_traits>

#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/end.hpp>
#include <polis/env/lane_team.hpp>
#include <polis/env/roles.hpp>

namespace polis {

/// How the rewards of the agents relate. Value mixers need `shared`; self-play measures need `zero_sum`.
enum class RewardStructure { shared, zero_sum, general_sum };

/// `simultaneous`: every living agent decides at every step. `sequential`: those for which `acting` is true.
enum class EventOrder { simultaneous, sequential };

/// The Task (what a curriculum may vary), Config (fixed settings) or Dataset of an environment that has none.
struct Nothing {
  static void fields(auto&, auto&&) {}
  friend constexpr bool operator==(const Nothing&, const Nothing&) = default;
};

namespace internal {

template <class E>
struct TaskOf {
  using type = Nothing;
};
template <class E>
  requires requires { typename E::Task; }
struct TaskOf<E> {
  using type = typename E::Task;
};
template <class E>
struct ConfigOf {
  using type = Nothing;
};
template <class E>
  requires requires { typename E::Config; }
struct ConfigOf<E> {
  using type = typename E::Config;
};
template <class E>
struct DatasetOf {
  using type = Nothing;
};
template <class E>
  requires requires { typename E::Dataset; }
struct DatasetOf<E> {
  using type = typename E::Dataset;
};

}  // namespace internal

/// What a curriculum may vary, one per lane and episode: the environment's own `Task`, or Nothing.
template <class E>
using TaskOf = typename internal::TaskOf<E>::type;

/// The settings of an environment that hold for a whole run: its own `Config`, or Nothing.
template <class E>
using ConfigOf = typename internal::ConfigOf<E>::type;

/// Large read-only data that the caller owns (prices, demand): a view type of the environment's, or Nothing.
template <class E>
using DatasetOf = typename internal::DatasetOf<E>::type;

/// What a lane may read beside its own state: the run's settings, the episode's task, the caller's data. An
/// environment keeps no pointers to them (its state is saved as bytes and moved between devices).
template <class E>
class View {
 public:
  POLIS_HD View(const ConfigOf<E>& config, const TaskOf<E>& task, const DatasetOf<E>& data)
      : config_(&config), task_(&task), data_(&data) {}

  POLIS_HD const ConfigOf<E>& config() const { return *config_; }
  POLIS_HD const TaskOf<E>& task() const { return *task_; }
  POLIS_HD const DatasetOf<E>& data() const { return *data_; }

 private:
  const ConfigOf<E>* config_;
  const TaskOf<E>* task_;
  const DatasetOf<E>* data_;
};

/// Whether several threads may step a lane together: the environment says `shared_loops = true`, and its
/// `step` writes nothing outside of `ctx.each` and `ctx.once`.
template <class E>
inline constexpr bool shares_loops = requires { requires E::shared_loops; };

/// What one step or reset of one lane may read and report. Agents are named by number, or by role and number.
template <class E>
class Context : public View<E> {
 public:
  POLIS_HD Context(const View<E>& view, Random stream, float* rewards, End* ends)
      : View<E>(view), random(stream), rewards_(rewards), ends_(ends) {}
  POLIS_HD Context(const View<E>& view, Random stream, float* rewards, End* ends,
                   const internal::LaneTeam& team)
      : View<E>(view), random(stream), rewards_(rewards), ends_(ends), team_(team) {}

  /// This lane's random numbers for this step. Where threads share loops, only `once` draws from them.
  Random random;
  /// Random numbers of this step for the i-th agent alone, in whatever order agents draw.
  [[nodiscard]] POLIS_HD Random random_of(int i) const { return random.of_agent(i); }

  /// The agent's reward of this step; zero until written.
  POLIS_HD float& reward(int agent) { return rewards_[agent]; }
  template <class Tag>
  POLIS_HD float& reward(Tag, int index) {
    return rewards_[first_agent<E, role_index<E, Tag>> + index];
  }
  /// Gives every agent the same reward.
  POLIS_HD void reward_all(float value) {
    for (int i = 0; i < agent_count<E>; ++i) rewards_[i] = value;
  }

  /// The episode is over: nothing is to be gained after it.
  POLIS_HD void terminate() { episode_ = End::terminated; }
  /// The episode is cut off, although more was to be gained; a termination in the same step prevails.
  POLIS_HD void truncate() {
    if (episode_ == End::none) episode_ = End::truncated;
  }
  /// One agent is out (dead, bankrupt) until the next episode; the others go on.
  POLIS_HD void terminate(int agent) { ends_[agent] = End::terminated; }
  template <class Tag>
  POLIS_HD void terminate(Tag, int index) {
    terminate(first_agent<E, role_index<E, Tag>> + index);
  }
  POLIS_HD End episode() const { return episode_; }
  /// What this step has said of the agent's own end so far.
  POLIS_HD End end(int agent) const { return ends_[agent]; }

  /// Agent loops: serial, or shared out among the threads of a warp on a GPU (shares_loops). Sums are made
  /// in the order of the indices by both.
  template <class F>
  POLIS_HD void each(int count, F&& body) const {
    for (int i = team_.rank(); i < count; i += team_.size()) body(i);
    team_.wait();
  }
  template <class F>
  POLIS_HD auto sum(int count, F&& term) const {
    auto total = decltype(term(0)){};
    for (int first = 0; first < count; first += team_.size()) {
      const int i = first + team_.rank();
      const int left = count - first;
      team_.exchange(i < count ? term(i) : decltype(term(0)){}, left < team_.size() ? left : team_.size(),
                     [&total](const auto& x) { total += x; });
    }
    return total;
  }
  template <class F>
  POLIS_HD void once(F&& body) const {
    if (team_.rank() == 0) body();
    team_.wait();
  }

 private:
  /// A lane whose loops nobody shares.
  struct Alone {
    POLIS_HD static constexpr int rank() { return 0; }
    POLIS_HD static constexpr int size() { return 1; }
    POLIS_HD static void wait() {}
    template <class T, class F>
    POLIS_HD static void exchange(const T& own, int, F&& f) {
      f(own);
    }
  };
  float* rewards_;
  End* ends_;
  End episode_ = End::none;
  [[no_unique_address]] std::conditional_t<shares_loops<E>, internal::LaneTeam, Alone> team_{};
};

// ---- What every environment must have. One concept a requirement: its name is what a compiler prints.
// ----------

/// How many agents, and what each sees and does: networks and buffers are sized from these at compile time.
template <class E>
concept EnvironmentStatesItsAgentsAndSpaces = requires { typename RolesOf<E>; };

/// Whether agents share a reward decides which algorithms make sense, so no default is assumed.
template <class E>
concept EnvironmentStatesItsRewardStructure = requires {
  { E::rewards } -> std::convertible_to<RewardStructure>;
};

/// `reset(ctx)` starts an episode; all that is random in it comes from ctx.random.
template <class E>
concept EnvironmentHasReset = requires(E e, Context<E>& ctx) { e.reset(ctx); };

/// `step(actions, ctx)` advances one step and states rewards and ends through ctx.
template <class E>
concept EnvironmentHasStep =
    requires(E e, const Actions<E>& actions, Context<E>& ctx) { e.step(actions, ctx); };

namespace internal {
template <class E>
inline constexpr bool has_observe =
    requires(const E e, Row out) { e.observe(0, out); } ||
    requires(const E e, Row out) { e.observe(typename RoleOf<E, 0>::Tag{}, 0, out); } ||
    requires(const E e, Row out, const View<E>& view) { e.observe(0, out, view); } ||
    requires(const E e, Row out, const View<E>& view) {
      e.observe(typename RoleOf<E, 0>::Tag{}, 0, out, view);
    };
}  // namespace internal

/// `observe(agent, out)` writes what an agent sees now; with several roles it may be `observe(Tag{}, index,
/// out)`. An environment that shows data (prices) takes the lane's view as a last argument: `observe(agent,
/// out, view)`.
template <class E>
concept EnvironmentHasObserve = internal::has_observe<E>;

template <class E>
concept Environment = EnvironmentStatesItsAgentsAndSpaces<E> && EnvironmentStatesItsRewardStructure<E> &&
                      EnvironmentHasReset<E> && EnvironmentHasStep<E> && EnvironmentHasObserve<E> &&
                      std::default_initializable<E> && std::copyable<E>;

/// Can be stepped by CUDA kernels, one thread per lane: its state is copied as bytes.
template <class E>
concept DeviceEnvironment = Environment<E> && std::is_trivially_copyable_v<E>;

namespace internal {
/// Takes any array of a data set. A function object, since nvcc finds no lambda's type in a concept.
struct AnyArray {
  template <class T>
  void operator()(const T*& /*values*/, std::size_t /*count*/) const {}
};
}  // namespace internal

/// Data that a device can have a copy of: plain numbers and pointers to arrays, which `arrays(visit)` goes
/// through: visit(pointer, count).
template <class D>
concept DeviceDataset = std::is_trivially_copyable_v<D> &&
                        (std::is_empty_v<D> || requires(D data) { data.arrays(internal::AnyArray{}); });

// ---- Abilities
// ---------------------------------------------------------------------------------------------------

/// `State` and `state(out)`: the whole situation, for centralised critics and mixers.
template <class E>
concept HasState = requires { requires Space<typename E::State>; } &&
                   (requires(const E e, Row out) { e.state(out); } ||
                    requires(const E e, Row out, const View<E>& view) { e.state(out, view); });

/// `legal(agent, mask)` clears the flags of the actions that are not allowed now (all are set before the
/// call).
template <class E>
concept HasLegalActions = requires(const E e, Row mask) { e.legal(0, mask); } ||
                          requires(const E e, Row mask) { e.legal(typename RoleOf<E, 0>::Tag{}, 0, mask); };

/// `acting(agent)`: whether the agent decides at the next step (turns, waiting). Dead agents never decide.
template <class E>
concept HasTurns = requires(const E e) {
  { e.acting(0) } -> std::convertible_to<bool>;
} || requires(const E e) {
  { e.acting(typename RoleOf<E, 0>::Tag{}, 0) } -> std::convertible_to<bool>;
};

/// `success()` in 0..1: the environment's own statement on the episode that just ended, for curricula.
template <class E>
concept StatesSuccess = requires(const E e) {
  { e.success() } -> std::convertible_to<float>;
};

namespace internal {
/// Takes any figure by its name.
struct AnyFigure {
  void operator()(const char*, double) const {}
};
}  // namespace internal

/// `metrics(visit)` calls visit(name, value) for figures of the domain; read when an episode ends.
template <class E>
concept HasMetrics = requires(const E e) { e.metrics(internal::AnyFigure{}); };

/// Tasks by stage, easiest first: `stages(config, data)` and `task(stage, config, data, random)`. A
/// curriculum chooses the stage; without one, tasks come from the last stage.
template <class E>
concept HasStages = requires(const ConfigOf<E>& config, const DatasetOf<E>& data, Random& random) {
  { E::stages(config, data) } -> std::convertible_to<int>;
  { E::task(0, config, data, random) } -> std::same_as<TaskOf<E>>;
};

/// The mean return that no policy of what the agents see can exceed: of an episode, or, where episodes are
/// only cut off, of a step in the long run. A return is the sum over steps of the agents' mean reward, as in
/// Episode::total.
struct OptimalValue {
  enum class Of { episode, step };
  double value;
  Of of = Of::episode;
};

namespace internal {
/// Takes any reference policy by its name.
struct AnyReference {
  void operator()(const char*, const auto&) const {}
};
}  // namespace internal

/// `references(view, visit)`, static: the policies that are known without learning. It calls visit(name,
/// policy) for each, where policy(env, view, random) is the joint action in that state, all of which it sees;
/// what it draws comes from `random`. env/reference.hpp goes through those of wrapped environments as well.
template <class E>
concept HasReferencePolicies =
    requires(const View<E>& view) { E::references(view, internal::AnyReference{}); };

/// `optimal_value(view)`, static: the optimum under these settings, this task and data, NaN where it is not
/// known for them. May take a moment, where it is computed.
template <class E>
concept HasOptimalValue = requires(const View<E>& view) {
  { E::optimal_value(view) } -> std::same_as<OptimalValue>;
};

/// What an environment says of itself where a member is optional.
template <class E>
constexpr EventOrder event_order() {
  if constexpr (requires { E::order; }) {
    return E::order;
  } else {
    return HasTurns<E> ? EventOrder::sequential : EventOrder::simultaneous;
  }
}

namespace internal {

template <class E, int R>
using TagOf = typename RoleOf<E, R>::Tag;

/// The agent-wise members, for the index-th agent of role R, in whichever of the two forms the environment
/// has.
template <int R, class E>
POLIS_HD void observe(const E& e, int index, Row out, const View<E>& view) {
  constexpr TagOf<E, R> tag{};
  const int agent = first_agent<E, R> + index;
  if constexpr (requires { e.observe(tag, index, out, view); }) {
    e.observe(tag, index, out, view);
  } else if constexpr (requires { e.observe(tag, index, out); }) {
    e.observe(tag, index, out);
  } else if constexpr (requires { e.observe(agent, out, view); }) {
    e.observe(agent, out, view);
  } else {
    e.observe(agent, out);
  }
}

template <int R, class E>
POLIS_HD void legal(const E& e, int index, Row mask) {
  if constexpr (requires { e.legal(TagOf<E, R>{}, index, mask); }) {
    e.legal(TagOf<E, R>{}, index, mask);
  } else {
    e.legal(first_agent<E, R> + index, mask);
  }
}

template <int R, class E>
POLIS_HD bool acting(const E& e, int index) {
  if constexpr (!HasTurns<E>) {
    return true;
  } else if constexpr (requires { e.acting(TagOf<E, R>{}, index); }) {
    return e.acting(TagOf<E, R>{}, index);
  } else {
    return e.acting(first_agent<E, R> + index);
  }
}

}  // namespace internal

}  // namespace polis
