// Intrinsic curiosity (Pathak, Agrawal, Efros and Darrell 2017, "Curiosity-driven exploration by
// self-supervised prediction"): agents are paid for what they could not foresee of their own doing.
//
//   f = encoder(o)                      features of an observation
//   a^ = inverse(f, f')                 which action led from one to the next
//   f^' = forward(f, a)                 what an action leads to
//   paid  = scale / 2 |f^' - f'|^2      beside the environment's reward (equation 6)
//   loss  = (1 - forward_share) L(a^, a) + forward_share / 2 |f^' - f'|^2
//
// The encoder learns through the inverse model alone, so that features hold what an agent's actions move, and
// not what merely moves: noise that nobody controls earns nothing for long. L is the cross-entropy of an
// index, half the squared error of numbers. The models learn from each step of an agent that decided, once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/shaping/curiosity_models.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// The environment's reward and `scale` times the surprise. Agents of a role share their models.
template <int Features = 32, class Net = Mlp<64>>
struct Curiosity : ShapesRewards {
  static constexpr const char* key = "curiosity";

  struct Config {
    float scale = .01f;         ///< eta of equation 6
    float forward_share = .2f;  ///< beta of equation 7
    Adam::Config optimizer{.learning_rate = 1e-3f};
    int samples = 64;  ///< steps of an agent that are kept between two updates; of more the last
    int batch = 256;   ///< samples of one optimizer step; fewer wait for the next update
    static constexpr void fields(auto& self, auto&& visit) {
      visit("scale", self.scale);
      visit("forward_share", self.forward_share);
      visit("optimizer", self.optimizer);
      visit("samples", self.samples);
      visit("batch", self.batch);
    }
  };

  template <class E>
  class State {
    static constexpr int roles = role_count<E>;
    template <int R>
    using Models = internal::CuriosityModels<RoleOf<E, R>, Features, Net>;

    /// Of one role: the models, and the samples [lane][agent of the role][sample] that they have not learnt
    /// from.
    template <int R>
    struct Part {
      Models<R> models;
      FixedArray<float> samples;
      FixedArray<int> counts;  // [lane][agent]: since the last optimizer step, also those that were lost
      FixedArray<char> decided;
      void archive(auto& a) {
        a(models);
        a.fixed(samples), a.fixed(counts);
      }
    };
    template <class Sequence>
    struct PartsOf;
    template <int... R>
    struct PartsOf<std::integer_sequence<int, R...>> {
      using type = std::tuple<Part<R>...>;
    };
    using Parts = typename PartsOf<std::make_integer_sequence<int, roles>>::type;

   public:
    State() = default;
    /// Error: a size that leaves nothing to learn from.
    [[gnu::cold]] State(const Config& config, const ShapedLearning& learner)
        : config_(config), learner_(learner), paid_(static_cast<std::size_t>(learner.lanes)) {
      if (config.samples < 1 || config.batch < 1) {
        throw Error("a size below 1", "shaping.samples, shaping.batch", "at least 1");
      }
      for_each_part([&]<int R>(std::integral_constant<int, R>, Part<R>& part) {
        if (!own<R>()) return;
        const auto rows = static_cast<std::size_t>(learner.lanes * RoleOf<E, R>::count);
        part.models = Models<R>(config.optimizer, R);
        part.samples =
            FixedArray<float>(rows * static_cast<std::size_t>(config.samples * Models<R>::sample_words));
        part.counts = FixedArray<int>(rows);
        part.decided = FixedArray<char>(rows);
      });
    }

    void before(const MultiAgentEnv<E>& env, int lane) {
      for_each_agent(lane, [&]<int R>(std::integral_constant<int, R>, Part<R>& part, int i, std::size_t row) {
        part.decided[row] = env.template deciding<R>(lane, i) ? 1 : 0;
        if (!part.decided[row]) return;
        observe<R>(env, lane, i, place<R>(part, row), false);
      });
    }
    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>& actions, Row rewards) {
      for_each_agent(lane, [&]<int R>(std::integral_constant<int, R>, Part<R>& part, int i, std::size_t row) {
        if (!part.decided[row]) return;
        float* const sample = place<R>(part, row);
        observe<R>(env, lane, i, sample, true);
        Models<R>::write_action(actions.of(typename RoleOf<E, R>::Tag{})[i], sample);
        ++part.counts[row];
        const float paid = config_.scale * part.models.surprise(sample);
        rewards[first_agent<E, R> + i] += paid;
        Paid& sums = paid_[static_cast<std::size_t>(lane)];
        sums.total += static_cast<double>(paid), ++sums.steps;
      });
    }
    void update() {
      Paid all;
      for (Paid& lane : paid_) all.total += lane.total, all.steps += lane.steps, lane = {};
      if (all.steps > 0) mean_ = all.total / all.steps;
      for_each_part([&]<int R>(std::integral_constant<int, R>, Part<R>& part) {
        if (own<R>()) learn(part);
      });
    }

