// Several objectives as one: the components of a reward, weighed by name.
//
// The linear scalarisation of a vector of rewards (D. Roijers, P. Vamplew, S. Whiteson and R. Dazeley 2013,
// "A survey of multi-objective sequential decision-making"): an environment that states what its rewards are
// made of (`reward_components`) is learnt with other weights than its own, without a change to it, and is
// still evaluated by its own.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/field_text.hpp>
#include <polis/core/text.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/components.hpp>
#include <polis/shaping/shaping.hpp>

namespace polis {

/// An agent learns from the weighted sum of its reward's components, in place of its reward.
struct WeightedComponents : ShapesRewards {
  static constexpr const char* key = "components";
  static constexpr bool needs_components = true;

  struct Config {
    /// By name: "profit=1, risk=.2". Components that are not named count 0; of an agent that does not have
    /// one that is named, too, if another has it. Empty: rewards stay the environment's.
    std::string weights;
    static void fields(auto& self, auto&& visit) { visit("weights", self.weights); }
  };

  template <class E>
  class State {
   public:
    State() = default;
    /// Error: a weight that is no number, or a name that no agent of the learner has a component of.
    [[gnu::cold]] State(const Config& config, const ShapedLearning& learner) : learner_(learner) {
      if (config.weights.empty()) return;
      std::vector<Weight> wanted = parse(config.weights);
      for (int agent = learner.first; agent < learner.first + learner.agents; ++agent) {
        begins_.push_back(weights_.size());
        const E env{};
        env.reward_components(agent, [&](const char* name, float) {
          weights_.push_back(0);
          for (Weight& weight : wanted) {
            if (weight.name == name) weights_.back() = weight.value, weight.known = true;
          }
        });
      }
      for (const Weight& weight : wanted) {
        if (!weight.known) internal::component_index<E>(learner.first, weight.name, "shaping.weights");
      }
    }

    void before(const MultiAgentEnv<E>&, int) {}

    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>&, Row rewards) const {
      if (begins_.empty()) return;
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        if (!env.alive(lane, agent) && env.end(lane, agent) == End::none) continue;
        std::size_t at = begins_[static_cast<std::size_t>(agent - learner_.first)];
        float sum = 0;
        env.lane(lane).reward_components(agent,
                                         [&](const char*, float value) { sum += weights_[at++] * value; });
        rewards[agent] = sum;
      }
    }

    void update() {}
    void metrics(auto&&) const {}
    void archive(auto&) {}

   private:
    struct Weight {
      std::string name;
      float value = 0;
      bool known = false;
    };

    [[gnu::cold]] static std::vector<Weight> parse(std::string_view text) {
      std::vector<Weight> weights;
      while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view one = internal::trim(text.substr(0, comma));
        text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
        const auto equals = one.find('=');
        Weight weight;
        if (equals != one.npos) weight.name = internal::trim(one.substr(0, equals));
        if (equals == one.npos ||
            FieldText<float>::parse(internal::trim(one.substr(equals + 1)), weight.value) != Parsed::Ok) {
          throw Error(concat({"cannot read '", one, '\''}), "shaping.weights",
                      "names and weights, as in \"profit=1, risk=.2\"");
        }
        weights.push_back(weight);
      }
      return weights;
    }

    ShapedLearning learner_;
    std::vector<std::size_t> begins_;  // of each agent's weights; none where rewards stay as they are
    std::vector<float> weights_;       // in the order in which the agent's components are visited
  };
};

}  // namespace polis
