// The loss of a sample of transitions, and its gradient: what Q-learning makes of a replay.
//
// For each transition of a sample, with Q_tot the mixed value of the joint action (Q itself without a mixer):
//
//   target = r + discount Q_tot'(o', a')     a' = argmax Q(o', .) with double Q, else argmax Q'(o', .)
//   loss   = L(Q_tot(o, a) - target)
//
// Q' being the target network (Mnih et al. 2015; double Q: van Hasselt, Guez and Silver 2016). Illegal
// actions are left out before the argmax.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <polis/algorithm/q_agents.hpp>

namespace polis::internal {

/// Sums over a sample: of its losses and of its values, already divided by its size.
struct QSums {
  double loss = 0, value = 0;
  void add(const QSums& other) { loss += other.loss, value += other.value; }
};

/// Agents with the loss of their replay; see QAgents for the parameters. What QUpdate asks of such a class: a
/// fresh sample (`draw`) in so many parts (`parts`), the gradient of one part's losses (`add_gradient`), and,
/// once a step is made, `learnt`.
template <class Words, class E, int R, int Width, class Arch>
class QTransitions : public QAgents<Words, E, R, Width, Arch> {
  using Base = QAgents<Words, E, R, Width, Arch>;

 public:
  using Base::Base;
  using typename Base::Mixer, typename Base::Network, typename Base::Observation;

 protected:
  using Base::actions, Base::config_, Base::index, Base::replay_, Base::weights_;

  [[gnu::cold]] void prepare_losses(int threads) {
    spaces_ = FixedArray<Workspace>(index(threads), [](std::size_t) { return workspace(); });
    ids_ = std::vector<int>(index(config_.batch));
    importance_ = std::vector<float>(ids_.size());
    errors_ = std::vector<float>(ids_.size());
  }
  void draw(Random& random, double progress) { replay_.sample(random, progress, ids_, importance_); }
  void learnt() { replay_.learn(ids_, errors_); }
  [[nodiscard]] int parts() const { return (sample_size() + tile_rows - 1) / tile_rows; }
  /// Rows of the network that a part has at most.
  [[nodiscard]] static int rows_of_part() { return Width * tile_rows; }

  /// Adds the gradient of up to 64 transitions' losses; what follows is valued by the weights `target`.
  [[gnu::noinline]] void add_gradient(const FlatParameters& target, int part, int worker, float* gradient,
                                      QSums& sums) {
    Workspace& s = spaces_[index(worker)];
    const int first = part * tile_rows, rows = std::min(tile_rows, sample_size() - first);
    const int* ids = ids_.data() + first;
    Array<int, tile_rows> who{};
    for (int j = 0; j < Width; ++j) {
      for (int i = 0; i < rows; ++i) who[i] = this->agent_of(ids[i], j);
      value_chosen(s, ids, who.data(), rows, j);
      value_next(target, s, ids, who.data(), rows, j);
    }
    mix(target, s, ids, rows);
    add_losses(s, first, rows, sums);
    Mixer::template backward<Arch>(this->mixer_part(weights_), gradient + Network::parameters, s.chosen,
                                   s.state, s.d_total, s.d_chosen, s.mixer_cache, s.scratch, rows);
    for (int j = 0; j < Width; ++j) {
      std::fill_n(s.d_values, actions * tile_rows, 0.f);
      for (int i = 0; i < rows; ++i) {
        const int action = static_cast<int>(replay_.actions(ids[i], j, 0));
        if (action >= 0) s.d_values[action * tile_rows + i] = s.d_chosen[j * tile_rows + i];
      }
      Network::template backward<Arch>(weights_.data(), gradient, features_of(s, j), s.d_values, nullptr,
                                       nullptr, cache_of(s, j), s.scratch, rows);
    }
  }

 private:
  /// Tiles of one thread.
  struct Workspace {
    float *features, *caches;             // [Width][...], of the transitions' own observations
    float *next_features, *cache;         // of what follows
    float *values, *chooser, *d_values;   // [actions][64]
    float *chosen, *next, *d_chosen;      // [Width][64]
    float *state, *next_state;            // [state][64]
    float *total, *next_total, *d_total;  // [64]
    float *mixer_cache, *next_mixer_cache, *scratch;
    FloatArena memory;
  };

