// A fixed order of stages that only goes forward: after a number of episodes, or after a window of successes.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <polis/curriculum/curriculum.hpp>

namespace polis {

/// What ends a stage of Staged.
enum class StageEnd { Episodes, Success };
constexpr auto enum_names(StageEnd) { return std::array{"episodes", "success"}; }

/// Advances after `episodes` episodes of a stage, or after the first of its non-overlapping windows whose
/// success rate is at least `advance_at`. Never goes back and replays nothing.
struct Staged {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = true, needs_success = false;

  struct Config {
    StageEnd end = StageEnd::Episodes;
    int episodes = 1000;  ///< of each stage, where these end it
    int window = 50;      ///< episodes over which success is averaged, where that ends it
    /// Success rate that ends a stage; auto: the environment's.
    std::optional<float> advance_at = std::nullopt;

    static constexpr void fields(auto& self, auto&& visit) {
      visit("end", self.end);
      visit("episodes", self.episodes);
      visit("window", self.window);
      visit("advance_at", self.advance_at);
    }
  };

  class State {
   public:
    /// Error: a setting that makes no sense.
    State(const Config& config, int stages, CurriculumThresholds thresholds = {})
        : config_(config), stages_(stages), advance_at_(config.advance_at.value_or(thresholds.advance_at)) {
      internal::require_setting(config.episodes >= 1, "episodes", std::to_string(config.episodes),
                                "at least 1");
      internal::require_setting(config.window >= 1, "window", std::to_string(config.window), "at least 1");
    }

    /// The stage reached.
    [[nodiscard]] int stage() const { return stage_; }
    [[nodiscard]] int stages() const { return stages_; }
    /// The stage of an episode that starts now.
    [[nodiscard]] StageSampler sampler() const { return {.stage = stage_}; }
    [[nodiscard]] CurriculumDraw sample(Random& random) const { return sampler()(random); }
    /// The share of the way from the first stage to the last.
    [[nodiscard]] double progress() const {
      return stages_ > 1 ? static_cast<double>(stage_) / (stages_ - 1) : 1;
    }

    /// Episodes that began at an earlier stage do not count.
    void episode(const CurriculumEpisode& episode) {
      if (stage_ == stages_ - 1 || episode.replayed || episode.stage != stage_) return;
      ++count_;
      if (config_.end == StageEnd::Success) successes_ += internal::required_success(episode, "Staged");
      if (count_ < (config_.end == StageEnd::Success ? config_.window : config_.episodes)) return;
      rate_ = successes_ / static_cast<float>(count_);
      if (config_.end == StageEnd::Episodes || rate_ >= advance_at_) ++stage_;
      count_ = 0;
      successes_ = 0;
    }

    void archive(auto& a) {
      a.section("curriculum Staged");
      a(stage_, count_, successes_, rate_);
      internal::check_stage(stage_, stages_);
    }

    /// visit(name, value): the stage; the success rate of the last whole window.
    void metrics(auto&& visit) const {
      visit("stage", static_cast<double>(stage_));
      if (config_.end == StageEnd::Success) visit("success", static_cast<double>(rate_));
    }

   private:
    Config config_;
    int stages_;
    float advance_at_;
    int stage_ = 0;
    int count_ = 0;
    float successes_ = 0;
    float rate_ = 0;
  };
};

static_assert(CurriculumWord<Staged>);

}  // namespace polis
