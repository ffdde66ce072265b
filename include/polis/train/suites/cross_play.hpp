// The coordination suite: agents of different runs play together (cross-play; Hu, Lerer, Peysakhovich and
// Foerster 2020, "Other-play for zero-shot coordination"). Agents that trained together may rely on
// conventions of their own: then they do well in self-play and badly with strangers.
//
//     first.evaluate(CrossPlay(second, third), 200).print();
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <polis/algorithm/learner.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/train/evaluation.hpp>
#include <polis/train/suites/actions.hpp>
#include <polis/train/suites/standard.hpp>
#include <polis/train/suites/table.hpp>

namespace polis {

namespace internal {

/// One agent follows `own`, all others follow `others`. Both see every tile, so that each keeps its carries.
template <class E, class Own, class Others>
class MixedPolicy {
 public:
  MixedPolicy(int agent, Own own, Others others, int lanes)
      : agent_(agent),
        own_(std::move(own)),
        others_(std::move(others)),
        actions_(static_cast<std::size_t>(lanes)) {}

  void operator()(LaneTile<E>& tile) {
    LaneTile<E> aside = tile;
    aside.actions = actions_.data();
    for (int i = 0; i < tile.lanes; ++i) aside.actions[i] = Actions<E>{};
    own_(aside);
    others_(tile);
    for (int i = 0; i < tile.lanes; ++i) swap_actions<E>(agent_, tile.actions[i], aside.actions[i]);
  }

 private:
  int agent_;
  Own own_;
  Others others_;
  FixedArray<Actions<E>> actions_;
};

}  // namespace internal

/// Each agent in turn is taken from one run and put among the agents of another. A cell is the mean return of
/// *that agent* (the team's, where the reward is shared): row "agent i of run a", column "among run b"; where
/// a = b that is self-play. Further columns are the row's mean among strangers and what it loses by them, and
/// the last row is the mean of all. Run 0 is the trainer that evaluates, in whose lanes all play; the others
/// must have the same composition, and outlive the suite. To play with a checkpoint, `resume` it in a trainer
/// of its settings.
template <class T>
class CrossPlay {
 public:
  template <class... Others>
  explicit CrossPlay(const T& second, const Others&... others) : others_{&second, &others...} {}
  template <class... Others>
  CrossPlay(Play how, const T& second, const Others&... others) : others_{&second, &others...}, how_(how) {}
  explicit CrossPlay(std::vector<const T*> others, Play how = Play::greedy)
      : others_(std::move(others)), how_(how) {}

  [[nodiscard]] ResultTable run(const T& first, int episodes) const {
    std::vector<const T*> runs = {&first};
    runs.insert(runs.end(), others_.begin(), others_.end());
    if (runs.size() < 2) throw Error("found no other run", "cross-play", "at least one");
    if (agents < 2) throw Error("the environment has one agent", "cross-play", "at least two agents");
    ResultTable table("cross-play");
    std::vector<std::vector<double>> together;  // [run][agent]: returns in self-play
    for (const T* run : runs) together.push_back(self_play(first, *run, episodes));
    double all_self = 0, all_cross = 0;
    for (int agent = 0; agent < agents; ++agent) {
      for (std::size_t a = 0; a < runs.size(); ++a) {
        const std::string row = "agent " + std::to_string(agent) + " of run " + std::to_string(a);
        const double self = together[a][static_cast<std::size_t>(agent)];
        double cross = 0;
        for (std::size_t b = 0; b < runs.size(); ++b) {
          const double value = a == b ? self : mixed(first, agent, *runs[a], *runs[b], episodes);
          if (a != b) cross += value / static_cast<double>(runs.size() - 1);
          table.set(row, "among run " + std::to_string(b), value);
        }
        set_gap(table, row, self, cross);
        all_self += self, all_cross += cross;
      }
    }
    const double rows = agents * static_cast<double>(runs.size());
    set_gap(table, "mean", all_self / rows, all_cross / rows);
    return table;
  }

 private:
  using E = typename T::Environment;
  static constexpr int agents = agent_count<E>;

  static void set_gap(ResultTable& table, const std::string& row, double self, double cross) {
    table.set(row, "self-play", self);
    table.set(row, "cross-play", cross);
    table.set(row, "gap", self - cross);
  }
  std::vector<double> self_play(const T& first, const T& run, int episodes) const {
    auto env = internal::own_lanes(first, episodes);
    return run_episodes(env, episodes, run.player(env.lanes(), how_)).agents;
  }
  double mixed(const T& first, int agent, const T& own, const T& others, int episodes) const {
    auto env = internal::own_lanes(first, episodes);
    auto own_player = own.player(env.lanes(), how_), other_player = others.player(env.lanes(), how_);
    using Player = decltype(own_player);
    internal::MixedPolicy<E, Player, Player> policy(agent, std::move(own_player), std::move(other_player),
                                                    env.lanes());
    return run_episodes(env, episodes, policy).agents[static_cast<std::size_t>(agent)];
  }

  std::vector<const T*> others_;
  Play how_ = Play::greedy;
};

}  // namespace polis
