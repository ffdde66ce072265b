// Episodes: whole episodes that are kept and learnt from again and again, as recurrent Q-networks need them
// (Hausknecht and Stone 2015; PyMARL, Samvelyan et al. 2019).
//
// A unit is what decides: one agent of one lane, or the team of a lane where a mixer joins its agents. As in
// Replay every unit has a ring of its own, here one of episodes, so that what is stored depends on no thread.
// An episode is its unit's decisions, one after the other, each with the rewards until the next one; behind
// the last decision of one that was cut off stands what the unit saw then. An episode of more than `longest`
// decisions is kept in parts: each ends like a truncation, with the next one's first observation behind it,
// and begins with the carry that its agents had come to (the stored state of R2D2, Kapturowski et al. 2019).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <polis/buffer/replay.hpp>
#include <polis/core/aligned.hpp>
#include <polis/core/arena.hpp>
#include <polis/core/array_view.hpp>
#include <polis/core/error.hpp>
#include <polis/core/fixed_array.hpp>
#include <polis/core/random.hpp>
#include <polis/core/word.hpp>
#include <polis/env/end.hpp>

namespace polis {

/// The sizes of the arrays of episodes.
struct EpisodeShape {
  int units = 0;        ///< rings: what decides, in all lanes
  int capacity = 0;     ///< complete episodes kept of each unit
  int longest = 0;      ///< decisions of an episode, or of a part of it
  int width = 1;        ///< agents of a unit
  int observation = 0;  ///< floats of one observation
  int action = 1;       ///< floats of one action: an index, or as many numbers as a Box has
  int mask = 0;         ///< legality flags of one agent, 0 where every action is always legal
  int state = 0;        ///< floats of the environment's state, 0 where no mixer sees it
  int rewards = 1;      ///< rewards of a unit: one that its agents share, or one of each
  int carry = 0;        ///< floats of one agent's carry, 0 without a memory

  /// Places of a ring: beside the complete episodes the one under way.
  [[nodiscard]] int places() const { return capacity + 1; }
  [[nodiscard]] int episodes() const { return units * places(); }
  /// Of an episode: its decisions, and what follows the last.
  [[nodiscard]] int slots() const { return longest + 1; }
  friend bool operator==(const EpisodeShape&, const EpisodeShape&) = default;
};

/// The arrays of episodes in one block of memory. Slot t of episode e lies at e * slots + t.
class EpisodeArrays {
 public:
  using Shape = EpisodeShape;

  /// A uniform sample, without replacement, of all complete episodes.
  struct Config {
    int capacity = 5'000;  ///< episodes kept of all lanes together, which their units share
    int longest = 128;     ///< decisions that are learnt from in one piece; memory is set aside for them
    float lambda = 0;      ///< of the targets: 0 for one step, 1 for the whole rest of the episode
    static void fields(auto& self, auto&& visit) {
      visit("capacity", self.capacity);
      visit("longest", self.longest);
      visit("lambda", self.lambda);
    }
  };

  EpisodeArrays() = default;
  /// The arrays lie in `memory`; see ReplayArrays.
  [[gnu::cold]] EpisodeArrays(const Config&, const EpisodeShape& shape, float* memory = nullptr)
      : shape_(shape),
        lengths_(static_cast<std::size_t>(shape.episodes())),
        ends_(lengths_.size()),
        completed_(static_cast<std::size_t>(shape.units)),
        under_way_(completed_.size()),
        continued_(completed_.size()),
        kept_below_(completed_.size()) {
    const std::size_t floats = bytes_of(shape) / sizeof(float);
    if (!memory) arena_ = AlignedVector<float>(floats), memory = arena_.data();
    contents_ = {memory, floats};
    place_arrays([this](auto&& visit) { layout(visit); }, memory);
  }
  EpisodeArrays(const EpisodeArrays&) = delete;
  EpisodeArrays& operator=(const EpisodeArrays&) = delete;
  EpisodeArrays(EpisodeArrays&&) noexcept = default;
  EpisodeArrays& operator=(EpisodeArrays&&) noexcept = default;
  ~EpisodeArrays() = default;

  [[nodiscard]] const EpisodeShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t bytes() const { return contents_.size_bytes(); }
  /// Bytes of the arrays of this shape.
  [[nodiscard, gnu::cold]] static std::size_t bytes_of(const EpisodeShape& shape) {
    EpisodeArrays none;
    none.shape_ = shape;
    return arena_bytes([&none](auto&& visit) { none.layout(visit); });
  }

