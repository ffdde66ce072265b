// A model of the user's own as policy: its weights are several vectors that do not lie together, and the same
// learner trains, saves and plays it.
#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <vector>

#include <polis/algorithm/ppo.hpp>
#include <polis/core/archive.hpp>
#include <polis/train/trainer.hpp>

#include "environments.hpp"

namespace test_models {

using namespace polis;
using polis_test::Minefield;

/// Weights of a linear policy: preferences and values, each a vector of its own.
struct TwoVectors {
  std::vector<float> preferences, values;
  int features = 0;

  [[nodiscard]] std::size_t size() const { return preferences.size() + values.size(); }
  [[nodiscard]] TwoVectors like() const {
    return {std::vector<float>(preferences.size()), std::vector<float>(values.size()), features};
  }
  void for_each_block(auto&& f) {
    const int actions = static_cast<int>(preferences.size()) / features;
    f(Block{"preferences", actions, features, BlockKind::output_weight, 0}, std::size_t{0},
      std::span(preferences));
    f(Block{"values", features, 1, BlockKind::free, preferences.size()}, preferences.size(),
      std::span(values));
  }
  void archive(auto& a) { a.fixed(preferences), a.fixed(values); }
};
static_assert(Parameters<TwoVectors>);

struct LinearConfig {
  float preference = 0;  ///< of every action for every feature, at first
  static constexpr void fields(auto& self, auto&& visit) { visit("preference", self.preference); }
};

/// Preferences and value are linear in the features; no bias, no network.
template <int Features, class Dist>
struct LinearPolicy {
  static constexpr int carry_size = 0, noise = Dist::noise, words = Dist::words, mask_size = 0;
  static constexpr int outputs = Dist::inputs;
  static_assert(Dist::weights == 0);
  using Config = LinearConfig;
  using Parameters = TwoVectors;
  struct Workspace {
    Array<float, outputs> logits{}, d_logits{};
  };

  explicit LinearPolicy(const Config& settings) : config(settings) {}
  Parameters parameters(Random&) const {
    return {std::vector<float>(outputs * Features, config.preference), std::vector<float>(Features),
            Features};
  }
  Workspace workspace(int) const { return {}; }

  template <class Arch>
  void act(const Parameters& weights, Workspace& w, const PolicyBatch& batch, const float* uniforms, float*,
           float* actions, float* log_prob) const {
    for (int row = 0; row < batch.rows; ++row) {
      const auto logits = logits_of(weights, w, batch, row);
      const Out<float> action{actions + row, tile_rows};
      if (uniforms) {
        Dist::template sample<float>(logits, {}, {}, In<float>{uniforms + row, tile_rows}, action);
      } else {
        Dist::template mode<float>(logits, {}, {}, action);
      }
      if (log_prob)
        log_prob[row] = Dist::template log_prob<float>(logits, {}, {}, {actions + row, tile_rows});
    }
  }
  template <class Arch>
  void value(const Parameters& weights, Workspace&, const PolicyBatch& batch, float*, float* values) const {
    for (int row = 0; row < batch.rows; ++row) values[row] = value_of(weights, batch, row);
  }
  template <class Arch>
  void evaluate(const Parameters& weights, Workspace& w, const PolicyBatch& batch,
                const PolicyOutputs& out) const {
    for (int row = 0; row < batch.rows; ++row) {
      const auto logits = logits_of(weights, w, batch, row);
      const auto result = Dist::template evaluate<float>(logits, {}, {}, {batch.actions + row, tile_rows});
      out.log_prob[row] = result.log_prob, out.entropy[row] = result.entropy;
      out.value[row] = value_of(weights, batch, row);
    }
  }
  template <class Arch>
  void backward(const Parameters& weights, Workspace& w, const PolicyBatch& batch, const PolicyOutputs& d,
                Parameters& gradient) const {
    for (int row = 0; row < batch.rows; ++row) {
      const auto logits = logits_of(weights, w, batch, row);
      Dist::template backward<float>(logits, {}, {}, {batch.actions + row, tile_rows}, d.log_prob[row],
                                     d.entropy[row], Out<float>{w.d_logits.data()}, {});
      for (int f = 0; f < Features; ++f) {
        for (int k = 0; k < outputs; ++k) {
          gradient.preferences[at(k * Features + f)] += w.d_logits[k] * batch.features[f * tile_rows + row];
        }
        gradient.values[at(f)] += d.value[row] * batch.critic_features[f * tile_rows + row];
      }
    }
  }

  Config config;

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static In<float> logits_of(const Parameters& weights, Workspace& w, const PolicyBatch& batch, int row) {
    for (int k = 0; k < outputs; ++k) {
      w.logits[k] = 0;
      for (int f = 0; f < Features; ++f) {
        w.logits[k] += weights.preferences[at(k * Features + f)] * batch.features[f * tile_rows + row];
      }
    }
    return {w.logits.data()};
  }
  static float value_of(const Parameters& weights, const PolicyBatch& batch, int row) {
    float value = 0;
    for (int f = 0; f < Features; ++f)
      value += weights.values[at(f)] * batch.critic_features[f * tile_rows + row];
    return value;
  }
};

struct Linear {
  using word = word::Policy;
  template <class Parts>
  using policy = LinearPolicy<Parts::features, typename Parts::Distribution>;
  template <class>
  using Config = LinearConfig;
};

}  // namespace test_models

TEST_CASE("algorithm/models: a policy whose weights are several vectors learns and is saved") {
  using namespace test_models;
  using Student = Trainer<PPO::With<Linear>, MultiAgentEnv<Minefield>>;
  Student::Config config{.seed = 1, .lanes = 32, .threads = 1};
  config.algorithm.steps = 24;
  config.algorithm.optimizer.learning_rate = .05f;
  config.algorithm.policy = {.preference = .1f};
  Student trainer(config);
  CHECK(trainer.learner().agents().front().weights().preferences == std::vector<float>(4, .1f));
  CHECK(trainer.evaluate(100, Play::sampled).mean < 2);
  trainer.train(32 * 24 * 40);
  CHECK(trainer.evaluate(100).mean > 11.9);

  ArchiveWriter writer;
  trainer.archive(writer);
  Student other(config);
  ArchiveReader reader(writer.bytes());
  other.archive(reader);
  reader.finish();
  trainer.iterate(), other.iterate();
  CHECK(other.learner().agents().front().weights().preferences ==
        trainer.learner().agents().front().weights().preferences);
  CHECK(other.learner().agents().front().weights().values ==
        trainer.learner().agents().front().weights().values);
}
