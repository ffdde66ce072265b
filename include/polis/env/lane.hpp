// One lane: a copy of the environment E with its task and its episode, and how it begins and advances. The
// same source serves the batch of lanes on the CPU (multi_agent_env.hpp) and the kernels of a device.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/hints.hpp>

namespace polis {

/// The task of one episode, and where a curriculum took it from.
template <class E>
struct Assignment {
  TaskOf<E> task{};
  int stage = 0;
  bool replayed = false;
  std::uint32_t level = 0;  ///< episodes of one level begin alike; 0: as the lane's stream says
};

/// What is known of an episode when it ends.
struct Episode {
  double total = 0;  ///< sum over steps of the mean reward over agents
  std::int64_t length = 0;
  float success = std::numeric_limits<float>::quiet_NaN();  ///< 0..1, NaN where the environment does not say
  int stage = 0;
  bool replayed = false;
  std::uint32_t level = 0;
  End end = End::none;
};

/// The stream of what begins an episode of a level: levels are lanes beyond those there are.
POLIS_HD inline Random level_stream(std::uint64_t seed, std::uint32_t level, Purpose purpose) {
  return {seed, level, std::numeric_limits<std::uint32_t>::max(), 0, purpose};
}

/// Where a lane's tasks come from when nobody else says: the environment's last stage, or Task{}.
template <class E>
struct DefaultTasks {
  const ConfigOf<E>* config;
  const DatasetOf<E>* data;

  POLIS_HD Assignment<E> operator()(Random& random) const {
    Assignment<E> result;
    if constexpr (HasStages<E>) {
      result.stage = E::stages(*config, *data) - 1;
      result.task = E::task(result.stage, *config, *data, random);
    } else {
      (void)random;
    }
    return result;
  }
};

namespace internal {

/// An episode that ended, and where.
struct EndedEpisode : Episode {
  std::uint32_t step = 0;  ///< of the collection
  std::uint32_t lane = 0;  ///< over all ranks
};
static_assert(std::is_trivially_copyable_v<EndedEpisode>);

/// f(role) for the role of the agent with this number.
template <class E, class F>
POLIS_HD bool with_role(int agent, F&& f) {
  return [&]<int... R>(std::integer_sequence<int, R...>) {
    bool result = false;
    const bool found =
        (... || (agent >= first_agent<E, R> && agent < first_agent<E, R> + RoleOf<E, R>::count &&
                 (result = f(std::integral_constant<int, R>{}), true)));
    return found && result;
  }(std::make_integer_sequence<int, role_count<E>>{});
}

/// Puts the action that `words` stand for in the agent's place of a joint action.
template <class E>
POLIS_HD void set_action(Actions<E>& actions, int agent, In<float> words) {
  with_role<E>(agent, [&]<int R>(std::integral_constant<int, R>) {
    using R_ = RoleOf<E, R>;
    actions.of(typename R_::Tag{})[agent - first_agent<E, R>] = decode<typename R_::Action>(words);
    return true;
  });
}

/// Which random numbers a lane draws: those of its batch's seed and of its own number over all batches.
struct LaneStreams {
  std::uint64_t seed;
  std::uint32_t lane;
  int group;  ///< lanes that begin their episodes alike; 1: every lane on its own
};

/// On cache lines of its own, lest threads that step neighbours wait for each other.
template <class E>
struct alignas(cache_line) Lane {
  static constexpr int agents = agent_count<E>;

  E env{};
  polis::TaskOf<E> task{};
  Episode episode;
  std::uint32_t step = 0;
  std::uint32_t first_step = 0, episodes = 0;  // the step of the last reset; episodes begun since
  Array<float, agents> rewards{};              // of the last step
  Array<End, agents> ends{};
  Array<char, agents> alive{}, away{};

  [[nodiscard]] POLIS_HD bool over() const { return episode.end != End::none; }
  /// Whether the agent has a part in the episode still: it may have to wait, but its end has not come.
  [[nodiscard]] POLIS_HD bool lives(int agent) const { return alive[agent] != 0 && away[agent] == 0; }
  [[nodiscard]] POLIS_HD View<E> view(const polis::ConfigOf<E>& config,
                                      const polis::DatasetOf<E>& data) const {
    return View<E>(config, task, data);
  }

