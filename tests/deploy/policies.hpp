// Trained policies for the tests of exports, and what the library itself decides by them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/deploy/describe.hpp>
#include <polis/nn/gru.hpp>
#include <polis/normalization/moments.hpp>
#include <polis/train/trainer.hpp>

#include "decisions.hpp"

namespace polis_test {
/// Observations of any space, drawn at random.
template <class ObservationSpace, class ActionSpace, bool masked = false, int count = 1>
struct Noise {
  static constexpr int agents = count;
  using Observation = ObservationSpace;
  using Action = ActionSpace;
  static constexpr RewardStructure rewards = RewardStructure::shared;
  Array<float, Observation::words> seen{};
  int at = 0;

  static void draw(Random& random, float* words) {
    std::vector<int> categories;
    polis::internal::DescribeSpace<Observation>::append_categories(categories);
    for (std::size_t i = 0; i < categories.size(); ++i) {
      words[i] =
          categories[i] > 0 ? static_cast<float>(random.integer(categories[i])) : 3 * random.normal() + 1;
    }
  }
  void reset(auto& ctx) {
    at = 0;
    draw(ctx.random, seen.data());
  }
  void step(const auto& /*actions*/, auto& ctx) {
    draw(ctx.random, seen.data());
    if (++at == 16) ctx.truncate();
  }
  void observe(int, Row out) const {
    for (int i = 0; i < Observation::words; ++i) out[i] = seen[i];
  }
  /// Every third action from the step's number on is forbidden.
  void legal(int, Row allowed) const
    requires masked
  {
    for (int i = 0; i < Action::features; ++i) allowed[i] = (i + at) % 3 != 0 ? 1.f : 0.f;
  }
};

struct Buyer {};
struct Seller {};

/// Two buyers and a seller, who see the same and do the same.
struct Market {
  using Roles = polis::Roles<Role<Buyer, 2, Box<2>, Discrete<3>>, Role<Seller, 1, Box<2>, Discrete<3>>>;
  static constexpr RewardStructure rewards = RewardStructure::general_sum;
  void reset(auto&) {}
  void step(const auto&, auto& ctx) { ctx.truncate(); }
  void observe(int agent, Row out) const { out[0] = out[1] = static_cast<float>(agent); }
};

struct Torques : Box<3> {
  static constexpr float low = -.5f;
  static constexpr Array<float, 3> high{{.5f, .25f, 1}};
};

/// A trainer whose policy is as if it had been trained: outputs of order one, no weight zero, statistics of
/// observations. (Training itself would cost a test's compiler more than all the rest.)
template <class Algorithm, class E>
class Untrained {
 public:
  using Type = Trainer<Algorithm, MultiAgentEnv<E>>;

  explicit Untrained(std::uint64_t seed = 5) : trainer(settings(seed)) {
    Random random(seed, 0, 0, 0, Purpose::initialization);
    internal::for_each_set<E>(trainer.learner(), [&random](auto& set) {
      for (float& weight : set.weights().values()) weight += .1f * random.normal();
      if constexpr (requires { set.observation_state().mean(); }) {
        std::vector<double> mean(set.observation_state().mean().size()), variance(mean.size());
        for (double& value : mean) value = static_cast<double>(random.normal());
        for (double& value : variance) value = .1 + random.uniform_double();
        set.observation_state().restore(RunningMoments(1000, mean, variance));
      }
    });
  }

  Type trainer;

 private:
  static typename Type::Config settings(std::uint64_t seed) {
    typename Type::Config config;
    config.seed = seed;
    config.lanes = config.threads = 1;
    if constexpr (requires { config.algorithm.policy; }) config.algorithm.policy.policy_gain = 1;
    return config;
  }
};

inline void flatten(int action, std::vector<float>& to) { to.push_back(static_cast<float>(action)); }
template <class T, int N>
void flatten(const Array<T, N>& action, std::vector<float>& to) {
  for (const T value : action) to.push_back(static_cast<float>(value));
}
template <class... S>
void flatten(const TupleElement<S...>& action, std::vector<float>& to) {
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (flatten(action.template get<I>(), to), ...);
  }(std::make_integer_sequence<int, sizeof...(S)>{});
}

/// Shows a set of weights the observations that `draw(random, words)` makes, and keeps its greedy decisions.
/// Where policies are told who they are, it is the agent `who`.
template <class Set, class Draw>
Decisions decide(const Set& set, Draw&& draw, int who = 0) {
  using Policy = typename Set::Policy;
  using Observation = typename Set::Observation;
  const auto tile = [](int n) { return AlignedVector<float>(static_cast<std::size_t>(n) * tile_rows); };
  auto features = tile(Set::Policy::features), masks = tile(Set::mask_size), carry = tile(Set::carry_size),
       words = tile(Policy::words);
  if constexpr (Set::Parts::ids > 0)
    std::fill_n(features.begin() + (Observation::features + who) * tile_rows, tile_rows, 1.f);
  auto workspace = set.policy().workspace(1);
  const int outputs = Set::Parts::Distribution::inputs;
  Random random(11, 0, 0, 0, Purpose::environment);
  Decisions made;
  std::vector<float> seen(static_cast<std::size_t>(Observation::words) * tile_rows);
  for (int step = 0; step < Decisions::steps; ++step) {
    if (step % Decisions::episode == 0) std::fill(carry.begin(), carry.end(), 0.f);
    for (int row = 0; row < tile_rows; ++row) {
      draw(random, seen.data() + row * Observation::words);
      bool any = false;
      for (int flag = 0; flag < Set::mask_size; ++flag) {
        const bool last = flag + 1 == Set::mask_size;  // one at least must stay
        const bool allowed = random.integer(3) > 0 || (last && !any);
        any = any || allowed;
        masks[static_cast<std::size_t>(flag * tile_rows + row)] = allowed ? 1.f : 0.f;
        made.legal.push_back(allowed ? 1.f : 0.f);
      }
      if constexpr (!stored_as_features<Observation>)
        expand<Observation>(In<float>{seen.data() + row * Observation::words},
                            Out<float>{features.data() + row, tile_rows});
    }
    if constexpr (stored_as_features<Observation>)
      set.observation_state().template gather<Simd>(seen.data(), Observation::words, nullptr, tile_rows,
                                                    Observation::words, features.data());
    PolicyBatch batch{.rows = tile_rows, .features = features.data()};
    if (Set::mask_size > 0) batch.masks = masks.data();
    set.policy().template act<Simd>(set.weights(), workspace, batch, nullptr, carry.data(), words.data(),
                                    nullptr);
    made.observations.insert(made.observations.end(), seen.begin(), seen.end());
    for (int row = 0; row < tile_rows; ++row) {
      for (int i = 0; i < outputs; ++i) made.outputs.push_back(workspace.logits[i * tile_rows + row]);
      flatten(decode<typename Set::Action>(In<float>{words.data() + row, tile_rows}), made.actions);
    }
  }
  return made;
}

}  // namespace polis_test
