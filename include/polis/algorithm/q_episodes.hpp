// The loss of a sample of episodes, and its gradient: Q-learning through time, as PyMARL does it (Samvelyan
// et al. 2019; recurrent: Hausknecht and Stone 2015).
//
// With Q_tot the mixed value of the joint action (Q itself without a mixer), and v the mixed value of what
// the target network thinks of the greedy actions (those of the network itself with double Q),
//
//   G_t  = r_t + discount ((1 - lambda) v_(t+1) + lambda G_(t+1))     v = 0 beyond a termination
//   loss = L(Q_tot(o_t, a_t) - G_t)                                   mean over the decisions of the sample
//
// lambda = 0 are one-step targets, else Peng's Q(lambda) (Peng and Williams 1994), which does not cut the
// trace where an action was not greedy. Illegal actions are left out before the argmax.
//
// A group of episodes is worked on together: as many as have 64 rows (agents of episodes). What the networks
// see of them lies in the order of time, the longest episodes first, so that at each step those that go on
// are the first rows of a tile, and no network runs on padding. Without a memory time does not matter, and
// the same rows are cut into full tiles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <polis/algorithm/q_agents.hpp>
#include <polis/algorithm/q_transitions.hpp>
#include <polis/returns/lambda_return.hpp>

namespace polis::internal {

/// Agents with the loss of their episodes; see QTransitions.
template <class Words, class E, int R, int Width, class Arch>
class QEpisodes : public QAgents<Words, E, R, Width, Arch> {
  using Base = QAgents<Words, E, R, Width, Arch>;

 public:
  using Base::Base;
  using typename Base::Mixer, typename Base::Network, typename Base::Observation;

 protected:
  using Base::actions, Base::carry_size, Base::config_, Base::index, Base::masked, Base::replay_,
      Base::weights_;

  [[gnu::cold]] void prepare_losses(int threads) {
    spaces_ = FixedArray<Workspace>(index(threads), [&](std::size_t) { return workspace(slots()); });
    ids_ = FixedArray<int>(index(config_.batch));
  }

  void draw(Random& random, double /*progress*/) {
    replay_.sample(random, {ids_.data(), ids_.size()});
    // The longest first; episodes of one length in the order of their places.
    std::sort(ids_.begin(), ids_.end(), [this](int a, int b) {
      const int more = slots_of(a) - slots_of(b);
      return more > 0 || (more == 0 && a < b);
    });
    decisions_ = 0;
    for (const int id : ids_) decisions_ += replay_.length(id);
  }
  void learnt() {}

  /// Groups of a sample.
  [[nodiscard]] int parts() const { return (sample_size() + episodes_of_group - 1) / episodes_of_group; }
  /// Rows of the network that a group has at most.
  [[nodiscard]] int rows_of_part() const { return Width * episodes_of_group * slots(); }

  /// Adds the gradient of a group's losses; values that follow are those of the weights `target`.
  [[gnu::noinline]] void add_gradient(const FlatParameters& target, int group, int worker, float* gradient,
                                      QSums& sums) {
    Workspace& s = spaces_[index(worker)];
    const int first = sample_size() * group / parts(), last = sample_size() * (group + 1) / parts();
    lay_out(s, ids_.data() + first, last - first);
    value(target, s);
    value_next(target, s);
    estimate_returns(s);
    add_losses(s, gradient, sums);
    add_gradient_through_time(s, gradient);
  }

 private:
  static constexpr int episodes_of_group = std::max(1, tile_rows / Width);
  static constexpr int tiles_of_step = (episodes_of_group * Width + tile_rows - 1) / tile_rows;
  static constexpr bool recurrent = carry_size > 0;

  /// Rows that a network sees at once: up to 64, with a memory of one time step.
  struct Block {
    int first, rows, tile, step;
  };
  /// What one thread needs for a group. A *slot* is one time step of one episode, slots in the order of time;
  /// a *row* one agent in a slot, the agents of a slot side by side.
  struct Workspace {
    float *features, *caches;                            // [block][...]
    float *cache, *values, *target_values, *d_values;    // of one block
    float *carry, *target_carry, *d_carry, *kept_carry;  // [tiles of a step][carry][64]
    float *chosen, *next, *d_chosen;                     // [row]
    float* follows;                                      // [slot]: v
    float *q, *d_q, *state, *total, *d_total;            // tiles of slots
    float *mixer_cache, *scratch;
    float *rewards, *known, *final_values, *advantages, *returns, *nothing;  // [time][64 episodes]
    FloatArena memory;
    FixedArray<End> ends;                  // [time][64]
    FixedArray<int> first_slot;            // [time]
    FixedArray<int> slots, times, places;  // [slot]: where it is in the buffer; its step; time * 64 + episode
    FixedArray<int> rows, who;             // [row]: where it is in the buffer; the agent
    std::vector<Block> blocks;
    const int* episodes;
    int count, steps, slot_count;
  };

