// Replay: transitions that are kept and learnt from again and again (Lin 1992; Mnih et al. 2015).
//
// A unit is what decides: one agent of one lane, or the team of a lane where a mixer needs the joint
// transition. Every unit has a ring of its own, so that lanes which advance on different threads never share
// one and what is stored depends on no thread. A transition spans from a decision of the unit to the n-th one
// after it (n-step returns, Watkins 1989; Hessel et al. 2018): it is begun by `begin`, gathers the rewards
// that come in between, and is complete when that decision or the end of the episode comes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/arena.hpp>
#include <polis/core/array_view.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/platform.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>

namespace polis {

/// The first word of the action of an agent that does not act: below every index, and below the numbers of a
/// Box, which are kept as shares of half its length, -1 to 1.
inline constexpr float no_action = -2;

/// Whether samples of a buffer word are whole episodes rather than transitions.
template <class Buffer>
inline constexpr bool keeps_episodes = requires { requires Buffer::keeps_episodes; };

/// The sizes of a replay's arrays.
struct ReplayShape {
  int units = 0;        ///< rings: what decides, in all lanes
  int capacity = 0;     ///< complete transitions kept of each unit
  int n_step = 1;       ///< decisions that a transition spans
  int width = 1;        ///< agents of a unit
  int observation = 0;  ///< floats of one observation
  int action = 1;       ///< floats of one action: an index, or as many numbers as a Box has
  int mask = 0;         ///< legality flags of one agent, 0 where every action is always legal
  int own_mask = 0;     ///< the same of the decision itself, where they are learnt from
  int state = 0;        ///< floats of the environment's state, 0 where neither mixer nor critic sees it
  int rewards = 1;      ///< rewards of a unit: one that its agents share, or one of each

  /// Places of a ring: beside the complete transitions those under way, the newest included.
  [[nodiscard]] POLIS_HD int slots() const { return capacity + n_step + 1; }
  friend bool operator==(const ReplayShape&, const ReplayShape&) = default;
};

namespace internal {

/// The places of rings of which each array of a layout has an equal part: calls f(floats) for the parts at
/// the places of a ring where its numbers `first` to before `end` lie, all of them where they go round.
template <class Layout, class F>
void for_ring_parts(Layout&& layout, int rings, int places, int ring, std::uint64_t first, std::uint64_t end,
                    F&& f) {
  const auto size = static_cast<std::uint64_t>(places);
  if (end - first >= size) first = 0, end = size;
  while (first < end) {
    const std::uint64_t begin = first % size, count = std::min(end - first, size - begin);
    layout([&](auto& view, auto...) {
      const auto part = static_cast<std::size_t>(view.size() / (std::ptrdiff_t{rings} * places));
      const std::size_t at = (static_cast<std::size_t>(ring) * size + begin) * part;
      if (part > 0) f(std::span(view.data + at, count * part));
    });
    first += count;
  }
}

}  // namespace internal

/// The arrays of a replay, [transitions] = [units * slots], wherever they lie: on the CPU in ReplayArrays, or
/// on a device.
class ReplayViews {
 public:
  using Shape = ReplayShape;

  ReplayViews() = default;
  explicit ReplayViews(const ReplayShape& shape) : shape_(shape) {}

  [[nodiscard]] POLIS_HD const ReplayShape& shape() const { return shape_; }
  /// Bytes of the arrays of this shape.
  [[nodiscard, gnu::cold]] static std::size_t bytes_of(const ReplayShape& shape) {
    ReplayViews none(shape);
    return arena_bytes([&none](auto&& visit) { none.layout(visit); });
  }
  /// Has the arrays lie in `memory`, of bytes_of(shape), and the counts of each unit in `begun` and
  /// `pending`.
  [[gnu::cold]] void place_in(void* memory, std::uint64_t* begun, int* pending) {
    place_arrays([this](auto&& visit) { layout(visit); }, memory);
    begun_ = begun, pending_ = pending;
  }