  ArrayView<float, 3> observations;  // [episodes * slots][width][observation]
  ArrayView<float, 3> masks;         // [episodes * slots][width][mask]; no flag: the agent does not act then
  ArrayView<float, 3> actions;       // [episodes * slots][width][action]; see no_action
  ArrayView<float, 2> states;        // [episodes * slots][state]
  ArrayView<float, 2> rewards;       // [episodes * slots][rewards], summed until the next decision
  ArrayView<float, 3> carries;       // [episodes][width][carry], before the first decision

  /// Begins a decision of this unit, and returns its slot, where the caller writes observations, actions and
  /// state.
  int begin(int unit, float /*discount*/) {
    int& under_way = under_way_[index(unit)];
    continued_[index(unit)] = under_way == shape_.longest;
    if (continued_[index(unit)]) complete(unit, End::truncated);
    const int id = slot(unit, under_way++);
    std::fill_n(&rewards(id, 0), shape_.rewards, 0.f);
    return id;
  }
  /// Keeps the legal actions [width][mask] of the decision just begun (null where none are kept), and what
  /// the unit sees now behind the part that this decision continues.
  void link(int unit, const float* legal) {
    const int now = newest(unit);
    if (legal) copy(legal, flags(), &masks.data[now * flags()]);
    if (!continued_[index(unit)]) return;
    const int last = (place(unit, completed(unit) - 1) + 1) * shape_.slots() - 1;
    copy(&observations.data[now * seen()], seen(), &observations.data[last * seen()]);
    copy(&masks.data[now * flags()], flags(), &masks.data[last * flags()]);
    copy(&states.data[std::ptrdiff_t{now} * shape_.state], shape_.state,
         &states.data[std::ptrdiff_t{last} * shape_.state]);
  }
  /// Whether the decision just begun is the first of an episode or of a part of it.
  [[nodiscard]] bool starts(int unit) const { return under_way_[index(unit)] == 1; }
  /// Where the carries of the unit's agents before that decision are kept, [width][carry].
  [[nodiscard]] float* first_carries(int unit) const {
    return carries.data + place(unit, completed(unit)) * carries.strides[0];
  }
  /// Adds rewards [rewards] to the decision under way.
  void reward(int unit, const float* values) {
    for (int k = 0; k < shape_.rewards; ++k) rewards(newest(unit), k) += values[k];
  }
  /// The episode was terminated: nothing follows its last decision.
  void terminate(int unit) { complete(unit, End::terminated); }
  /// The episode was cut off: its last decision is followed by what the caller has written to `following`.
  void truncate(int unit, float /*discount*/) { complete(unit, End::truncated); }
  /// Forgets what is under way: the lane was reset in the midst of an episode.
  void drop(int unit) { under_way_[index(unit)] = 0; }

  /// What follows the unit's last decision.
  struct Following {
    float *observations, *masks, *state;  ///< [width][...], [width][...], [state]
  };
  [[nodiscard]] Following following(int unit) const {
    const std::ptrdiff_t next = newest(unit) + 1;
    return {observations.data + next * seen(), masks.data + next * flags(),
            states.data + next * shape_.state};
  }

  /// Decisions of the episode under way, or of its last part.
  [[nodiscard]] int pending(int unit) const { return under_way_[index(unit)]; }
  /// The slot of the unit's last decision.
  [[nodiscard]] int newest(int unit) const { return slot(unit, under_way_[index(unit)] - 1); }
  /// Episodes of the unit ever completed; the last `capacity` of them are kept.
  [[nodiscard]] std::uint64_t completed(int unit) const { return completed_[index(unit)]; }
  [[nodiscard]] std::uint64_t kept(int unit) const {
    return std::min(completed(unit), static_cast<std::uint64_t>(shape_.capacity));
  }
  /// Which of all episodes is the unit's `number`-th, counted from its first.
  [[nodiscard]] int place(int unit, std::uint64_t number) const {
    return unit * shape_.places() + static_cast<int>(number % static_cast<std::uint64_t>(shape_.places()));
  }
  [[nodiscard]] int unit_of(int episode) const { return episode / shape_.places(); }
  /// Decisions of a complete episode, and how it ended.
  [[nodiscard]] int length(int episode) const { return lengths_[index(episode)]; }
  [[nodiscard]] End end(int episode) const { return ends_[index(episode)]; }

  /// Takes account of what came in since the last call: before the samples of an update.
  void settle() {
    std::uint64_t below = 0;
    total_ = 0;
    for (int unit = 0; unit < shape_.units; ++unit) {
      kept_below_[index(unit)] = below += kept(unit);
      total_ += completed(unit);
    }
  }
  /// Episodes to sample from, and all that were ever completed.
  [[nodiscard]] std::uint64_t size() const { return kept_below_.size() == 0 ? 0 : *(kept_below_.end() - 1); }
  [[nodiscard]] std::uint64_t total() const { return total_; }