  [[gnu::cold]] static Workspace workspace(int slots) {
    constexpr int states = Base::state_features;
    const auto tile = [](int n) { return index(n) * tile_rows; };
    const std::size_t steps = index(slots), most = steps * episodes_of_group, rows = most * Width;
    const std::size_t blocks = recurrent ? steps * tiles_of_step : (rows + tile_rows - 1) / tile_rows;
    const std::size_t carries = tile(carry_size) * tiles_of_step;
    Workspace s{};
    s.memory = FloatArena({{&s.features, tile(Base::features) * blocks},
                           {&s.caches, index(Network::cache_size) * blocks},
                           {&s.cache, index(Network::cache_size)},
                           {&s.values, tile(actions)},
                           {&s.target_values, tile(actions)},
                           {&s.d_values, tile(actions)},
                           {&s.carry, carries},
                           {&s.target_carry, carries},
                           {&s.d_carry, carries},
                           {&s.kept_carry, carries},
                           {&s.chosen, rows},
                           {&s.next, rows},
                           {&s.d_chosen, rows},
                           {&s.follows, most},
                           {&s.q, tile(Width)},
                           {&s.d_q, tile(Width)},
                           {&s.state, tile(states)},
                           {&s.total, tile(1)},
                           {&s.d_total, tile(1)},
                           {&s.mixer_cache, index(Mixer::cache_size)},
                           {&s.scratch, index(std::max(Network::scratch_size, Mixer::scratch_size))},
                           {&s.rewards, tile(1) * steps},
                           {&s.known, tile(1) * steps},
                           {&s.final_values, tile(1) * steps},
                           {&s.advantages, tile(1) * steps},
                           {&s.returns, tile(1) * steps},
                           {&s.nothing, tile(1)}});
    s.ends = FixedArray<End>(tile(1) * steps);
    s.first_slot = FixedArray<int>(steps + 1);
    s.slots = FixedArray<int>(most), s.times = FixedArray<int>(most), s.places = FixedArray<int>(most);
    s.rows = FixedArray<int>(rows), s.who = FixedArray<int>(rows);
    s.blocks.reserve(blocks);
    return s;
  }

  [[nodiscard]] int slots() const { return config_.buffer.longest + 1; }
  [[nodiscard]] int sample_size() const { return static_cast<int>(ids_.size()); }
  /// Slots of an episode: its decisions, and what follows where it was cut off.
  [[nodiscard]] int slots_of(int episode) const {
    return replay_.length(episode) + (replay_.end(episode) == End::truncated ? 1 : 0);
  }

  /// Puts the slots of episodes, the longest first, in the order of time, and cuts their rows into blocks.
  void lay_out(Workspace& s, const int* episodes, int count) const {
    s.episodes = episodes, s.count = count, s.steps = slots_of(episodes[0]);
    s.blocks.clear();
    int slot = 0, going = count;
    for (int t = 0; t < s.steps; ++t) {
      s.first_slot[index(t)] = slot;
      while (slots_of(episodes[going - 1]) <= t) --going;
      for (int e = 0; e < going; ++e, ++slot) {
        const int at = episodes[e] * slots() + t;
        s.slots[index(slot)] = at, s.times[index(slot)] = t, s.places[index(slot)] = t * tile_rows + e;
        for (int j = 0; j < Width; ++j) {
          s.rows[index(slot * Width + j)] = at * Width + j;
          s.who[index(slot * Width + j)] = this->agent_of(episodes[e], j);
        }
      }
      if constexpr (recurrent) cut(s, s.first_slot[index(t)] * Width, slot * Width, t);
    }
    s.first_slot[index(s.steps)] = s.slot_count = slot;
    if constexpr (!recurrent) cut(s, 0, slot * Width, 0);
  }
  static void cut(Workspace& s, int first, int last, int step) {
    for (int tile = 0; first < last; ++tile, first += tile_rows) {
      s.blocks.push_back({first, std::min(tile_rows, last - first), tile, step});
    }
  }

