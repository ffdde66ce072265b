// Prioritised level replay (Jiang, Grefenstette and Rocktaschel 2021): episodes are of fresh levels or, with
// probability `replay`, of levels played before that promise to teach most.
//
// A level is a number by which an episode's task and beginning are drawn, so that it can be played again. Of
// the levels that are kept, sorted by their score, the one of rank k is replayed with probability
//
//   P = (1 - staleness) k^(-1 / temperature) / sum + staleness (episodes since it was played) / sum
//
// (equations 1 to 3 of the paper). What a level promises, its score, is judged by episodes alone:
//   learnability  p (1 - p), p being its share of successes (Rutherford et al. 2024, "No regrets:
//   investigating
//                 and improving regret approximations for curriculum discovery"); old episodes are forgotten
//   progress      by how much the return changed from one episode of the level to the next
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <polis/curriculum/curriculum.hpp>

namespace polis {

enum class LevelScore { Learnability, Progress };
constexpr auto enum_names(LevelScore) { return std::array{"learnability", "progress"}; }

/// In environments with stages a level is of the last one.
struct PrioritizedLevels {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = false, needs_success = false;

  struct Config {
    LevelScore score = LevelScore::Progress;
    int levels = 256;         ///< kept
    float replay = .5f;       ///< share of episodes of a level that is kept
    float temperature = .1f;  ///< the smaller, the more the best scores count
    float staleness = .1f;    ///< share of replays that go by how long ago a level was played
    float memory = .9f;       ///< what an episode leaves of the weight of those before it (learnability)

    static constexpr void fields(auto& self, auto&& visit) {
      visit("score", self.score);
      visit("levels", self.levels);
      visit("replay", self.replay);
      visit("temperature", self.temperature);
      visit("staleness", self.staleness);
      visit("memory", self.memory);
    }
  };

  class State {
   public:
    /// Error: settings that make no sense.
    State(const Config& config, int stages, CurriculumThresholds = {}) : config_(config), stages_(stages) {
      const auto require = [](auto value, bool holds, const char* key, const char* expected) {
        internal::require_setting(holds, key, std::to_string(value), expected);
      };
      require(config.levels, config.levels >= 1, "levels", "at least 1");
      require(config.replay, config.replay >= 0 && config.replay < 1, "replay", "at least 0 and below 1");
      require(config.temperature, config.temperature > 0, "temperature", "more than 0");
      require(config.staleness, config.staleness >= 0 && config.staleness <= 1, "staleness", "0 to 1");
      require(config.memory, config.memory >= 0 && config.memory < 1, "memory", "at least 0 and below 1");
      const auto size = static_cast<std::size_t>(config.levels);
      levels_.resize(size), order_.resize(size), reached_.resize(size), by_rank_.resize(size);
      for (std::size_t i = 0; i < size; ++i) {
        by_rank_[i] = std::pow(static_cast<double>(i + 1), -1 / static_cast<double>(config.temperature));
      }
    }

    [[nodiscard]] int stage() const { return stages_ - 1; }
    [[nodiscard]] int stages() const { return stages_; }
    /// Levels that are kept.
    [[nodiscard]] int kept() const { return kept_; }
    [[nodiscard]] CurriculumDraw sample(Random& random) const {
      CurriculumDraw draw{.stage = stage()};
      if (kept_ > 0 && random.uniform() < config_.replay) {
        const auto last = reached_.begin() + kept_ - 1;
        const auto at = std::upper_bound(reached_.begin(), last, random.uniform_double()) - reached_.begin();
        draw.level = levels_[static_cast<std::size_t>(at)].number;
        draw.replayed = true;
      } else {
        draw.level = static_cast<std::uint32_t>(random.integer(std::numeric_limits<int>::max())) + 1;
      }
      return draw;
    }
    /// The share of the levels kept that there is room for.
    [[nodiscard]] double progress() const { return static_cast<double>(kept_) / config_.levels; }

