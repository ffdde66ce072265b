// SelfPlay: any learner, against a pool of its own past policies (Bansal et al. 2018, "Emergent complexity
// via multi-agent competition"; Vinyals et al. 2019), with Elo ratings of them all.
//
//     Trainer<SelfPlay<PPO>, MultiAgentEnv<KuhnPoker>> trainer;
//     Trainer<SelfPlay<PPO, HardestOpponents>, MultiAgentEnv<KuhnPoker>> harder;
//
// Every so many updates the policy is kept: what acting needs of it is put in the pool through `archive`, in
// place of the oldest where that is full. At the start of each episode of each lane it is drawn who plays:
// with probability `latest`, or while the pool is empty, the learner for everybody; else for one side, drawn
// uniformly, and a policy of the pool for all others. A side is an agent, or where there are several roles
// all agents of one. What a past policy plays is `away` to the learner (MultiAgentEnv), which neither acts
// for it nor learns from it. A game is won by the side whose mean return is above that of the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/elo.hpp>
#include <polis/algorithm/learner.hpp>
#include <polis/algorithm/opponents.hpp>
#include <polis/core/archive.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>

namespace polis {

/// The pool of past policies.
struct PoolConfig {
  int size = 8;        ///< past policies that are kept
  int every = 10;      ///< updates of the learner between two of them
  float latest = .5f;  ///< share of episodes that the learner plays against itself
  EloConfig elo{};
  static constexpr void fields(auto& self, auto&& visit) {
    visit("size", self.size);
    visit("every", self.every);
    visit("latest", self.latest);
    visit("elo", self.elo);
  }
};

namespace internal {

template <class Algorithm, class Opponents, class E, class Arch>
class SelfPlayLearner;

template <class Algorithm>
struct ResolvedSentence {
  using type = Algorithm;
};
template <class Algorithm>
  requires requires { typename Algorithm::Sentence; }
struct ResolvedSentence<Algorithm> {
  using type = typename Algorithm::Sentence;
};

}  // namespace internal

/// `AlgorithmWord` against its past, chosen by a word of algorithm/opponents.hpp.
template <class AlgorithmWord, class Opponents = UniformOpponents>
struct SelfPlay {
  using word = word::Algorithm;
  using Sentence = SelfPlay<typename internal::ResolvedSentence<AlgorithmWord>::type, Opponents>;

  struct Config {
    typename AlgorithmWord::Config learner{};
    typename Opponents::Config opponents{};
    PoolConfig pool{};
    static void fields(auto& self, auto&& visit) {
      visit("learner", self.learner);
      visit("opponents", self.opponents);
      visit("pool", self.pool);
    }
  };

  template <class E, class Arch>
  using Learner = internal::SelfPlayLearner<AlgorithmWord, Opponents, E, Arch>;
};

namespace internal {

template <class Algorithm, class Opponents, class E, class Arch>
class SelfPlayLearner {
  using Inner = typename Algorithm::template Learner<E, Arch>;

 public:
  using Config = typename SelfPlay<Algorithm, Opponents>::Config;
  using Memory = typename Inner::Memory;
  static constexpr int sides = role_count<E> > 1 ? role_count<E> : agent_count<E>;

  [[gnu::cold]] SelfPlayLearner(const Config& config, std::uint64_t seed)
      : config_(checked(config)),
        seed_(seed),
        learner_(config.learner, seed),
        players_(index(config.pool.size), [&](std::size_t) { return Inner(config.learner, seed); }),
        pool_(players_.size()),
        shares_(players_.size()),
        rating_(config.pool.elo.initial) {}

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    learner_.prepare(env, threads);
    memories_ = FixedArray<FixedArray<Memory>>(players_.size(), [&](std::size_t i) {
      return FixedArray<Memory>(index(threads), [&](std::size_t) { return players_[i].memory(env.lanes()); });
    });
    games_ = FixedArray<Game>(index(env.lanes()));
    results_ = FixedArray<std::vector<Result>>(games_.size());
    for (auto& results : results_) results.reserve(index(learner_.interval()));
    merged_.reserve(games_.size() * index(learner_.interval()));
  }

