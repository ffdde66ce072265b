// Coordination bonus: a little reward for a joint action that points where the environment says it should.
//
// All agents are paid `scale` times the cosine similarity of what they did together and the environment's
// target (its member `target_actions`), each taken as one vector of numbers: those of a Box or Simplex as
// they are, an index one-hot. Of indices alone the cosine is the share of choices that agree. Only agents
// that decided count; two vectors of which one is zero have no angle between them, and bring nothing.
//
// Unlike a potential such a bonus can change what is best, and is therefore scaled small.
#pragma once

#include <cmath>
#include <cstddef>

#include <polis/core/array.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/tile.hpp>
#include <polis/env/hints.hpp>
#include <polis/env/multi_agent_env.hpp>
#include <polis/shaping/shaping.hpp>
#include <polis/space/space.hpp>

namespace polis {

namespace internal {

/// The sums that a cosine is made of.
struct Cosine {
  double dot = 0, one = 0, other = 0;
  void add(double a, double b) { dot += a * b, one += a * a, other += b * b; }
  [[nodiscard]] double value() const { return one > 0 && other > 0 ? dot / std::sqrt(one * other) : 0.; }
};

/// Adds the two elements of S, as vectors.
template <class S>
struct AddElements {
  static void apply(Cosine& cosine, const typename S::Element& a, const typename S::Element& b) {
    const auto indices = [&cosine](int x, int y) {  // one-hot
      cosine.dot += x == y ? 1. : 0., cosine.one += 1., cosine.other += 1.;
    };
    if constexpr (S::kind == SpaceKind::discrete) {
      indices(a, b);
    } else {
      for (int i = 0; i < S::words; ++i) {
        if constexpr (S::kind == SpaceKind::multi_discrete) {
          indices(a[i], b[i]);
        } else {
          cosine.add(static_cast<double>(a[i]), static_cast<double>(b[i]));
        }
      }
    }
  }
};
template <>
struct AddElements<Tuple<>> {
  static void apply(Cosine&, const TupleElement<>&, const TupleElement<>&) {}
};
template <class First, class... Rest>
struct AddElements<Tuple<First, Rest...>> {
  static void apply(Cosine& cosine, const TupleElement<First, Rest...>& a,
                    const TupleElement<First, Rest...>& b) {
    AddElements<First>::apply(cosine, a.first, b.first);
    AddElements<Tuple<Rest...>>::apply(cosine, a.rest, b.rest);
  }
};

}  // namespace internal

/// The cosine of two joint actions of E, over the agents for which counts(agent) is true.
template <class E, int R = 0, class Counts>
double action_similarity(const Actions<E>& a, const Actions<E>& b, Counts&& counts,
                         internal::Cosine cosine = {}) {
  using Role = RoleOf<E, R>;
  constexpr typename Role::Tag tag{};
  for (int i = 0; i < Role::count; ++i) {
    if (!counts(first_agent<E, R> + i)) continue;
    internal::AddElements<typename Role::Action>::apply(cosine, a.of(tag)[i], b.of(tag)[i]);
  }
  if constexpr (R + 1 < role_count<E>) {
    return action_similarity<E, R + 1>(a, b, counts, cosine);
  } else {
    return cosine.value();
  }
}

/// `scale` times the similarity of the joint action and its target, to each agent, beside its reward.
struct CoordinationBonus : ShapesRewards {
  static constexpr const char* key = "coordination";
  static constexpr bool needs_target = true;
  template <class E>
  static constexpr bool keeps_shared_rewards = true;

  struct Config {
    float scale = .05f;
    static constexpr void fields(auto& self, auto&& visit) { visit("scale", self.scale); }
  };

  template <class E>
  class State {
   public:
    State() = default;
    State(const Config& config, const ShapedLearning& learner)
        : scale_(config.scale),
          learner_(learner),
          targets_(static_cast<std::size_t>(learner.lanes)),
          similarities_(targets_.size()),
          steps_(targets_.size()) {}

    void before(const MultiAgentEnv<E>& env, int lane) {
      Target& target = targets_[static_cast<std::size_t>(lane)];
      target.actions = env.target_actions(lane);
      for (int agent = 0; agent < agent_count<E>; ++agent) {
        target.counts[agent] = env.deciding(lane, agent);
      }
    }

    void after(const MultiAgentEnv<E>& env, int lane, const Actions<E>& actions, Row rewards) {
      const Target& target = targets_[static_cast<std::size_t>(lane)];
      const double similarity =
          action_similarity<E>(actions, target.actions, [&](int agent) { return target.counts[agent]; });
      similarities_[static_cast<std::size_t>(lane)] += similarity;
      ++steps_[static_cast<std::size_t>(lane)];
      for (int agent = learner_.first; agent < learner_.first + learner_.agents; ++agent) {
        if (!env.alive(lane, agent) && env.end(lane, agent) == End::none) continue;
        rewards[agent] += scale_ * static_cast<float>(similarity);
      }
    }

    void update() {
      double sum = 0, steps = 0;
      for (std::size_t lane = 0; lane < steps_.size(); ++lane) {
        sum += similarities_[lane], steps += static_cast<double>(steps_[lane]);
        similarities_[lane] = 0, steps_[lane] = 0;
      }
      if (steps > 0) mean_ = sum / steps;
    }
    /// `coordination`: the mean similarity in the last collection.
    void metrics(auto&& visit) const { visit("coordination", mean_); }
    void archive(auto& a) {
      a(mean_);
      a.fixed(similarities_), a.fixed(steps_);
    }

   private:
    /// What is asked of the step that a lane is about to make, and of whom; it need not outlive the step.
    struct Target {
      Actions<E> actions{};
      Array<bool, agent_count<E>> counts{};
    };

    float scale_ = 0;
    ShapedLearning learner_;
    FixedArray<Target> targets_;  // [lane]
    FixedArray<double> similarities_;
    FixedArray<int> steps_;
    double mean_ = 0;
  };
};

}  // namespace polis