    /// A level's score after one more episode; a fresh level is kept if there is room, or one of a lower
    /// score. Error: the score goes by success, which the environment does not state.
    void episode(const CurriculumEpisode& episode) {
      if (episode.level == 0) return;
      ++episodes_;
      settled_ = false;
      Level* level = find(episode.level);
      if (!level) {
        if (episode.replayed) return;  // it has given way to another since
        Level fresh{.number = episode.level};
        tell(fresh, episode);
        level = room_for(fresh);
        if (level) *level = fresh;
        return;
      }
      tell(*level, episode);
    }
    /// Ranks the levels anew, once a collection's episodes are told.
    void settle() {
      if (settled_) return;
      settled_ = true;
      const auto end = order_.begin() + kept_;
      for (int i = 0; i < kept_; ++i) order_[static_cast<std::size_t>(i)] = i;
      std::sort(order_.begin(), end, [this](int a, int b) {
        const Level &x = levels_[static_cast<std::size_t>(a)], &y = levels_[static_cast<std::size_t>(b)];
        return x.score != y.score ? x.score > y.score : a < b;
      });
      double ranked = 0, stale = 0;
      for (int i = 0; i < kept_; ++i) {
        const double weight = by_rank_[static_cast<std::size_t>(i)];
        ranked += weight, stale += age(levels_[static_cast<std::size_t>(i)]);
        reached_[static_cast<std::size_t>(order_[static_cast<std::size_t>(i)])] = weight;
      }
      const double by_age = stale > 0 ? static_cast<double>(config_.staleness) : 0;
      double sum = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(kept_); ++i) {
        sum += (1 - by_age) * reached_[i] / ranked + (by_age > 0 ? by_age * age(levels_[i]) / stale : 0);
        reached_[i] = sum;
      }
    }
    /// With which a replay is of the level that is kept in this place.
    [[nodiscard]] double probability(int place) const {
      const auto i = static_cast<std::size_t>(place);
      return reached_[i] - (i > 0 ? reached_[i - 1] : 0);
    }
    [[nodiscard]] std::uint32_t level(int place) const {
      return levels_[static_cast<std::size_t>(place)].number;
    }

    void archive(auto& a) {
      a.section("curriculum PrioritizedLevels");
      a(kept_, episodes_);
      a.fixed(levels_);
      if (kept_ < 0 || kept_ > config_.levels) {
        throw Error(concat({kept_, " levels"}), "archive", concat({"at most ", config_.levels}));
      }
      settled_ = false;
      settle();
    }

    /// visit(name, value): levels kept, their mean score.
    void metrics(auto&& visit) const {
      double sum = 0;
      int judged = 0;
      for (int i = 0; i < kept_; ++i) {
        const float score = levels_[static_cast<std::size_t>(i)].score;
        if (score < unjudged) sum += static_cast<double>(score), ++judged;
      }
      visit("levels", static_cast<double>(kept_));
      visit("score", judged > 0 ? sum / judged : std::numeric_limits<double>::quiet_NaN());
    }

   private:
    /// The score of a level played once whose progress is not known yet: above all others.
    static constexpr float unjudged = std::numeric_limits<float>::max();
    struct Level {
      std::uint32_t number = 0;
      float score = unjudged;
      float successes = 0, weight = 0;  // of past episodes, old ones counting less
      float return_ = 0;                // of the last episode
      std::uint64_t played = 0;         // the number of that episode
      void archive(auto& a) { a(number, score, successes, weight, return_, played); }
    };

    [[nodiscard]] double age(const Level& level) const {
      return static_cast<double>(episodes_ - level.played);
    }
    [[nodiscard]] Level* find(std::uint32_t number) {
      const auto end = levels_.begin() + kept_;
      const auto at = std::find_if(levels_.begin(), end, [=](const Level& l) { return l.number == number; });
      return at == end ? nullptr : &*at;
    }
    [[nodiscard]] Level* room_for(const Level& fresh) {
      if (kept_ < config_.levels) return &levels_[static_cast<std::size_t>(kept_++)];
      const auto lowest = std::min_element(levels_.begin(), levels_.end(),
                                           [](const Level& x, const Level& y) { return x.score < y.score; });
      return fresh.score > lowest->score ? &*lowest : nullptr;
    }
    void tell(Level& level, const CurriculumEpisode& episode) const {
      if (config_.score == LevelScore::Learnability) {
        const float success = internal::required_success(episode, "PrioritizedLevels");
        level.successes = config_.memory * level.successes + success;
        level.weight = config_.memory * level.weight + 1;
        const float share = (level.successes + 1) / (level.weight + 2);  // Laplace's rule: 1/2 before any
        level.score = share * (1 - share);
      } else if (level.played > 0) {
        level.score = std::abs(episode.return_ - level.return_);
      }
      level.return_ = episode.return_;
      level.played = episodes_;
    }

    Config config_;
    int stages_;
    int kept_ = 0;
    std::uint64_t episodes_ = 0;
    std::vector<Level> levels_;    // the first `kept_` are kept
    std::vector<int> order_;       // places by score, the best first
    std::vector<double> reached_;  // [place]: probability of a replay up to this one
    std::vector<double> by_rank_;  // weights of the ranks
    bool settled_ = true;
  };
};

static_assert(CurriculumWord<PrioritizedLevels>);

}  // namespace polis
