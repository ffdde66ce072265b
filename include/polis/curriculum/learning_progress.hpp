// Curriculum by learning progress: episodes are of the stages at which the agents' success changes fastest.
//
// Two exponential averages of a stage's success, a fast and a slow one, differ as long as agents learn there
// or forget (Kanitscheider et al. 2021, "Multi-task curriculum learning in a complex, visual,
// hard-exploration domain: Minecraft", section 3; Portelas et al. 2019, "Teacher algorithms for curriculum
// learning of deep RL in continuously parameterized environments", whose absolute learning progress this is):
//
//   P(stage) = (1 - explore) |fast - slow| / sum of all + explore / stages
//
// What is mastered and what is out of reach do not change, and are visited by exploration alone. As long as
// nothing changes anywhere, all stages are alike.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/curriculum/curriculum.hpp>

namespace polis {

struct LearningProgress {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = true, needs_success = true;

  struct Config {
    float explore = .2f;  ///< share of episodes whose stage is any
    float fast = .1f;     ///< what an episode weighs in the fast average of its stage
    float slow = .02f;    ///< and in the slow one

    static constexpr void fields(auto& self, auto&& visit) {
      visit("explore", self.explore);
      visit("fast", self.fast);
      visit("slow", self.slow);
    }
  };

  class State {
   public:
    /// Error: settings that make no sense.
    State(const Config& config, int stages, CurriculumThresholds = {})
        : config_(config), fast_(static_cast<std::size_t>(stages), 0.f), slow_(fast_), reached_(fast_) {
      const auto require = [](float value, bool holds, const char* key, const char* expected) {
        internal::require_setting(holds, key, std::to_string(value), expected);
      };
      require(config.explore, config.explore > 0 && config.explore <= 1, "explore", "above 0, at most 1");
      require(config.fast, config.fast > 0 && config.fast <= 1, "fast", "above 0, at most 1");
      require(config.slow, config.slow > 0 && config.slow < config.fast, "slow", "above 0, below fast");
      settle();
    }

    /// The stage that is likeliest now, the easiest of equals.
    [[nodiscard]] int stage() const { return likeliest_; }
    [[nodiscard]] int stages() const { return static_cast<int>(fast_.size()); }
    [[nodiscard]] double probability(int stage) const {
      const auto i = static_cast<std::size_t>(stage);
      return static_cast<double>(reached_[i] - (i > 0 ? reached_[i - 1] : 0.f));
    }
    [[nodiscard]] CurriculumDraw sample(Random& random) const {
      const float drawn = random.uniform();
      const auto at = std::upper_bound(reached_.begin(), reached_.end() - 1, drawn) - reached_.begin();
      return {.stage = static_cast<int>(at)};
    }
    /// The mean of the stages' success, by the fast averages.
    [[nodiscard]] double progress() const {
      double sum = 0;
      for (const float success : fast_) sum += static_cast<double>(success);
      return sum / stages();
    }

    /// Error: the environment does not state its success.
    void episode(const CurriculumEpisode& episode) {
      if (episode.replayed) return;
      const float success = internal::required_success(episode, "LearningProgress");
      const auto i = static_cast<std::size_t>(episode.stage);
      fast_[i] += config_.fast * (success - fast_[i]);
      slow_[i] += config_.slow * (success - slow_[i]);
    }
    /// Takes account of the episodes told since the last call.
    void settle() {
      double total = 0, sum = 0;
      for (std::size_t i = 0; i < fast_.size(); ++i) total += change(i);
      likeliest_ = 0;
      for (std::size_t i = 0; i < fast_.size(); ++i) {
        const double explore = total > 0 ? static_cast<double>(config_.explore) : 1;
        sum += explore / stages() + (total > 0 ? (1 - explore) * change(i) / total : 0);
        reached_[i] = static_cast<float>(sum);
        if (change(i) > change(static_cast<std::size_t>(likeliest_))) likeliest_ = static_cast<int>(i);
      }
    }

    void archive(auto& a) {
      a.section("curriculum LearningProgress");
      a.fixed(fast_), a.fixed(slow_);
      settle();
    }

    /// visit(name, value): the likeliest stage, the mean success of all.
    void metrics(auto&& visit) const {
      visit("stage", static_cast<double>(stage()));
      visit("success", progress());
    }

   private:
    [[nodiscard]] double change(std::size_t i) const {
      return std::abs(static_cast<double>(fast_[i]) - static_cast<double>(slow_[i]));
    }

    Config config_;
    std::vector<float> fast_, slow_;  // [stage]
    std::vector<float> reached_;      // [stage]: probability of the stages up to this one
    int likeliest_ = 0;
  };
};

static_assert(CurriculumWord<LearningProgress>);

}  // namespace polis
