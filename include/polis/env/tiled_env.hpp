// TiledEnv<E>: a batch of lanes of an environment that has `step_tile`, with automatic reset.
//
// The numbers of the state are columns, one place a lane, and a register of lanes is stepped at once. Lanes
// draw the random numbers of MultiAgentEnv's, so that both make the same steps:
//
//     TiledEnv<CartPole> lanes(512, seed);
//     lanes.reset();
//     lanes.step(actions);           // actions[lane]; of several words and agents [agent][word][lane]
//     lanes.step_at_random();        // uniformly random legal actions
//     lanes.reward(lane, 0), lanes.end(lane), lanes.lane(lane), lanes.ended(lane)
//
// One batch is one thread's work. Threads take a batch each, told apart by `lane_offset`: together they are
// the lanes of one large batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/error.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/core/text.hpp>
#include <polis/env/environment.hpp>
#include <polis/env/step_tile.hpp>

namespace polis {

template <StepsInTiles E, class Arch = Simd>
class TiledEnv {
  using Register = Batch<Arch>;
  using Mask = xsimd::batch_bool<float, Arch>;
  using Tile = typename E::template Tile<Register>;
  using Action = typename RoleOf<E, 0>::Action;
  static constexpr int width = batch_width<Register>;
  static constexpr int words = Action::words;

 public:
  static constexpr int agents = agent_count<E>;

  [[gnu::cold]] TiledEnv(int lanes, std::uint64_t seed, ConfigOf<E> config = {}, DatasetOf<E> data = {},
                         std::uint32_t lane_offset = 0)
      : config_(std::move(config)),
        data_(std::move(data)),
        seed_(seed),
        lane_offset_(lane_offset),
        lanes_(lanes) {
    if (lanes < 1) throw Error(concat({"lanes = ", lanes}), "TiledEnv", "at least 1");
    stride_ = (lanes + width - 1) / width * width;
    const auto column = static_cast<std::size_t>(stride_);
    columns_ = AlignedVector<float>(column * numbers);
    ended_ = AlignedVector<float>(column * numbers);
    rewards_ = AlignedVector<float>(column * agents);
    ends_ = AlignedVector<float>(column);
    actions_ = AlignedVector<float>(column * agents * words);
    uniforms_ = AlignedVector<float>(column * agents * words * 4);
    over_ = AlignedVector<std::uint32_t>(column + width);
  }

  [[nodiscard]] int lanes() const { return lanes_; }
  /// The distance of an agent's words in columns: lanes() in whole registers.
  [[nodiscard]] int stride() const { return stride_; }
  [[nodiscard]] const ConfigOf<E>& config() const { return config_; }
  [[nodiscard]] const DatasetOf<E>& data() const { return data_; }
  /// Steps made since the creation; every lane has made as many.
  [[nodiscard]] std::uint32_t steps() const { return step_; }

  /// Starts a first episode in every lane.
  void reset() {
    int over = 0;
    for (int at = 0; at < stride_; ++at)
      over_[static_cast<std::size_t>(over++)] = static_cast<std::uint32_t>(at);
    begin(over);
  }

  /// Steps every lane and starts the next episode of those that ended. `actions` are the words of what the
  /// agents do, [agent][word][lane].
  void step(std::span<const float> actions) {
    const auto column = static_cast<std::size_t>(lanes_);
    if (actions.size() != column * agents * words) {
      throw Error(concat({actions.size(), " words of actions"}), "TiledEnv::step",
                  concat({column * agents * words, ", [agent][word][lane]"}));
    }
    for (std::size_t k = 0; k < agents * words; ++k) {
      for (std::size_t lane = 0; lane < column; ++lane) {
        actions_[k * static_cast<std::size_t>(stride_) + lane] = actions[k * column + lane];
      }
    }
    step_all([this](int at, const Tile&) {
      TileActions<E, Arch> chosen;
      each_word(chosen, [&](Register& word, int, int, int k) { word = load(actions_, k, at); });
      return chosen;
    });
  }

