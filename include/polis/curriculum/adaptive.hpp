// A curriculum that follows the agents: it advances when they have mastered a stage and goes back when they
// fail.
//
// Success is judged over non-overlapping windows of episodes at the stage reached. A sliding window would be
// passed by luck: at a true success of .7 and a threshold of .8, with probability .92 within 500 episodes;
// two consecutive disjoint windows of 50 are passed with .11 within 1000. Between the two thresholds nothing
// changes (a dead band), so that the stage does not swing to and fro; after a change a cooldown lets the
// agents settle first; and a share of episodes replays easier stages, so that those are not forgotten.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <polis/curriculum/curriculum.hpp>

namespace polis {

struct Adaptive {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = true, needs_success = true;

  struct Config {
    int window = 50;  ///< episodes
    /// Success rates at which a window speaks for advancing and for going back; auto: the environment's.
    std::optional<float> advance_at = std::nullopt;
    std::optional<float> regress_at = std::nullopt;
    int advance_windows = 2;  ///< consecutive windows that it takes to advance
    int regress_windows = 3;  ///< and to go back
    int cooldown = 100;       ///< episodes of a new stage that fill no window
    float replay = .2f;       ///< share of episodes that replay an easier stage

    static constexpr void fields(auto& self, auto&& visit) {
      visit("window", self.window);
      visit("advance_at", self.advance_at);
      visit("regress_at", self.regress_at);
      visit("advance_windows", self.advance_windows);
      visit("regress_windows", self.regress_windows);
      visit("cooldown", self.cooldown);
      visit("replay", self.replay);
    }
  };

  class State {
   public:
    /// Error: settings that make no sense.
    State(const Config& config, int stages, CurriculumThresholds thresholds = {})
        : config_(config),
          stages_(stages),
          advance_at_(config.advance_at.value_or(thresholds.advance_at)),
          regress_at_(config.regress_at.value_or(thresholds.regress_at)) {
      const auto require = [](auto value, bool holds, const char* key, const char* expected) {
        internal::require_setting(holds, key, std::to_string(value), expected);
      };
      require(config.window, config.window >= 2, "window", "at least 2");
      require(config.advance_windows, config.advance_windows >= 1, "advance_windows", "at least 1");
      require(config.regress_windows, config.regress_windows >= 1, "regress_windows", "at least 1");
      require(config.cooldown, config.cooldown >= 0, "cooldown", "no less than 0");
      require(config.replay, config.replay >= 0 && config.replay < 1, "replay", "at least 0 and below 1");
      require(regress_at_, regress_at_ < advance_at_, "regress_at", "less than advance_at");
      returns_.resize(static_cast<std::size_t>(config.window));
    }

    /// The stage reached.
    [[nodiscard]] int stage() const { return stage_; }
    [[nodiscard]] int stages() const { return stages_; }

    /// The stage of an episode that starts now: the stage reached or, with probability `replay`, an easier
    /// one, each alike (a replay, then). Changes nothing, so that threads may call it at once.
    [[nodiscard]] CurriculumDraw sample(Random& random) const { return sampler()(random); }
    [[nodiscard]] StageSampler sampler() const { return {.stage = stage_, .replay = config_.replay}; }

    /// The share of the way from the first stage to the last.
    [[nodiscard]] double progress() const {
      return stages_ > 1 ? static_cast<double>(stage_) / (stages_ - 1) : 1;
    }

    /// Takes note of an episode. Replays and episodes that began before the last change do not count.
    /// Error: the environment does not state its success.
    void episode(const CurriculumEpisode& episode) {
      if (stages_ == 1 || episode.replayed || episode.stage != stage_) return;
      const float success = internal::required_success(episode, "Adaptive");
      if (cooldown_left_ > 0) {
        --cooldown_left_;
        return;
      }
      returns_[static_cast<std::size_t>(count_++)] = episode.return_;
      successes_ += success;
      if (count_ == config_.window) close_window();
    }

    void archive(auto& a) {
      a.section("curriculum Adaptive");
      a(stage_, cooldown_left_, count_, successes_, passed_, failed_, rate_, advances_, regressions_);
      a.fixed(returns_);
      internal::check_stage(stage_, stages_);
    }

    /// visit(name, value): the stage, the success rate of the last whole window, how often it advanced and
    /// went back.
    void metrics(auto&& visit) const {
      visit("stage", static_cast<double>(stage_));
      visit("success", static_cast<double>(rate_));
      visit("advances", static_cast<double>(advances_));
      visit("regressions", static_cast<double>(regressions_));
    }

   private:
    void close_window() {
      rate_ = successes_ / static_cast<float>(count_);
      const bool passed = rate_ >= advance_at_ && returns_are_level();
      const bool failed = rate_ <= regress_at_;
      count_ = 0;
      successes_ = 0;
      passed_ = passed ? passed_ + 1 : 0;
      failed_ = failed ? failed_ + 1 : 0;
      if (passed_ >= config_.advance_windows && stage_ < stages_ - 1) {
        ++advances_;
        change_to(stage_ + 1);
      } else if (failed_ >= config_.regress_windows && stage_ > 0) {
        ++regressions_;
        change_to(stage_ - 1);
      }
    }

    /// Whether the agents have stopped improving: the least-squares slope of the window's returns on the
    /// number of the episode moves them by no more than their standard deviation over the window.
    [[nodiscard]] bool returns_are_level() const {
      const double n = config_.window;
      double mean = 0;
      for (const float value : returns_) mean += value / n;
      double squares = 0, products = 0;
      for (std::size_t i = 0; i < returns_.size(); ++i) {
        const double deviation = returns_[i] - mean;
        squares += deviation * deviation;
        products += (static_cast<double>(i) - (n - 1) / 2) * deviation;
      }
      const double slope = products / (n * (n * n - 1) / 12);
      // Not less than but at most: returns that are all alike are level.
      return std::abs(slope * n) <= std::sqrt(squares / (n - 1));
    }

    void change_to(int stage) {
      stage_ = stage;
      cooldown_left_ = config_.cooldown;
      passed_ = 0;
      failed_ = 0;
    }

    Config config_;
    int stages_;
    float advance_at_, regress_at_;
    int stage_ = 0;
    int cooldown_left_ = 0;
    int count_ = 0;  ///< episodes in the window so far
    float successes_ = 0;
    int passed_ = 0, failed_ = 0;  ///< consecutive windows
    float rate_ = 0;
    int advances_ = 0, regressions_ = 0;
    std::vector<float>
        returns_;  ///< of the window; as long as it from the start, so that episodes allocate nothing
  };
};

static_assert(CurriculumWord<Adaptive>);

}  // namespace polis
