// The average of all the policies there were, as a word of Q-learning: neural fictitious self-play (Heinrich
// and Silver 2016, "Deep reinforcement learning from self-play in imperfect-information games").
//
// In fictitious play everybody's best response is one to the others' average so far, and in two-player
// zero-sum games the averages come to an equilibrium (Brown 1951; Robinson 1951). Here the best response is
// what Q-learning learns, and the average a network that learns to name what the best responses did. At the
// start of each episode each agent draws by which of the two it plays: with probability `anticipatory` by its
// best response (epsilon-greedily), else by its average. Q-learning remembers all that the agent did; the
// reservoir (buffer/reservoir.hpp), a uniform sample of the whole past, only what it did by its best
// response.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/q_update.hpp>
#include <polis/algorithm/sharded_gradient.hpp>
#include <polis/buffer/reservoir.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/nn/adam.hpp>
#include <polis/nn/mlp.hpp>

namespace polis {

/// Agents play their best responses alone.
struct NoAverage {
  using word = word::Average;
  static constexpr bool averages = false;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
};

/// Agents learn an average policy beside their values, by a network and an optimizer of its own. What is
/// evaluated is the average.
template <class AverageNetwork = Mlp<64, 64>, class AverageOptimizer = Adam>
struct AveragePolicy {
  using word = word::Average;
  using Network = AverageNetwork;
  using Optimizer = AverageOptimizer;
  static constexpr bool averages = true;
  struct Config {
    typename AverageOptimizer::Config optimizer{};
    float anticipatory = .1f;  ///< share of episodes that an agent plays by its best response
    int capacity = 200'000;    ///< decisions of best responses that are kept, of all lanes together
    int batch = 128;  ///< of them in one of the average's updates, which follow Q-learning's one to one
    static void fields(auto& self, auto&& visit) {
      visit("optimizer", self.optimizer);
      visit("anticipatory", self.anticipatory);
      visit("capacity", self.capacity);
      visit("batch", self.batch);
    }
  };
};

namespace internal {

/// What the updates of values and average came to.
struct AverageStatistics : QStatistics {
  double average_loss = 0;  ///< mean of -log p of what best responses did

  void average(const AverageStatistics& other, double count) {
    QStatistics::average(other, count);
    average_loss += (other.average_loss - average_loss) / count;
  }
  void visit(auto&& f) const {
    QStatistics::visit(f);
    f("average_loss", average_loss);
  }
};

/// Q-learning agents with an average policy; see QAgents for the parameters.
template <class Words, class E, int R, int Width, class Arch>
class AverageUpdate : public QUpdate<Words, E, R, Width, Arch> {
  using Base = QUpdate<Words, E, R, Width, Arch>;
  using Base::config_, Base::index, Base::group_size, Base::agent;

 public:
  using typename Base::Config, typename Base::Observation, typename Base::Scratch;
  static constexpr int actions = Base::actions;
  using AverageNetwork =
      typename Words::Average::Network::template network<Base::features, actions, typename Words::Activation>;
  using Dist = Categorical<actions>;
  using Tiles = ChoosingTiles<AverageNetwork, Dist::noise>;

  struct Memory {
    typename Base::Memory best;
    Tiles tiles;
  };

  [[gnu::cold]] AverageUpdate(const Config& config, std::vector<int> agents, std::uint64_t seed)
      : Base(config, std::move(agents), seed),
        average_(AverageNetwork::layout()),
        optimizer_(config.average.optimizer, average_.size()) {
    // Draws of a lane of their own, apart from those of the values.
    Random random(seed, 0, 1, static_cast<std::uint32_t>(this->agents_.front()), Purpose::initialization);
    initialize<typename Words::Initialization>(config.initialization, average_.layout(), average_.values(),
                                               1.f, random);
  }

  [[gnu::cold]] void prepare(const MultiAgentEnv<E>& env, int threads) {
    Base::prepare(env, threads);
    rows_ = env.lanes() * group_size();
    reservoir_ = Reservoir(config_.average.capacity, item_words);
    staged_ = AlignedVector<float>(index(this->interval() * rows_) * item_words);
    by_best_ = FixedArray<char>(index(rows_));
    tiles_ = FixedArray<Tiles>(index(threads));
    spaces_ = FixedArray<Space>(index(threads));
    gradient_.prepare(average_, config_.shards);
    ids_ = std::vector<int>(index(config_.average.batch));
  }

  /// Draws by which policy the agents of new episodes play, and acts so.
  void act(LaneTile<E>& tile) {
    for (int lane = tile.first; lane < tile.first + tile.lanes; ++lane) {
      for (int a = 0; a < group_size(); ++a) {
        const int row = lane * group_size() + a;
        *staged(tile.step, row) = no_action;
        if (tile.env->steps_in_episode(lane) == 0) by_best_[index(row)] = draw_policy(tile, lane, agent(a));
      }
    }
    this->act_by(tile, [&](Scratch& s, const DecidingRows& rows) {
      Base::choose(s, rows, tile.step, this->explores_, Purpose::exploration);
      Array<float, tile_rows> best{};
      for (int i = 0; i < rows.count; ++i) best[i] = s.actions[i];
      choose_by_average(tiles_[index(tile.worker)], s.actions, rows, tile.step, Purpose::action,
                        Play::sampled);
      for (int i = 0; i < rows.count; ++i) {
        if (!by_best_[index(rows.rows[i])]) continue;
        s.actions[i] = best[i];
        stage(rows, i, best[i], staged(tile.step, rows.rows[i]));
      }
    });
  }