  ArrayView<float, 3> observations, next_observations;  // [transitions][width][observation]
  ArrayView<float, 3> next_masks;   // [transitions][width][mask]; no flag: the agent does not act then
  ArrayView<float, 3> masks;        // [transitions][width][own_mask], of the decision itself
  ArrayView<float, 3> actions;      // [transitions][width][action]; see no_action
  ArrayView<float, 2> states;       // [transitions][state]
  ArrayView<float, 2> next_states;  // [transitions][state]
  ArrayView<float, 2> rewards;      // [transitions][rewards], n-step, discounted
  ArrayView<float, 1> discounts;    // [transitions], of the value that follows: 0 after a termination

  /// Begins a transition of this unit, and returns its place, where the caller writes observations, actions
  /// and state. `discount` is that of one decision.
  POLIS_HD int begin(int unit, float discount) {
    for_pending(unit, [&](int id) { discounts.data[id] *= discount; });
    const int id = place(unit, begun_[index(unit)]);
    std::fill_n(&rewards.data[rewards_at(id)], shape_.rewards, 0.f);
    discounts.data[id] = 1;
    ++begun_[index(unit)], ++pending_[index(unit)];
    return id;
  }
  /// Completes the transition that ends at the decision just begun, if there is one: what follows it is what
  /// the unit sees now, and these legal actions [width][mask]; null where none are kept.
  POLIS_HD void link(int unit, const float* legal) {
    if (pending_[index(unit)] <= shape_.n_step) return;
    const int id = place(unit, begun_[index(unit)] - index(pending_[index(unit)]));
    const int now = newest(unit);
    copy(&observations.data[now * seen()], seen(), &next_observations.data[id * seen()]);
    copy(&states.data[static_cast<std::ptrdiff_t>(now) * shape_.state], shape_.state,
         &next_states.data[static_cast<std::ptrdiff_t>(id) * shape_.state]);
    if (legal) copy(legal, flags(), &next_masks.data[id * flags()]);
    --pending_[index(unit)];
  }
  /// Adds rewards [rewards] to every transition of the unit that is under way.
  POLIS_HD void reward(int unit, const float* values) {
    for_pending(unit, [&](int id) {
      for (int k = 0; k < shape_.rewards; ++k) {
        rewards.data[rewards_at(id) + k] += discounts.data[id] * values[k];
      }
    });
  }
  /// The episode was terminated: no value follows what is under way.
  POLIS_HD void terminate(int unit) {
    for_pending(unit, [&](int id) { discounts.data[id] = 0; });
    pending_[index(unit)] = 0;
  }
  /// The episode was cut off: what is under way is followed by what the caller has written to
  /// `following`.
  POLIS_HD void truncate(int unit, float discount) {
    const int last = newest(unit);
    for_pending(unit, [&](int id) {
      discounts.data[id] *= discount;
      if (id == last) return;
      copy(&next_observations.data[last * seen()], seen(), &next_observations.data[id * seen()]);
      copy(&next_states.data[static_cast<std::ptrdiff_t>(last) * shape_.state], shape_.state,
           &next_states.data[static_cast<std::ptrdiff_t>(id) * shape_.state]);
      copy(&next_masks.data[last * flags()], flags(), &next_masks.data[id * flags()]);
    });
    pending_[index(unit)] = 0;
  }
  /// What follows the unit's last decision, where the caller of `truncate` writes it.
  struct Following {
    float *observations, *masks, *state;  ///< [width][...], [width][...], [state]
  };
  [[nodiscard]] POLIS_HD Following following(int unit) const {
    const std::ptrdiff_t last = newest(unit);
    return {next_observations.data + last * seen(), next_masks.data + last * flags(),
            next_states.data + last * shape_.state};
  }
  /// Forgets what is under way: the lane was reset in the midst of an episode.
  POLIS_HD void drop(int unit) {
    begun_[index(unit)] -= index(pending_[index(unit)]);
    pending_[index(unit)] = 0;
  }