  /// The same with actions that are uniform over what is legal or within bounds, drawn for every lane, agent
  /// and word on its own. `action` tells them.
  void step_at_random()
    requires(Action::kind == SpaceKind::box
                 ? BoundedSpace<Action>
                 : Action::kind == SpaceKind::discrete && HasLegalActions<E> == HasLegalActionsInTiles<E>)
  {
    draw_uniforms();
    const int first_draw = static_cast<int>(step_ / uses % 4) * agents * words;
    const auto scale = static_cast<float>(power(static_cast<int>(step_ % uses)));
    step_all([this, first_draw, scale](int at, const Tile& lanes) {
      TileActions<E, Arch> chosen;
      each_word(chosen, [&](Register& word, int agent, int i, int k) {
        const Register uniform = behind(load(uniforms_, first_draw + k, at), scale);
        if constexpr (Action::kind == SpaceKind::box) {
          const float low = internal::bound_at(Action::low, i), high = internal::bound_at(Action::high, i);
          word = math::fma(Register(high - low), uniform, Register(low));
        } else {
          word = random_index(lanes, agent, uniform);
        }
        Load<Register>::store(place(actions_, k, at), word);
      });
      return chosen;
    });
  }

  /// A word of what an agent did in the last step.
  [[nodiscard]] float action(int lane, int agent, int word = 0) const {
    return *place(actions_, agent * words + word, lane);
  }
  [[nodiscard]] float reward(int lane, int agent) const { return *place(rewards_, agent, lane); }
  /// How the last step ended the lane's episode. If it did, lane() is in its next one already.
  [[nodiscard]] End end(int lane) const { return static_cast<End>(static_cast<int>(*place(ends_, 0, lane))); }
  /// The rewards of an agent in all lanes.
  [[nodiscard]] std::span<const float> rewards(int agent) const {
    return {place(rewards_, agent, 0), static_cast<std::size_t>(lanes_)};
  }

  /// A lane as it is, and as it was where its last episode ended, before the automatic reset.
  [[nodiscard]] E lane(int lane) const { return gathered(columns_, lane); }
  [[nodiscard]] E ended(int lane) const { return gathered(ended_, lane); }

  /// Writes what an agent sees in every lane: word i of a lane to out.data[i * out.stride + lane], where
  /// columns are stride() long or longer.
  void observe(int agent, Out<float> out) const {
    if constexpr (ObservesInTiles<E>) {
      for (int at = 0; at < stride_; at += width) {
        E::observe_tile(load(columns_, at), agent, Out<Register>{out.data + at, out.stride});
      }
    } else {
      for (int at = 0; at < lanes_; ++at) {
        internal::observe<0>(lane(at), agent, Row{out.data + at, out.stride}, view());
      }
    }
  }

  /// Saves or restores the lanes where they stand. A batch of another size is an Error.
  void archive(auto& a) {
    a.section("tiled lanes");
    a.fixed(columns_), a.fixed(ended_), a.fixed(rewards_), a.fixed(ends_), a.fixed(actions_);
    a(step_);
    uniforms_of_ = none;
  }

 private:
  static constexpr std::uint32_t none = ~0u;
  /// Numbers of a lane's state.
  static constexpr int numbers = static_cast<int>(sizeof(Tile) / sizeof(Register));

  template <class Columns>
  auto* place(Columns& columns, int column, int lane) const {
    return columns.data() + static_cast<std::ptrdiff_t>(column) * stride_ + lane;
  }
  [[gnu::always_inline]] Register load(const AlignedVector<float>& columns, int column, int at) const {
    return Load<Register>::load(place(columns, column, at));
  }
  [[gnu::always_inline]] Tile load(const AlignedVector<float>& columns, int at) const {
    Tile lanes;
    int column = 0;
    E::columns(lanes, [&](Register& value) { value = load(columns, column++, at); });
    return lanes;
  }
  [[gnu::always_inline]] void store(AlignedVector<float>& columns, int at, const Tile& lanes) const {
    int column = 0;
    E::columns(lanes,
               [&](const Register& value) { Load<Register>::store(place(columns, column++, at), value); });
  }

  /// f(word, agent, its number among the agent's, its number among all).
  template <class F>
  [[gnu::always_inline]] static void each_word(TileActions<E, Arch>& actions, F&& f) {
    for (int agent = 0; agent < agents; ++agent) {
      for (int i = 0; i < words; ++i) f(actions[agent][i], agent, i, agent * words + i);
    }
  }

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] View<E> view() const {
    static constexpr Nothing no_task{};
    return View<E>(config_, no_task, data_);
  }