  /// Updates of the values, then as many of the average.
  [[gnu::noinline]] void update(Services& services) {
    fill_reservoir(services.clock);
    Base::update(services);
    const float rate = config_.average.optimizer.learning_rate * config_.schedule(services.clock.progress());
    const int updates = reservoir_.size() > 0 ? Base::statistics().updates : 0;
    loss_ = 0;
    for (int i = 0; i < updates; ++i) learn_average(services.region, rate);
    if (updates > 0) loss_ /= updates;
  }

  [[nodiscard, gnu::cold]] Memory memory(int lanes) const { return {Base::memory(lanes), Tiles{}}; }
  /// The average policy: its likeliest actions, or samples.
  [[gnu::noinline]] void play(LaneTile<E>& tile, Memory& memory, Play how) const {
    this->play_by(tile, memory.best.scratch, [&](Scratch& s, const DecidingRows& rows) {
      choose_by_average(memory.tiles, s.actions, rows, tile.step, Purpose::evaluation, how);
    });
  }
  /// The average policy of one of these agents: the probability of each action; `legal` holds a flag for
  /// each.
  [[nodiscard, gnu::cold]] Array<double, actions> probabilities(int who, In<float> seen,
                                                                In<float> legal) const {
    const Tiles t;
    Array<float, Observation::words> words{};
    for (int i = 0; i < Observation::words; ++i) words[i] = seen[i];
    const int first = 0;
    this->gather_features(words.data(), Observation::words, &first, &who, 1, t.features);
    AverageNetwork::template forward<Arch>(average_.data(), t.features, nullptr, t.outputs, t.cache, 1);
    Array<double, actions> result{};
    for (int i = 0; i < actions; ++i) {
      const auto action = static_cast<float>(i);
      if (Base::masked && legal[i] == 0.f) continue;
      result[i] = std::exp(
          Dist::template log_prob<double>({t.outputs, tile_rows}, {}, mask_in<double>(legal), {&action, 1}));
    }
    return result;
  }

  [[nodiscard]] AverageStatistics statistics() const {
    AverageStatistics result;
    static_cast<QStatistics&>(result) = Base::statistics();
    result.average_loss = loss_;
    return result;
  }
  /// The average's weights.
  [[nodiscard]] FlatParameters& average() { return average_; }
  [[nodiscard]] const FlatParameters& average() const { return average_; }
  [[nodiscard]] const Reservoir& reservoir() const { return reservoir_; }

  /// The average is what plays.
  [[gnu::cold]] void archive_policy(auto& a) { a(average_, this->observations_); }
  [[gnu::cold]] void archive(auto& a) {
    Base::archive(a);
    a.section("average");
    a(average_, optimizer_, reservoir_, began_, updates_);
    a.fixed(by_best_), a.fixed(staged_);
  }

 private:
  // An item of the reservoir: the action (or none), who chose it, what it saw and what was legal.
  static constexpr int flags = Base::masked ? actions : 0;
  static constexpr int item_words = 2 + Observation::words + flags;
  static constexpr float no_action = -1;

  struct Sums {
    double loss = 0;
    void add(const Sums& other) { loss += other.loss; }
  };
  /// Tiles of one thread's updates.
  struct Space {
    float *features, *logits, *d_logits, *masks, *chosen, *cache, *scratch;
    FloatArena memory;

    Space() {
      const auto tile = [](int n) { return index(n) * tile_rows; };
      memory = FloatArena({{&features, tile(Base::features)},
                           {&logits, tile(actions)},
                           {&d_logits, tile(actions)},
                           {&masks, tile(flags)},
                           {&chosen, tile(1)},
                           {&cache, index(AverageNetwork::cache_size)},
                           {&scratch, index(AverageNetwork::scratch_size)}});
    }
  };

  [[nodiscard]] float* staged(std::uint64_t step, int row) {
    return staged_.data() + (index(static_cast<int>(step - began_) * rows_) + index(row)) * item_words;
  }
  static void stage(const DecidingRows& rows, int i, float action, float* item) {
    item[0] = action, item[1] = static_cast<float>(rows.who[i]);
    std::copy_n(rows.observations + static_cast<std::ptrdiff_t>(rows.places[i]) * Observation::words,
                Observation::words, item + 2);
    if constexpr (flags > 0) std::copy_n(Base::mask_of(rows, i), flags, item + 2 + Observation::words);
  }
  [[nodiscard]] char draw_policy(const LaneTile<E>& tile, int lane, int who) const {
    Random random(this->seed_, tile.step, tile.env->global_lane(lane), static_cast<std::uint32_t>(who),
                  Purpose::matchup);
    return random.uniform() < config_.average.anticipatory ? 1 : 0;
  }