  /// Writes the whole situation (E::State::words floats).
  POLIS_HD void state(Row out, const polis::ConfigOf<E>& config, const polis::DatasetOf<E>& data) const
    requires HasState<E>
  {
    if constexpr (requires { env.state(out, view(config, data)); }) {
      env.state(out, view(config, data));
    } else {
      env.state(out);
    }
  }

  /// One step; see MultiAgentEnv::advance.
  POLIS_HD void advance(const Actions<E>& actions, const LaneStreams& streams,
                        const polis::ConfigOf<E>& config, const polis::DatasetOf<E>& data) {
    clear_outcome();
    Context<E> ctx(view(config, data), stream(streams, Purpose::environment), rewards.data(), ends.data());
    env.step(actions, ctx);
    conclude(ctx.episode());
  }
  /// The same by the threads of a team, all of which call it.
  POLIS_HD void advance(const Actions<E>& actions, const LaneStreams& streams,
                        const polis::ConfigOf<E>& config, const polis::DatasetOf<E>& data,
                        const LaneTeam& team)
    requires shares_loops<E>
  {
    if (team.rank() == 0) clear_outcome();
    team.wait();
    Context<E> ctx(view(config, data), stream(streams, Purpose::environment), rewards.data(), ends.data(),
                   team);
    env.step(actions, ctx);
    End said = End::none;
    team.exchange(static_cast<int>(ctx.episode()), team.size(), [&said](int other) {
      const auto end = static_cast<End>(other);
      if (said == End::none || end == End::terminated) said = end;
    });
    if (team.rank() == 0) conclude(said);
    team.wait();
  }

  /// Starts the next episode, of the task that `tasks(random)` gives.
  template <class Tasks>
  POLIS_HD void begin(Tasks&& tasks, const LaneStreams& streams, const polis::ConfigOf<E>& config,
                      const polis::DatasetOf<E>& data) {
    Random for_task = beginning(streams, Purpose::curriculum);
    Assignment<E> assignment = tasks(for_task);
    task = std::move(assignment.task);
    episode = {};
    episode.stage = assignment.stage;
    episode.replayed = assignment.replayed;
    episode.level = assignment.level;
    for (int i = 0; i < agents; ++i) alive[i] = 1;
    Array<float, agents> no_rewards{};  // a reset has none: those of the last step stay readable
    Array<End, agents> no_ends{};
    Context<E> ctx(view(config, data),
                   episode.level ? level_stream(streams.seed, episode.level, Purpose::reset)
                                 : beginning(streams, Purpose::reset),
                   no_rewards.data(), no_ends.data());
    env.reset(ctx);
    ++episodes;
  }

  void archive(auto& a) {
    a(env, task);
    a(episode.total, episode.length, episode.success, episode.stage, episode.replayed, episode.level,
      episode.end, step, first_step, episodes, rewards, ends, alive);
  }

 private:
  POLIS_HD void clear_outcome() {
    for (int i = 0; i < agents; ++i) rewards[i] = 0, ends[i] = End::none;
  }
  /// What is to be said of a step whose context says so of the episode.
  POLIS_HD void conclude(End said) {
    ++step;
    ++episode.length;
    episode.end = said;
    double total = 0;
    bool anyone = false;
    for (int i = 0; i < agents; ++i) {
      char& living = alive[i];
      if (!living) {
        ends[i] = End::none, rewards[i] = 0;
        continue;
      }
      total += static_cast<double>(rewards[i]);
      if (ends[i] == End::none) ends[i] = said;
      if (ends[i] != End::none) living = 0;
      anyone = anyone || living;
    }
    if (!anyone && !over()) episode.end = End::terminated;  // nobody is left to act
    episode.total += total / agents;
    if constexpr (StatesSuccess<E>) {
      if (over()) episode.success = static_cast<float>(env.success());
    }
  }
  [[nodiscard]] POLIS_HD Random stream(const LaneStreams& streams, Purpose purpose) const {
    return Random(streams.seed, step, streams.lane, 0, purpose);
  }
  /// The stream of what begins an episode. Lanes that begin alike have in common the lane's word of the
  /// counter, and for the step the number of the episode after that of the reset (no more
  /// episodes end than there are steps, so that no two that are played draw the same numbers).
  [[nodiscard]] POLIS_HD Random beginning(const LaneStreams& streams, Purpose purpose) const {
    if (streams.group == 1) return stream(streams, purpose);
    return Random(streams.seed, first_step + episodes,
                  streams.lane / static_cast<std::uint32_t>(streams.group), 0, purpose);
  }
};

}  // namespace internal

}  // namespace polis