  /// Starts the next episode in the first `count` lanes of `over_`. Few lanes of a register end at the same
  /// step, so that they are brought together: a register of beginnings costs as much as a step.
  void begin(int count) {
    for (int i = count; i % width != 0; ++i) over_[index(i)] = over_[index(count - 1)];
    for (int from = 0; from < count; from += width) {
      const std::uint32_t* lanes = over_.data() + from;
      Tile fresh;
      TileContext<E, Arch> ctx(
          config_, data_,
          RandomLanes<Arch>(seed_, step_,
                            WordBatch<Arch>::load_unaligned(lanes) + WordBatch<Arch>(lane_offset_), 0,
                            Purpose::reset));
      E::reset_tile(fresh, ctx);
      if (xsimd::any(ctx.random.redrawn())) [[unlikely]] {
        fresh =
            one_by_one(lanes, step_, Purpose::reset, [](E& env, int, auto& single) { env.reset(single); });
      }
      int column = 0;
      E::columns(fresh, [&](const Register& value) {
        alignas(Register) float begun[width];
        value.store_aligned(begun);
        float *now = place(columns_, column, 0), *last = place(ended_, column, 0);
        ++column;
        for (int i = 0; i < width; ++i) last[lanes[i]] = now[lanes[i]];
        for (int i = 0; i < width; ++i) now[lanes[i]] = begun[i];
      });
    }
  }

  template <class Choose>
  [[gnu::always_inline]] void step_all(const Choose& choose) {
    const std::uint32_t step = step_++;
    int count = 0;
    for (int at = 0; at < stride_; at += width) {
      const WordBatch<Arch> numbers_of = consecutive<Arch>(static_cast<std::uint32_t>(at));
      Tile lanes = load(columns_, at);
      const TileActions<E, Arch> actions = choose(at, lanes);
      TileContext<E, Arch> ctx(config_, data_,
                               RandomLanes<Arch>(seed_, step, numbers_of + WordBatch<Arch>(lane_offset_), 0,
                                                 Purpose::environment));
      E::step_tile(lanes, actions, ctx);
      Mask over = ctx.over();
      if (xsimd::any(ctx.random.redrawn())) [[unlikely]] {
        lanes = step_one_by_one(at, step);
        over = load(ends_, 0, at) > Register(0.f);
      } else {
        for (int i = 0; i < agents; ++i) Load<Register>::store(place(rewards_, i, at), ctx.reward(i));
        const Register cut = math::select(over, Register(2.f), Register(0.f));
        Load<Register>::store(place(ends_, 0, at), math::select(ctx.terminated(), Register(1.f), cut));
      }
      store(columns_, at, lanes);
      count += store_selected<Arch>(over, numbers_of, over_.data() + count);
    }
    begin(count);
  }

  /// The step of a register of lanes of which one has to draw again: each by `step`.
  POLIS_ONE_COPY Tile step_one_by_one(int at, std::uint32_t step) {
    alignas(WordBatch<Arch>) std::uint32_t lanes[width];
    consecutive<Arch>(static_cast<std::uint32_t>(at)).store_aligned(lanes);
    return one_by_one(lanes, step, Purpose::environment, [&](E& env, int lane, Context<E>& ctx) {
      Actions<E> actions{};
      for (int i = 0; i < agents; ++i) {
        actions[i] = decode<Action>(In<float>{place(actions_, i * words, lane), stride_});
      }
      env.step(actions, ctx);
      for (int i = 0; i < agents; ++i) *place(rewards_, i, lane) = ctx.reward(i);
      *place(ends_, 0, lane) = static_cast<float>(ctx.episode());
    });
  }