    /// `curiosity`, the mean that was paid a step; the losses of the inverse and of the forward model.
    void metrics(auto&& visit) const {
      visit("curiosity", mean_);
      visit("inverse_loss", losses_.inverse);
      visit("forward_loss", losses_.forward);
    }
    void archive(auto& a) {
      a(mean_, losses_.inverse, losses_.forward);
      a.fixed(paid_);
      for_each_part([&]<int R>(std::integral_constant<int, R>, Part<R>& part) { a(part); });
    }

   private:
    struct Paid {
      double total = 0;
      int steps = 0;
      void archive(auto& a) { a(total, steps); }
    };

    template <int R>
    [[nodiscard]] bool own() const {
      return first_agent<E, R> < learner_.first + learner_.agents &&
             first_agent<E, R> + RoleOf<E, R>::count > learner_.first;
    }
    void for_each_part(auto&& f) {
      [&]<int... R>(std::integer_sequence<int, R...>) {
        (f(std::integral_constant<int, R>{}, std::get<static_cast<std::size_t>(R)>(parts_)), ...);
      }(std::make_integer_sequence<int, roles>{});
    }
    /// f(role, part, agent of the role, row) for the learner's own agents of a lane.
    void for_each_agent(int lane, auto&& f) {
      for_each_part([&]<int R>(std::integral_constant<int, R> role, Part<R>& part) {
        for (int i = 0; i < RoleOf<E, R>::count; ++i) {
          const int agent = first_agent<E, R> + i;
          if (agent < learner_.first || agent >= learner_.first + learner_.agents) continue;
          f(role, part, i, static_cast<std::size_t>(lane * RoleOf<E, R>::count + i));
        }
      });
    }
    template <int R>
    float* place(Part<R>& part, std::size_t row) {
      const auto kept = static_cast<std::size_t>(config_.samples);
      const std::size_t at = row * kept + static_cast<std::size_t>(part.counts[row]) % kept;
      return &part.samples[at * Models<R>::sample_words];
    }
    template <int R>
    static void observe(const MultiAgentEnv<E>& env, int lane, int i, float* sample, bool next) {
      float words[RoleOf<E, R>::Observation::words];
      env.template observe<R>(lane, i, Row{words});
      Models<R>::write_observation(In<float>{words}, sample, next);
    }

    /// Goes once through all samples that came in, if they fill a batch: the first of every agent, the second
    /// of every agent, and so on, so that those of a batch come from many lanes.
    template <int R>
    void learn(Part<R>& part) {
      int total = 0, most = 0;
      for (const int count : part.counts) {
        total += std::min(count, config_.samples), most = std::max(most, std::min(count, config_.samples));
      }
      if (total < config_.batch) return;
      const int batches = total / config_.batch;
      int left = total, in_batch = 0, size = left / batches, tiled = 0, batch = 0;
      const float* tile[tile_rows];
      losses_ = {};
      part.models.clear_gradient();
      const auto flush = [&] {
        const auto sums =
            part.models.add_gradient(tile, tiled, 1.f / static_cast<float>(size), config_.forward_share);
        losses_.inverse += sums.inverse / batches, losses_.forward += sums.forward / batches;
        tiled = 0;
      };
      for (int sample = 0; sample < most; ++sample) {
        for (std::size_t row = 0; row < part.counts.size(); ++row) {
          if (sample >= std::min(part.counts[row], config_.samples)) continue;
          const std::size_t at =
              row * static_cast<std::size_t>(config_.samples) + static_cast<std::size_t>(sample);
          tile[tiled++] = &part.samples[at * Models<R>::sample_words];
          ++in_batch;
          if (tiled == tile_rows || in_batch == size) flush();
          if (in_batch < size) continue;
          part.models.step(config_.optimizer.learning_rate);
          part.models.clear_gradient();
          left -= size, in_batch = 0, ++batch;
          size = batch < batches ? left / (batches - batch) : left;
        }
      }
      for (int& count : part.counts) count = 0;
    }

    Config config_;
    ShapedLearning learner_;
    Parts parts_;
    FixedArray<Paid> paid_;  // [lane]: since the last update
    double mean_ = 0;
    typename Models<0>::Losses losses_{};
  };
};

}  // namespace polis
