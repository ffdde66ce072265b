// No curriculum: every episode is of the last stage, the environment as it is meant.
#pragma once

#include <polis/curriculum/curriculum.hpp>

namespace polis {

struct None {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = false, needs_success = false;

  struct Config {
    static constexpr void fields(auto&, auto&&) {}
  };

  class State {
   public:
    State(const Config&, int stages, CurriculumThresholds = {}) : stages_(stages) {}

    [[nodiscard]] int stage() const { return stages_ - 1; }
    [[nodiscard]] int stages() const { return stages_; }
    [[nodiscard]] StageSampler sampler() const { return {.stage = stage()}; }
    [[nodiscard]] CurriculumDraw sample(Random& random) const { return sampler()(random); }
    [[nodiscard]] double progress() const { return 1; }
    void episode(const CurriculumEpisode&) {}
    void archive(auto&) {}
    void metrics(auto&& visit) const { visit("stage", static_cast<double>(stage())); }

   private:
    int stages_;
  };
};

static_assert(CurriculumWord<None>);

}  // namespace polis