  /// The values of what was done and of what would be done next, at every row.
  void value(const FlatParameters& target, Workspace& s) const {
    begin_carries(s);
    const int with_past = s.first_slot[1] * Width;  // nobody asks what the first decisions were worth before
    for (std::size_t b = 0; b < s.blocks.size(); ++b) {
      const Block& block = s.blocks[b];
      float *const carry = carry_of(s.carry, block), *const target_carry = carry_of(s.target_carry, block);
      this->gather_features(replay_.observations.data, Observation::words, &s.rows[index(block.first)],
                            &s.who[index(block.first)], block.rows, features_of(s, b));
      const bool followed = recurrent || block.first + block.rows > with_past;
      advance(s, block, weights_, carry, features_of(s, b), s.values, cache_of(s, b));
      if (followed) advance(s, block, target, target_carry, features_of(s, b), s.target_values, s.cache);
      const float* chooser = config_.double_q ? s.values : s.target_values;
      for (int i = 0; i < block.rows; ++i) {
        const int row = block.first + i, action = action_of(s, row);
        s.chosen[row] = action < 0 ? 0.f : s.values[action * tile_rows + i];
        if (!followed) continue;
        const float* mask = nullptr;
        if constexpr (masked) mask = replay_.masks.data + std::ptrdiff_t{s.rows[index(row)]} * actions;
        const int best = greedy_action(In<float>{chooser + i, tile_rows}, mask, actions);
        s.next[row] = best < 0 ? 0.f : s.target_values[best * tile_rows + i];
      }
    }
  }
  [[nodiscard]] int action_of(const Workspace& s, int row) const {
    return static_cast<int>(replay_.actions.data[s.rows[index(row)]]);
  }
  /// The network's values of a block. Carries of those who do not act stand still.
  void advance(Workspace& s, const Block& block, const FlatParameters& weights, float* carry,
               const float* inputs, float* values, float* cache) const {
    const bool waiting = recurrent && Width > 1 && somebody_waits(s, block);
    if (waiting) std::copy_n(carry, carry_size * tile_rows, s.kept_carry);
    Network::template forward<Arch>(weights.data(), inputs, carry, values, cache, block.rows);
    if (!waiting) return;
    for_those_waiting(s, block, [&](int i) { move_column(s.kept_carry, carry, i); });
  }
  /// Carries of the first decisions: zero, or of a part of an episode what was kept.
  void begin_carries(Workspace& s) const {
    if constexpr (recurrent) {
      for (int row = 0; row < s.count * Width; ++row) {
        const float* kept = replay_.carries.data +
                            std::ptrdiff_t{s.episodes[row / Width]} * Width * carry_size +
                            std::ptrdiff_t{row % Width} * carry_size;
        float* to = s.carry + row / tile_rows * carry_size * tile_rows + row % tile_rows;
        for (int k = 0; k < carry_size; ++k) to[k * tile_rows] = kept[k];
      }
      std::copy_n(s.carry, carry_size * tiles_of_step * tile_rows, s.target_carry);
      std::fill_n(s.d_carry, carry_size * tiles_of_step * tile_rows, 0.f);
    }
  }

  /// f(register-aligned tile of slots: first, count) for all slots from `first` on.
  template <class F>
  static void for_slots(const Workspace& s, int first, F&& f) {
    for (; first < s.slot_count; first += tile_rows) f(first, std::min(tile_rows, s.slot_count - first));
  }
  /// What a mixer sees of a tile of slots, of each row values[row].
  void gather_mixed(Workspace& s, const float* values, int first, int count) const {
    for (int j = 0; j < Width; ++j) {
      for (int i = 0; i < count; ++i) s.q[j * tile_rows + i] = values[(first + i) * Width + j];
      for (int i = count; i < tile_rows; ++i) s.q[j * tile_rows + i] = 0.f;  // padding is finite
    }
    if constexpr (Words::Mixer::needs_state) {
      using State = typename E::State;
      gather_elements<Arch, State>(replay_.states.data, State::words, &s.slots[index(first)], count, s.state);
    }
  }
  /// v at every slot but the first of each episode.
  void value_next(const FlatParameters& target, Workspace& s) const {
    for_slots(s, s.first_slot[1], [&](int first, int count) {
      gather_mixed(s, s.next, first, count);
      Mixer::template forward<Arch>(this->mixer_part(target), s.q, s.state, s.total, s.mixer_cache, count);
      std::copy_n(s.total, count, s.follows + first);
    });
  }

