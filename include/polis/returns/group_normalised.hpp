// Group-normalised advantages (Shao et al. 2024, "DeepSeekMath", section 4.1.2: GRPO with outcome
// supervision). Lanes of a group begin their episodes alike (the same task and the same first state) and are
// told apart by what they do:
//
//     A = (R - mean of the group's R) / (standard deviation of the group's R + epsilon),
//
// with R the return of a whole episode, the same A for all of its decisions, and no critic.
#pragma once

#include <cstddef>

#include <polis/core/word.hpp>
#include <polis/returns/returns.hpp>

namespace polis {

struct GroupNormalised {
  using word = word::Returns;
  static constexpr bool uses_values = false;

  struct Config {
    float discount = 1.f;        ///< gamma, from the episode's first decision on
    int group = 8;               ///< lanes that begin alike; at least 2
    float epsilon = 1e-4f;       ///< added to the standard deviation
    bool time_in_steps = false;  ///< discount by environment steps rather than by the agent's decisions
    static constexpr void fields(auto& self, auto&& visit) {
      visit("discount", self.discount);
      visit("group", self.group);
      visit("epsilon", self.epsilon);
      visit("time_in_steps", self.time_in_steps);
    }
  };

  /// The rows must begin episodes at their first slots. The k-th episodes of all rows are compared if all of
  /// them have ended; the first ones in any case, an unfinished one with what it has earned: the data's
  /// length is the episodes' limit, as that of an answer is for a language model. Returns are R.
  POLIS_HD static void estimate_group(const Config& config, const Trajectory& first, std::ptrdiff_t step,
                                      int* until) {
    const auto row = [&](int i) { return first.from(static_cast<int>(i * step)); };
    for (int i = 0; i < config.group; ++i) {
      until[i * step] = 0;
      for (int slot = 0; slot < first.slots; ++slot) write(row(i), slot, 0, 0);
    }
    for (bool opening = true;; opening = false) {
      float sum = 0, squares = 0;
      bool complete = true;
      for (int i = 0; i < config.group; ++i) {
        const Episode episode = episode_from(config, row(i), until[i * step]);
        complete = complete && episode.ended;
        sum += episode.total;
      }
      if (!complete && !opening) return;
      const float mean = sum / static_cast<float>(config.group);
      for (int i = 0; i < config.group; ++i) {
        const float difference = episode_from(config, row(i), until[i * step]).total - mean;
        squares += difference * difference;
      }
      const float deviation = math::sqrt(squares / static_cast<float>(config.group - 1)) + config.epsilon;
      const float scale = deviation > 0 ? 1.f / deviation : 0.f;
      for (int i = 0; i < config.group; ++i) {
        const Episode episode = episode_from(config, row(i), until[i * step]);
        for (int slot = until[i * step]; slot < episode.stop; ++slot) {
          write(row(i), slot, (episode.total - mean) * scale, episode.total);
        }
        until[i * step] = episode.stop;
      }
    }
  }

 private:
  struct Episode {
    float total = 0;
    int stop = 0;  // the slot after its last
    bool ended = false;
  };

  POLIS_HD static Episode episode_from(const Config& config, const Trajectory& at, int begin) {
    Episode episode{0, begin, false};
    float factor = 1;
    bool decided_before = false;
    for (int slot = begin; slot < at.slots && !episode.ended; ++slot) {
      const std::ptrdiff_t i = slot * at.stride;
      const bool decided = !at.decided || at.decided[i] != 0;
      if (slot > begin && (config.time_in_steps || (decided && decided_before))) factor *= config.discount;
      decided_before = decided_before || decided;
      episode.total = math::fma(factor, at.rewards[i], episode.total);
      episode.ended = at.ends[i] != End::none;
      episode.stop = slot + 1;
    }
    return episode;
  }

  POLIS_HD static void write(const Trajectory& at, int slot, float advantage, float target) {
    at.advantages[slot * at.stride] = advantage;
    at.returns[slot * at.stride] = target;
  }
};

}  // namespace polis
