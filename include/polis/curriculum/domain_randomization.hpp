// Domain randomisation (Tobin et al. 2017, "Domain randomization for transferring deep neural networks from
// simulation to the real world"): every episode is of any stage, all alike likely, from the first to the
// last.
#pragma once

#include <polis/curriculum/curriculum.hpp>

namespace polis {

struct DomainRandomization {
  using word = polis::word::Curriculum;
  static constexpr bool needs_stages = true, needs_success = false;

  struct Config {
    static constexpr void fields(auto&, auto&&) {}
  };

  /// Every stage alike.
  struct Sampler {
    int stages;
    POLIS_HD CurriculumDraw operator()(Random& random) const { return {.stage = random.integer(stages)}; }
  };

  class State {
   public:
    State(const Config&, int stages, CurriculumThresholds = {}) : stages_(stages) {}

    [[nodiscard]] int stage() const { return stages_ - 1; }
    [[nodiscard]] int stages() const { return stages_; }
    [[nodiscard]] Sampler sampler() const { return {stages_}; }
    [[nodiscard]] CurriculumDraw sample(Random& random) const { return sampler()(random); }
    [[nodiscard]] double progress() const { return 1; }
    void episode(const CurriculumEpisode&) {}
    void archive(auto&) {}
    void metrics(auto&& visit) const { visit("stage", static_cast<double>(stage())); }

   private:
    int stages_;
  };
};

static_assert(CurriculumWord<DomainRandomization>);

}  // namespace polis