  /// Draws who plays the episodes that begin, and acts for everybody.
  void act(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      if (tile.env->steps_in_episode(lane) == 0) games_[index(lane)] = draw(tile, lane);
      seat_learner(*tile.env, lane);
    }
    learner_.act(tile);
    for (int place = 0; place < static_cast<int>(players_.size()); ++place) {
      if (!seat_opponent(tile, place)) continue;
      players_[index(place)].play(tile, memories_[index(place)][index(tile.worker)], Play::sampled);
    }
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) seat_learner(*tile.env, lane);
  }

  void record(LaneTile<E>& tile) {
    learner_.record(tile);
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      Game& game = games_[index(lane)];
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        (side_of(agent) == game.side ? game.ours : game.theirs) +=
            static_cast<double>(tile.env->reward(lane, agent));
      }
      if (game.place < 0 || !tile.env->over(lane)) continue;
      results_[index(lane)].push_back({tile.step, lane, game.place, game.number, score(game)});
    }
  }

  [[nodiscard]] int interval() const { return learner_.interval(); }
  [[nodiscard]] bool due(const Clock& clock) const { return learner_.due(clock); }
  /// The learner's update; then ratings by the games that ended, in their order, and the pool.
  void update(Services& services) {
    learner_.update(services);
    merged_.clear();
    for (auto& results : results_) {
      merged_.insert(merged_.end(), results.begin(), results.end());
      results.clear();
    }
    std::sort(merged_.begin(), merged_.end(), [](const Result& a, const Result& b) {
      return a.step != b.step ? a.step < b.step : a.lane < b.lane;
    });
    for (const Result& result : merged_) rate(result);
    if (++updates_ % static_cast<std::uint64_t>(config_.pool.every) == 0) keep();
    weigh();
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const { return learner_.memory(lanes); }
  /// The learner as it is now, for everybody.
  void play(LaneTile<E>& tile, Memory& memory, Play how) const { learner_.play(tile, memory, how); }

  /// The learner that plays against its past.
  [[nodiscard]] Inner& learner() { return learner_; }
  [[nodiscard]] const Inner& learner() const { return learner_; }
  /// Its Elo rating.
  [[nodiscard]] double rating() const { return rating_; }
  /// Places of the pool, and the policies that are in them; `share(i)` is how likely the i-th is to be drawn.
  [[nodiscard]] int places() const { return static_cast<int>(pool_.size()); }
  [[nodiscard]] const PastPolicy& past(int i) const { return pool_[index(i)]; }
  [[nodiscard]] const Inner& past_player(int i) const { return players_[index(i)]; }
  [[nodiscard]] double share(int i) const { return shares_[index(i)]; }
  /// Who plays a lane's episode: the opponent's place in the pool (-1: the learner plays for all), and the
  /// learner's side.
  [[nodiscard]] int opponent_of(int lane) const { return games_[index(lane)].place; }
  [[nodiscard]] int side_in(int lane) const { return games_[index(lane)].side; }
  /// The side of an agent.
  [[nodiscard]] static int side_of(int agent) {
    if constexpr (role_count<E> == 1) {
      return agent;
    } else {
      return [agent]<int... R>(std::integer_sequence<int, R...>) {
        return ((agent >= first_agent<E, R> ? 1 : 0) + ...) - 1;
      }(std::make_integer_sequence<int, role_count<E>>{});
    }
  }

  /// The learner's figures, its rating, and its mean score against the pool.
  [[gnu::cold]] void metrics(auto&& visit) const {
    learner_.metrics(visit);
    double games = 0, points = 0, kept = 0;
    for (const PastPolicy& past : pool_) {
      games += past.games, points += past.points, kept += past.number > 0 ? 1 : 0;
    }
    visit("elo", rating_);
    visit("pool", kept);
    if (games > 0) visit("score_against_pool", points / games);
  }

  [[gnu::cold]] void archive(auto& a) {
    a.section("self-play");
    a(learner_, rating_, updates_, kept_);
    a.fixed(pool_);
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (pool_[i].number > 0) players_[i].archive_policy(a);
    }
    a.fixed(games_);
    a.fixed(results_);
    weigh();
  }

 private:
  /// An episode of a lane: who plays, and what has come of it so far.
  struct Game {
    int place = -1;            ///< of the opponent in the pool; -1: the learner itself
    int side = 0;              ///< the learner's
    std::uint64_t number = 0;  ///< of the opponent, who may leave the pool meanwhile
    double ours = 0, theirs = 0;
    void archive(auto& a) { a(place, side, number, ours, theirs); }
  };
  struct Result {
    std::uint64_t step = 0;
    int lane = 0, place = 0;
    std::uint64_t number = 0;
    double score = 0;
    void archive(auto& a) { a(step, lane, place, number, score); }
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static constexpr int agents_of(int side) {
    if constexpr (role_count<E> == 1) {
      return 1;
    } else {
      return [side]<int... R>(std::integer_sequence<int, R...>) {
        return ((R == side ? RoleOf<E, R>::count : 0) + ...);
      }(std::make_integer_sequence<int, role_count<E>>{});
    }
  }

  [[nodiscard]] Game draw(const LaneTile<E>& tile, int lane) const {
    Random random(seed_, tile.step, tile.env->global_lane(lane), 0, Purpose::opponent);
    Game game;
    if (random.uniform() < config_.pool.latest || kept_ == 0) return game;
    game.side = random.integer(sides);
    double left = random.uniform_double();
    for (std::size_t i = 0; i < pool_.size() && left >= 0; ++i) {
      if (pool_[i].number == 0) continue;
      game.place = static_cast<int>(i), game.number = pool_[i].number;
      left -= shares_[i];
    }
    return game;
  }
  /// The learner has its own side, or all.
  void seat_learner(MultiAgentEnv<E>& env, int lane) const {
    const Game& game = games_[index(lane)];
    for (int agent = 0; agent < agent_count<E>; ++agent) {
      env.set_away(lane, agent, game.place >= 0 && side_of(agent) != game.side);
    }
  }
  /// An opponent has the others' sides of the lanes it plays in; returns whether there are any.
  bool seat_opponent(LaneTile<E>& tile, int place) const {
    bool any = false;
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      const Game& game = games_[index(lane)];
      any = any || game.place == place;
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        tile.env->set_away(lane, agent, game.place != place || side_of(agent) == game.side);
      }
    }
    return any;
  }

  static double score(const Game& game) {
    const int own = agents_of(game.side);
    const double ours = game.ours / own, theirs = game.theirs / (agent_count<E> - own);
    return ours > theirs ? 1. : ours < theirs ? 0. : .5;
  }
  void rate(const Result& result) {
    PastPolicy& past = pool_[index(result.place)];
    if (past.number != result.number) return;  // it has left the pool
    rate_game(config_.pool.elo, result.score, rating_, past.rating);
    ++past.games, past.points += result.score;
  }
  /// Puts the policy as it is now in the pool.
  [[gnu::cold]] void keep() {
    const std::size_t place = static_cast<std::size_t>(kept_ % pool_.size());
    ArchiveWriter writer;
    learner_.archive_policy(writer);
    ArchiveReader reader(writer.bytes());
    players_[place].archive_policy(reader);
    pool_[place] = {.number = ++kept_, .rating = rating_};
  }
  /// How likely each is to be drawn.
  void weigh() {
    double sum = 0;
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      const bool here = pool_[i].number > 0;
      sum += shares_[i] = here ? Opponents::weight(config_.opponents, pool_[i], rating_) : 0.;
    }
    for (double& share : shares_) share = sum > 0 ? share / sum : 0;
  }

  /// The same settings. Error: a size that would leave no pool, or a share that is none.
  [[gnu::cold, gnu::noinline]] static const Config& checked(const Config& config) {
    const auto at_least_one = [](int value, const char* key) {
      if (value < 1) throw Error("found " + std::to_string(value), key, "at least 1");
    };
    at_least_one(config.pool.size, "algorithm.pool.size");
    at_least_one(config.pool.every, "algorithm.pool.every");
    if (!(config.pool.latest >= 0 && config.pool.latest <= 1)) {
      throw Error("found " + std::to_string(config.pool.latest), "algorithm.pool.latest", "a share, 0 to 1");
    }
    return config;
  }

  Config config_;
  std::uint64_t seed_;
  Inner learner_;
  FixedArray<Inner> players_;                // [place]: not prepared, they only play
  FixedArray<PastPolicy> pool_;              // [place]
  FixedArray<double> shares_;                // [place]
  FixedArray<FixedArray<Memory>> memories_;  // [place][worker]
  FixedArray<Game> games_;                   // [lane]
  FixedArray<std::vector<Result>> results_;  // [lane], since the last update
  std::vector<Result> merged_;
  double rating_;
  std::uint64_t updates_ = 0, kept_ = 0;
};

}  // namespace internal
}  // namespace polis