  [[nodiscard]] POLIS_HD int pending(int unit) const { return pending_[index(unit)]; }
  /// The place of the unit's last decision.
  [[nodiscard]] POLIS_HD int newest(int unit) const { return place(unit, begun_[index(unit)] - 1); }
  /// The unit whose transition is at a place.
  [[nodiscard]] POLIS_HD int unit_of(int id) const { return id / shape_.slots(); }
  /// Transitions of the unit ever completed; the last `capacity` of them are kept.
  [[nodiscard]] POLIS_HD std::uint64_t completed(int unit) const {
    return begun_[index(unit)] - index(pending_[index(unit)]);
  }
  [[nodiscard]] POLIS_HD std::uint64_t kept(int unit) const {
    return std::min(completed(unit), static_cast<std::uint64_t>(shape_.capacity));
  }
  /// The place of the unit's `number`-th transition, counted from its first.
  [[nodiscard]] POLIS_HD int place(int unit, std::uint64_t number) const {
    return unit * shape_.slots() + static_cast<int>(number % static_cast<std::uint64_t>(shape_.slots()));
  }

 protected:
  POLIS_HD static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] POLIS_HD std::ptrdiff_t rewards_at(int id) const {
    return std::ptrdiff_t{id} * shape_.rewards;
  }
  [[nodiscard]] POLIS_HD std::ptrdiff_t seen() const {
    return std::ptrdiff_t{shape_.width} * shape_.observation;
  }
  [[nodiscard]] POLIS_HD std::ptrdiff_t flags() const { return std::ptrdiff_t{shape_.width} * shape_.mask; }
  POLIS_HD static void copy(const float* from, std::ptrdiff_t count, float* to) {
    if (count > 0) std::copy_n(from, count, to);
  }
  template <class F>
  POLIS_HD void for_pending(int unit, F&& f) {
    for (std::uint64_t n = completed(unit); n < begun_[index(unit)]; ++n) f(place(unit, n));
  }

  template <class F>
  void layout(F&& f) {
    const int transitions = shape_.units * shape_.slots();
    f(observations, transitions, shape_.width, shape_.observation);
    f(next_observations, transitions, shape_.width, shape_.observation);
    f(next_masks, transitions, shape_.width, shape_.mask);
    f(masks, transitions, shape_.width, shape_.own_mask);
    f(actions, transitions, shape_.width, shape_.action);
    f(states, transitions, shape_.state);
    f(next_states, transitions, shape_.state);
    f(rewards, transitions, shape_.rewards);
    f(discounts, transitions);
  }

  ReplayShape shape_;
  std::uint64_t* begun_ = nullptr;  // [unit]: decisions stored so far
  int* pending_ = nullptr;          // [unit]: how many of the last of them are not complete
};

/// The arrays of a replay on the CPU, in one block of memory.
class ReplayArrays : public ReplayViews {
 public:
  ReplayArrays() = default;
  /// The arrays lie in `memory`, which is all zero, has bytes_of(shape) and begins on a cache line; where it
  /// is null, in memory of their own.
  [[gnu::cold]] explicit ReplayArrays(const ReplayShape& shape, float* memory = nullptr)
      : ReplayViews(shape),
        counts_(static_cast<std::size_t>(shape.units)),
        under_way_(static_cast<std::size_t>(shape.units)) {
    const std::size_t floats = bytes_of(shape) / sizeof(float);
    if (!memory) arena_ = AlignedVector<float>(floats), memory = arena_.data();
    contents_ = {memory, floats};
    place_in(memory, counts_.data(), under_way_.data());
  }
  ReplayArrays(const ReplayArrays&) = delete;
  ReplayArrays& operator=(const ReplayArrays&) = delete;
  ReplayArrays(ReplayArrays&&) noexcept = default;
  ReplayArrays& operator=(ReplayArrays&&) noexcept = default;
  ~ReplayArrays() = default;