  [[gnu::cold]] static Workspace workspace() {
    constexpr int features = Base::features, states = Base::state_features;
    const auto tile = [](int n) { return index(n) * tile_rows; };
    Workspace s{};
    s.memory = FloatArena({{&s.features, tile(features) * Width},
                           {&s.caches, index(Network::cache_size) * Width},
                           {&s.next_features, tile(features)},
                           {&s.cache, index(Network::cache_size)},
                           {&s.values, tile(actions)},
                           {&s.chooser, tile(actions)},
                           {&s.d_values, tile(actions)},
                           {&s.chosen, tile(Width)},
                           {&s.next, tile(Width)},
                           {&s.d_chosen, tile(Width)},
                           {&s.state, tile(states)},
                           {&s.next_state, tile(states)},
                           {&s.total, tile(1)},
                           {&s.next_total, tile(1)},
                           {&s.d_total, tile(1)},
                           {&s.mixer_cache, index(Mixer::cache_size)},
                           {&s.next_mixer_cache, index(Mixer::cache_size)},
                           {&s.scratch, index(std::max(Network::scratch_size, Mixer::scratch_size))}});
    return s;
  }

  [[nodiscard]] int sample_size() const { return static_cast<int>(ids_.size()); }

  /// chosen[j] = the value of what the j-th agent did; 0 if it did not act.
  void value_chosen(Workspace& s, const int* ids, const int* who, int rows, int j) const {
    this->gather_features(replay_.observations.data + j * Observation::words, Width * Observation::words, ids,
                          who, rows, features_of(s, j));
    Network::template forward<Arch>(weights_.data(), features_of(s, j), nullptr, s.values, cache_of(s, j),
                                    rows);
    for (int i = 0; i < rows; ++i) {
      const int action = static_cast<int>(replay_.actions(ids[i], j, 0));
      s.chosen[j * tile_rows + i] = action < 0 ? 0.f : s.values[action * tile_rows + i];
    }
  }
  /// next[j] = the target network's value of what the j-th agent would do next; 0 if it does not act.
  void value_next(const FlatParameters& target, Workspace& s, const int* ids, const int* who, int rows,
                  int j) const {
    this->gather_features(replay_.next_observations.data + j * Observation::words, Width * Observation::words,
                          ids, who, rows, s.next_features);
    Network::template forward<Arch>(target.data(), s.next_features, nullptr, s.values, s.cache, rows);
    const float* chooser = s.values;
    if (config_.double_q) {
      Network::template forward<Arch>(weights_.data(), s.next_features, nullptr, s.chooser, s.cache, rows);
      chooser = s.chooser;
    }
    for (int i = 0; i < rows; ++i) {
      const float* mask = nullptr;
      if constexpr (Base::masked) mask = &replay_.next_masks(ids[i], j, 0);
      const int best = greedy_action(In<float>{chooser + i, tile_rows}, mask, actions);
      s.next[j * tile_rows + i] = best < 0 ? 0.f : s.values[best * tile_rows + i];
    }
  }
  /// The joint values, now and next.
  void mix(const FlatParameters& target, Workspace& s, const int* ids, int rows) const {
    if constexpr (Words::Mixer::needs_state) {
      using State = typename E::State;
      gather_elements<Arch, State>(replay_.states.data, State::words, ids, rows, s.state);
      gather_elements<Arch, State>(replay_.next_states.data, State::words, ids, rows, s.next_state);
    }
    for (int j = 0; j < Width; ++j) {  // padding of the last register is finite
      for (int i = rows; i < tile_rows; ++i) s.chosen[j * tile_rows + i] = s.next[j * tile_rows + i] = 0.f;
    }
    Mixer::template forward<Arch>(this->mixer_part(weights_), s.chosen, s.state, s.total, s.mixer_cache,
                                  rows);
    Mixer::template forward<Arch>(this->mixer_part(target), s.next, s.next_state, s.next_total,
                                  s.next_mixer_cache, rows);
  }
  /// Losses, errors and d_total of a tile.
  void add_losses(Workspace& s, int first, int rows, QSums& sums) {
    const float mean = 1.f / static_cast<float>(ids_.size());
    std::fill_n(s.d_total, tile_rows, 0.f);
    for (int i = 0; i < rows; ++i) {
      const std::size_t at = index(first + i);
      const int id = ids_[at];
      const float reward = config_.reward_scale * replay_.rewards.data[id];
      const float target = reward + replay_.discounts.data[id] * s.next_total[i];
      const float error = s.total[i] - target, weight = importance_[at] * mean;
      const auto loss = Words::Objective::error_loss(config_.objective, error);
      s.d_total[i] = weight * loss.d_error;
      errors_[at] = error;
      sums.loss += static_cast<double>(weight * loss.loss);
      sums.value += static_cast<double>(mean * s.total[i]);
    }
  }

  static float* features_of(const Workspace& s, int j) { return s.features + j * Base::features * tile_rows; }
  static float* cache_of(const Workspace& s, int j) { return s.caches + j * Network::cache_size; }

  FixedArray<Workspace> spaces_;  // [worker]
  std::vector<int> ids_;          // of the sample
  std::vector<float> importance_, errors_;
};

}  // namespace polis::internal