  /// Targets of all decisions, as [time][episode], a register of episodes at a time.
  void estimate_returns(Workspace& s) const {
    const int all = s.steps * tile_rows;
    std::fill_n(s.rewards, all, 0.f), std::fill_n(s.known, all, 0.f),
        std::fill_n(s.ends.begin(), all, End::none);
    for (int slot = 0; slot < s.slot_count; ++slot) {
      const int place = s.places[index(slot)], t = s.times[index(slot)];
      const int episode = s.episodes[place % tile_rows], length = replay_.length(episode);
      if (t > 0) s.known[place] = s.follows[slot];
      if (t == length) s.final_values[place - tile_rows] = s.follows[slot];
      if (t < length) {
        s.rewards[place] = config_.reward_scale * replay_.rewards.data[s.slots[index(slot)]];
      }
      if (t == length - 1) s.ends[index(place)] = replay_.end(episode);
    }
    Trajectory trajectory;
    trajectory.slots = s.steps, trajectory.stride = tile_rows;
    trajectory.rewards = s.rewards, trajectory.values = s.known, trajectory.bootstrap = s.nothing;
    trajectory.ends = s.ends.data(), trajectory.final_values = s.final_values;
    trajectory.advantages = s.advantages, trajectory.returns = s.returns;
    LambdaReturn::Config config;
    config.discount = config_.discount, config.lambda = config_.buffer.lambda;
    estimate_rows<Arch, LambdaReturn>(config, trajectory, s.count);
  }

  /// Losses of all decisions, and their derivatives down to what each agent did.
  void add_losses(Workspace& s, float* gradient, QSums& sums) const {
    const float mean = 1.f / static_cast<float>(decisions_);
    for_slots(s, 0, [&](int first, int count) {
      gather_mixed(s, s.chosen, first, count);
      Mixer::template forward<Arch>(this->mixer_part(weights_), s.q, s.state, s.total, s.mixer_cache, count);
      std::fill_n(s.d_total, tile_rows, 0.f);
      for (int i = 0; i < count; ++i) {
        const int place = s.places[index(first + i)], t = s.times[index(first + i)];
        if (t == replay_.length(s.episodes[place % tile_rows])) continue;
        const auto loss = Words::Objective::error_loss(config_.objective, s.total[i] - s.returns[place]);
        s.d_total[i] = mean * loss.d_error;
        sums.loss += static_cast<double>(mean * loss.loss);
        sums.value += static_cast<double>(mean * s.total[i]);
      }
      Mixer::template backward<Arch>(this->mixer_part(weights_), gradient + Network::parameters, s.q, s.state,
                                     s.d_total, s.d_q, s.mixer_cache, s.scratch, count);
      for (int i = 0; i < count; ++i) {
        for (int j = 0; j < Width; ++j) s.d_chosen[(first + i) * Width + j] = s.d_q[j * tile_rows + i];
      }
    });
  }

  void add_gradient_through_time(Workspace& s, float* gradient) const {
    for (std::size_t b = s.blocks.size(); b-- > 0;) {
      const Block& block = s.blocks[b];
      float* const d_carry = carry_of(s.d_carry, block);
      std::fill_n(s.d_values, actions * tile_rows, 0.f);
      for (int i = 0; i < block.rows; ++i) {
        const int action = action_of(s, block.first + i);
        if (action >= 0) s.d_values[action * tile_rows + i] = s.d_chosen[block.first + i];
      }
      const bool waiting = recurrent && Width > 1 && somebody_waits(s, block);
      if (waiting) {  // what flows back to a carry that stood still passes by
        for_those_waiting(s, block, [&](int i) { move_column(d_carry, s.kept_carry, i, true); });
      }
      Network::template backward<Arch>(weights_.data(), gradient, features_of(s, b), s.d_values, nullptr,
                                       d_carry, cache_of(s, b), s.scratch, block.rows);
      if (waiting) for_those_waiting(s, block, [&](int i) { move_column(s.kept_carry, d_carry, i); });
    }
  }

  template <class F>
  void for_those_waiting(const Workspace& s, const Block& block, F&& f) const {
    for (int i = 0; i < block.rows; ++i) {
      if (action_of(s, block.first + i) < 0) f(i);
    }
  }
  [[nodiscard]] bool somebody_waits(const Workspace& s, const Block& block) const {
    bool anyone = false;
    for_those_waiting(s, block, [&](int) { anyone = true; });
    return anyone;
  }
  /// to[.][row] = from[.][row] of two carries, with zeros left behind if `take`.
  static void move_column(float* from, float* to, int row, bool take = false) {
    for (int at = row; at < carry_size * tile_rows; at += tile_rows) {
      to[at] = from[at];
      if (take) from[at] = 0.f;
    }
  }

  static float* features_of(const Workspace& s, std::size_t block) {
    return s.features + block * Base::features * tile_rows;
  }
  static float* cache_of(const Workspace& s, std::size_t block) {
    return s.caches + block * Network::cache_size;
  }
  static float* carry_of(float* carries, const Block& block) {
    return carries + block.tile * carry_size * tile_rows;
  }

  FixedArray<Workspace> spaces_;  // [worker]
  FixedArray<int> ids_;           // of the sample, the longest first
  int decisions_ = 0;             // of the sample
};

}  // namespace polis::internal
