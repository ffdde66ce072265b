// Several words of shaping in the one slot of a sentence, each after the other.
//
//     using Mine = PPO::With<Several<CooperationWeights, PotentialBased>>;
//     config.algorithm.shaping.of<CooperationWeights>().own = .5f;   // algorithm.shaping.cooperation.own
//
// Order matters: a word that replaces rewards (DifferenceReward, WeightedComponents) comes before those that
// add to them, one that weighs them (CooperationWeights, Constrained) behind what it is to weigh.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

namespace internal {

/// The settings of one of several words.
template <class W>
struct ShapingPart {
  typename W::Config config{};
};

}  // namespace internal

/// What one word leaves of the rewards the next one shapes. Settings are keyed by each word's `key`.
template <class... Words>
  requires(sizeof...(Words) > 1)
struct Several : ShapesRewards {
  static constexpr bool needs_potential = (... || Words::needs_potential);
  static constexpr bool needs_counterfactual = (... || Words::needs_counterfactual);
  static constexpr bool needs_target = (... || Words::needs_target);
  static constexpr bool needs_others = (... || Words::needs_others);
  static constexpr bool needs_components = (... || Words::needs_components);
  template <class E>
  static constexpr bool keeps_shared_rewards = (... && Words::template keeps_shared_rewards<E>);

  struct Config : internal::ShapingPart<Words>... {
    /// The settings of the word W.
    template <class W>
    constexpr auto& of() {
      return this->internal::template ShapingPart<W>::config;
    }
    template <class W>
    constexpr const auto& of() const {
      return this->internal::template ShapingPart<W>::config;
    }
    static void fields(auto& self, auto&& visit) {
      (visit(std::string_view(Words::key), self.template of<Words>()), ...);
    }
  };

  template <class E>
  class State {
   public:
    State() = default;
    State(const Config& config, const ShapedLearning& learner)
        : parts_(typename Words::template State<E>(config.template of<Words>(), learner)...) {}

    void before(const MultiAgentEnv<E>& env, int lane) {
      for_each([&](auto& part) { part.before(env, lane); });
    }
    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>& actions, Row rewards) {
      for_each([&](auto& part) { part.after(env, lane, actions, rewards); });
    }
    void update() {
      for_each([](auto& part) { part.update(); });
    }
    void metrics(auto&& visit) const {
      std::apply([&](const auto&... part) { (part.metrics(visit), ...); }, parts_);
    }
    void archive(auto& a) {
      for_each([&](auto& part) { a(part); });
    }

    /// What the word W remembers.
    template <class W>
    [[nodiscard]] const auto& of() const {
      return std::get<typename W::template State<E>>(parts_);
    }

   private:
    template <class F>
    void for_each(F&& f) {
      std::apply([&](auto&... part) { (f(part), ...); }, parts_);
    }

    std::tuple<typename Words::template State<E>...> parts_;
  };
};

}  // namespace polis