  void choose_by_average(const Tiles& t, float* chosen, const DecidingRows& rows, std::uint64_t step,
                         Purpose purpose, Play how) const {
    this->gather_features(rows.observations, Observation::words, rows.places, rows.who.data(), rows.count,
                          t.features);
    AverageNetwork::template forward<Arch>(average_.data(), t.features, nullptr, t.outputs, t.cache,
                                           rows.count);
    philox_uniform_tile<Arch>(this->seed_, step, purpose, rows.lanes.data(), rows.streams.data(), rows.count,
                              Dist::noise, t.uniforms);
    for (int i = 0; i < rows.count; ++i) {
      const In<float> logits{t.outputs + i, tile_rows}, mask = mask_in<float>(Base::mask_of(rows, i));
      if (how == Play::greedy) {
        Dist::template mode<float>(logits, {}, mask, {chosen + i, 1});
      } else {
        Dist::template sample<float>(logits, {}, mask, {t.uniforms + i, tile_rows}, {chosen + i, 1});
      }
    }
  }
  template <class T>
  static In<T> mask_in(const float* flags_of_row) {
    return In<T>{Base::masked ? flags_of_row : nullptr, 1};
  }
  template <class T>
  static In<T> mask_in(In<float> legal) {
    return Base::masked ? In<T>{legal.data, legal.stride} : In<T>{};
  }

  /// Takes in what best responses did since the last update, in the order of steps and rows.
  void fill_reservoir(const Clock& clock) {
    Random random(this->seed_, began_, 0, static_cast<std::uint32_t>(this->agents_.front()),
                  Purpose::reservoir);
    for (std::uint64_t step = began_; step < clock.batch_steps; ++step) {
      for (int row = 0; row < rows_; ++row) {
        const float* item = staged(step, row);
        if (*item == no_action) continue;
        if (float* to = reservoir_.add(random)) std::copy_n(item, item_words, to);
      }
    }
    began_ = clock.batch_steps;
  }

  /// One optimizer step on one sample of the reservoir, along the gradient of the mean of -log p.
  [[gnu::noinline]] void learn_average(Region& region, float rate) {
    Random random(this->seed_, updates_++, 1, static_cast<std::uint32_t>(this->agents_.front()),
                  Purpose::permutation);
    for (int& id : ids_) id = random.integer(reservoir_.size());
    const double nanoseconds = .1 * static_cast<double>(average_.size()) * tile_rows;
    const Sums sums = gradient_.sum(region, static_cast<int>(ids_.size()), nanoseconds,
                                    [&](float* gradient, Sums& to, int first, int rows, int worker) {
                                      add_gradient(spaces_[index(worker)], gradient, to, first, rows);
                                    });
    gradient_.step(optimizer_, average_, rate, config_.max_gradient_norm);
    loss_ += sums.loss;
  }
  void add_gradient(const Space& s, float* gradient, Sums& sums, int first, int rows) const {
    const int* ids = ids_.data() + first;
    Array<int, tile_rows> who{};
    for (int i = 0; i < rows; ++i) who[i] = static_cast<int>(reservoir_[ids[i]][1]);
    this->gather_features(reservoir_.data() + 2, item_words, ids, who.data(), rows, s.features);
    gather_tile<Arch>(reservoir_.data(), item_words, ids, rows, 1, s.chosen);
    if constexpr (flags > 0) {
      gather_tile<Arch>(reservoir_.data() + 2 + Observation::words, item_words, ids, rows, flags, s.masks);
    }
    AverageNetwork::template forward<Arch>(average_.data(), s.features, nullptr, s.logits, s.cache, rows);
    const float weight = 1.f / static_cast<float>(ids_.size());
    std::fill_n(s.d_logits, actions * tile_rows, 0.f);
    for (int i = 0; i < rows; ++i) {
      const In<float> logits{s.logits + i, tile_rows}, chosen{s.chosen + i, tile_rows};
      const In<float> mask = flags > 0 ? In<float>{s.masks + i, tile_rows} : In<float>{};
      sums.loss -= static_cast<double>(weight * Dist::template log_prob<float>(logits, {}, mask, chosen));
      Dist::template backward<float>(logits, {}, mask, chosen, -weight, 0.f, {s.d_logits + i, tile_rows}, {});
    }
    AverageNetwork::template backward<Arch>(average_.data(), gradient, s.features, s.d_logits, nullptr,
                                            nullptr, s.cache, s.scratch, rows);
  }

  FlatParameters average_;
  typename Words::Average::Optimizer optimizer_;
  Reservoir reservoir_;
  ShardedGradient<Sums, Arch> gradient_;
  FixedArray<Tiles> tiles_;      // [worker]
  FixedArray<Space> spaces_;     // [worker]
  AlignedVector<float> staged_;  // [interval][row][item_words]: what best responses did since the last update
  FixedArray<char> by_best_;     // [row]: whether it plays this episode by its best response
  std::vector<int> ids_;         // of the sample
  double loss_ = 0;
  std::uint64_t began_ = 0, updates_ = 0;  // batch step of the last update, and the average's updates
  int rows_ = 0;
};

}  // namespace internal
}  // namespace polis