  [[nodiscard]] std::size_t bytes() const { return contents_.size_bytes(); }
  /// What `begun_` and `pending_` show.
  [[nodiscard]] FixedArray<std::uint64_t>& counts() { return counts_; }
  [[nodiscard]] FixedArray<int>& under_way() { return under_way_; }

  void archive(auto& a) {
    archive_shape(a);
    a.fixed(contents_);
    archive_counts(a);
  }
  /// What `archive` does before and after the contents of the arrays.
  void archive_shape(auto& a) {
    a.section("replay");
    ReplayShape saved = shape_;
    a(saved);
    if (!(saved == shape_)) throw Error("found other sizes", "saved replay", "those of this run's settings");
  }
  void archive_counts(auto& a) { a.fixed(counts_), a.fixed(under_way_); }

  /// All that the arrays hold.
  [[nodiscard]] std::span<float> contents() const { return contents_; }
  /// Calls f(floats) for every part of the arrays that may have been written to since each unit had completed
  /// so many transitions, `since` [units].
  template <class F>
  [[gnu::cold]] void for_written(std::span<const std::uint64_t> since, F&& f) {
    const auto arrays = [this](auto&& visit) { this->layout(visit); };
    for (int unit = 0; unit < shape_.units; ++unit) {
      // Behind those complete are those under way, and what `drop` forgot of them.
      const std::uint64_t end = completed(unit) + static_cast<std::uint64_t>(shape_.n_step + 1);
      internal::for_ring_parts(arrays, shape_.units, shape_.slots(), unit, since[index(unit)], end, f);
    }
  }

 private:
  AlignedVector<float> arena_;  // empty where the arrays lie in memory of others
  std::span<float> contents_;
  FixedArray<std::uint64_t> counts_;
  FixedArray<int> under_way_;
};

/// Transitions drawn uniformly, with replacement, from all that are kept.
class UniformReplay : public ReplayArrays {
 public:
  /// `units` rings share the capacity among them.
  struct Config {
    int capacity = 100'000;  ///< transitions kept of all lanes together
    static void fields(auto& self, auto&& visit) { visit("capacity", self.capacity); }
  };

  UniformReplay() = default;
  [[gnu::cold]] UniformReplay(const Config&, const ReplayShape& shape, float* memory = nullptr)
      : ReplayArrays(shape, memory), ends_(static_cast<std::size_t>(shape.units)) {}

  /// Takes account of what came in since the last call: before the samples of an update.
  void settle() {
    std::uint64_t end = 0;
    for (int unit = 0; unit < shape().units; ++unit)
      ends_[static_cast<std::size_t>(unit)] = end += kept(unit);
  }
  /// Transitions to sample from.
  [[nodiscard]] std::uint64_t size() const { return ends_.size() == 0 ? 0 : *(ends_.end() - 1); }

  /// Fills `ids` with the places of transitions, `weights` with what each counts in the loss.
  void sample(Random& random, double /*progress*/, std::span<int> ids, std::span<float> weights) const {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto drawn = static_cast<std::uint64_t>(random.integer(static_cast<int>(size())));
      const auto* ring = std::upper_bound(ends_.begin(), ends_.end(), drawn);
      const int unit = static_cast<int>(ring - ends_.begin());
      ids[i] = place(unit, completed(unit) - (*ring - drawn));  // the newest where drawn is the last
      weights[i] = 1;
    }
  }
  /// Is told the temporal-difference errors of a sample.
  void learn(std::span<const int> /*ids*/, std::span<const float> /*errors*/) {}

 private:
  FixedArray<std::uint64_t> ends_;  // [unit]: transitions kept of it and those before it
};

/// The word: off-policy samples, all equally likely.
struct Replay {
  using word = word::Buffer;
  using Arrays = UniformReplay;
  using Config = UniformReplay::Config;
};

}  // namespace polis