  /// Fills `ids` with different episodes, no more than `size()`, every set of them equally likely (Floyd's
  /// algorithm, Bentley and Floyd 1987).
  void sample(Random& random, std::span<int> ids) const {
    const auto count = static_cast<int>(ids.size());
    int drawn = 0;
    for (int last = static_cast<int>(size()) - count; drawn < count; ++last, ++drawn) {
      const int number = random.integer(last + 1);
      const bool known = std::find(ids.begin(), ids.begin() + drawn, number) != ids.begin() + drawn;
      ids[index(drawn)] = known ? last : number;
    }
    for (int& id : ids) {
      const auto number = static_cast<std::uint64_t>(id);
      const auto* ring = std::upper_bound(kept_below_.begin(), kept_below_.end(), number);
      const int unit = static_cast<int>(ring - kept_below_.begin());
      id = place(unit, completed(unit) - (*ring - number));  // the newest where it is the ring's last
    }
  }

  void archive(auto& a) {
    archive_shape(a);
    a.fixed(contents_);
    archive_counts(a);
  }
  /// What `archive` does before and after the contents of the arrays.
  void archive_shape(auto& a) {
    a.section("episodes");
    EpisodeShape saved = shape_;
    a(saved);
    if (!(saved == shape_))
      throw Error("found other sizes", "saved episodes", "those of this run's settings");
  }
  void archive_counts(auto& a) {
    a.fixed(lengths_), a.fixed(ends_), a.fixed(completed_), a.fixed(under_way_), a.fixed(continued_);
  }

  /// All that the arrays hold.
  [[nodiscard]] std::span<float> contents() const { return contents_; }
  /// Calls f(floats) for every part of the arrays that may have been written to since each unit had completed
  /// so many episodes, `since` [units].
  template <class F>
  [[gnu::cold]] void for_written(std::span<const std::uint64_t> since, F&& f) {
    const auto arrays = [this](auto&& visit) { this->layout(visit); };
    for (int unit = 0; unit < shape_.units; ++unit) {
      const std::uint64_t end = completed(unit) + 1;  // the one under way included
      internal::for_ring_parts(arrays, shape_.units, shape_.places(), unit, since[index(unit)], end, f);
    }
  }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static void copy(const float* from, std::ptrdiff_t count, float* to) {
    if (count > 0) std::copy_n(from, count, to);
  }
  [[nodiscard]] std::ptrdiff_t seen() const { return std::ptrdiff_t{shape_.width} * shape_.observation; }
  [[nodiscard]] std::ptrdiff_t flags() const { return std::ptrdiff_t{shape_.width} * shape_.mask; }
  /// Slot t of the unit's episode under way.
  [[nodiscard]] int slot(int unit, int t) const { return place(unit, completed(unit)) * shape_.slots() + t; }

  void complete(int unit, End end) {
    const int last = newest(unit), episode = place(unit, completed(unit));
    for (int j = 0; j < shape_.width; ++j) actions(last + 1, j, 0) = no_action;
    lengths_[index(episode)] = under_way_[index(unit)];
    ends_[index(episode)] = end;
    under_way_[index(unit)] = 0;
    ++completed_[index(unit)];
  }

  template <class F>
  void layout(F&& f) {
    const int slots = shape_.episodes() * shape_.slots();
    f(observations, slots, shape_.width, shape_.observation);
    f(masks, slots, shape_.width, shape_.mask);
    f(actions, slots, shape_.width, shape_.action);
    f(states, slots, shape_.state);
    f(rewards, slots, shape_.rewards);
    f(carries, shape_.episodes(), shape_.width, shape_.carry);
  }

  EpisodeShape shape_;
  AlignedVector<float> arena_;  // empty where the arrays lie in memory of others
  std::span<float> contents_;
  FixedArray<int> lengths_;               // [episode]
  FixedArray<End> ends_;                  // [episode]
  FixedArray<std::uint64_t> completed_;   // [unit]
  FixedArray<int> under_way_;             // [unit]: decisions of the episode that is not complete
  FixedArray<char> continued_;            // [unit]: its last decision continues the part before
  FixedArray<std::uint64_t> kept_below_;  // [unit]: episodes kept of it and those before it
  std::uint64_t total_ = 0;
};

/// The word: off-policy samples of whole episodes. A batch counts episodes then, and so does `update_every`;
/// a transition is of one step, and what reaches further is `lambda`.
struct Episodes {
  using word = word::Buffer;
  using Arrays = EpisodeArrays;
  using Config = EpisodeArrays::Config;
  static constexpr bool keeps_episodes = true;
};

}  // namespace polis