  /// These lanes after act(environment, lane, context) on each as it is.
  template <class Act>
  Tile one_by_one(const std::uint32_t* lanes, std::uint32_t step, Purpose purpose, const Act& act) const {
    alignas(Register) float numbers_of[numbers][width];
    for (int i = 0; i < width; ++i) {
      const int lane = static_cast<int>(lanes[i]);
      E env = gathered(columns_, lane);
      Array<float, agents> rewards{};
      Array<End, agents> ends{};
      Context<E> ctx(view(), Random(seed_, step, lane_offset_ + lanes[i], 0, purpose), rewards.data(),
                     ends.data());
      act(env, lane, ctx);
      int column = 0;
      E::columns(env, [&](const auto& value) { numbers_of[column++][i] = static_cast<float>(value); });
    }
    Tile tile;
    int column = 0;
    E::columns(tile, [&](Register& value) { value = Load<Register>::load(numbers_of[column++]); });
    return tile;
  }

  [[nodiscard]] E gathered(const AlignedVector<float>& columns, int lane) const {
    E env{};
    int column = 0;
    E::columns(env, [&]<class Number>(Number& value) {
      value = static_cast<Number>(*place(columns, column++, lane));
    });
    return env;
  }

  /// Steps that a uniform number serves: its digits to the base of the number of actions are as uniform and
  /// independent, all of them exactly where that is a power of two.
  static constexpr int uses = [] {
    if constexpr (Action::kind == SpaceKind::discrete && !HasLegalActions<E>) {
      return Action::size <= 64 && (Action::size & (Action::size - 1)) == 0 ? 4 : 1;
    } else {
      return 1;
    }
  }();
  static constexpr int power(int digits) {
    int result = 1;
    if constexpr (uses > 1) {
      for (int i = 0; i < digits; ++i) result *= Action::size;
    }
    return result;
  }

  /// The uniform numbers of the next steps: word w of a block k is the number of draw 4 k + w of theirs, and
  /// they use all four words of as many blocks as a step has draws.
  void draw_uniforms() {
    const std::uint32_t group = step_ / (4 * uses);
    if (uniforms_of_ == group) return;
    uniforms_of_ = group;
    constexpr int draws = agents * words;
    for (int at = 0; at < stride_; at += width) {
      for (int block = 0; block < draws; ++block) {
        RandomLanes<Arch> random(seed_, group * draws + static_cast<std::uint32_t>(block),
                                 consecutive<Arch>(lane_offset_ + static_cast<std::uint32_t>(at)), 0,
                                 Purpose::exploration);
        for (int word = 0; word < 4; ++word) {
          Load<Register>::store(place(uniforms_, 4 * block + word, at), random.uniform());
        }
      }
    }
  }

  /// One of the indices that are legal, each as likely: the number of those up to which no more than
  /// floor(uniform * choices) are.
  [[gnu::always_inline]] static Register random_index(const Tile& lanes, int agent, const Register& uniform) {
    constexpr int count = Action::size;
    Array<Register, count> flags;
    for (Register& flag : flags) flag = Register(1.f);
    if constexpr (HasLegalActionsInTiles<E>) {
      E::legal_tile(lanes, agent, flags.data());
    } else {
      return whole(uniform * Register(static_cast<float>(count)));
    }
    Register choices = flags[0];
    for (int i = 1; i < count; ++i) choices += flags[i];
    const Register skipped = whole(uniform * choices);
    Register index(0.f), up_to(0.f);
    for (int i = 0; i + 1 < count; ++i) {
      up_to += flags[i];
      index += math::select(up_to <= skipped, Register(1.f), Register(0.f));
    }
    return index;
  }
  /// What is behind the digits used before, scale being the number of those they make.
  [[gnu::always_inline]] static Register behind(const Register& uniform, float scale) {
    if constexpr (uses == 1) return uniform;
    const Register scaled = uniform * Register(scale);
    return scaled - whole(scaled);
  }
  [[gnu::always_inline]] static Register whole(const Register& x) {
    return xsimd::to_float(xsimd::to_int(x));
  }

  ConfigOf<E> config_;
  DatasetOf<E> data_;
  std::uint64_t seed_;
  std::uint32_t lane_offset_;
  int lanes_, stride_ = 0;
  std::uint32_t step_ = 0, uniforms_of_ = none;
  AlignedVector<float> columns_, ended_;  // the numbers of the lanes' states, now and where episodes ended
  AlignedVector<float> rewards_, ends_, actions_;
  AlignedVector<float> uniforms_;
  AlignedVector<std::uint32_t> over_;  // lanes whose episodes are over
};

}  // namespace polis
