// The ability to step many lanes at once: `step_tile`.
//
// An environment that has it keeps, beside its own state of one lane, a struct of the same numbers for a tile
// of lanes, a register of each number with one lane in each place, and says how a tile starts and steps:
//
//     template <class T> struct Tile { T position, steps; };
//     static constexpr void columns(auto& self, auto&& visit) { visit(self.position), visit(self.steps); }
//
//     template <class T> static void reset_tile(Tile<T>& lanes, auto& ctx) {
//       lanes.position = ctx.random.uniform(-1.f, 1.f);
//       lanes.steps = T(0.f);
//     }
//     template <class T> static void step_tile(Tile<T>& lanes, const auto& actions, auto& ctx) {
//       lanes.position = math::fma(T(.1f), actions[0][0], lanes.position);
//       lanes.steps += T(1.f);
//       ctx.reward(0) = -math::abs(lanes.position);
//       ctx.terminate(lanes.position > T(2.f));
//       ctx.truncate(lanes.steps >= T(100.f));
//     }
//
// `columns` visits the numbers of the tile, and by the same names those of the environment itself, in one
// order. What happens must be what `reset` and `step` do: tests compare the two (tests/env/tiled_env.cpp).
// Where products are added, math::fma makes them equal bit for bit whatever the compiler fuses. Who derives
// from such an environment and changes `step` changes `step_tile` too, or hides `Tile` by one of its own
// without members, which leaves no step_tile that takes it.
#pragma once

#include <type_traits>

#include <polis/core/array.hpp>
#include <polis/core/random_lanes.hpp>
#include <polis/core/simd.hpp>
#include <polis/env/environment.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// What one step or reset of a register of lanes may read and report: Context's members, of registers.
template <class E, class Arch = Simd>
class TileContext {
 public:
  using Register = Batch<Arch>;
  using Mask = xsimd::batch_bool<float, Arch>;

  [[gnu::always_inline]] TileContext(const ConfigOf<E>& config, const DatasetOf<E>& data,
                                     const RandomLanes<Arch>& streams)
      : random(streams), config_(&config), data_(&data) {
    for (Register& reward : rewards_) reward = Register(0.f);
  }

  /// The lanes' random numbers for this step: those of their contexts.
  RandomLanes<Arch> random;

  [[nodiscard]] const ConfigOf<E>& config() const { return *config_; }
  [[nodiscard]] const DatasetOf<E>& data() const { return *data_; }

  /// The agent's reward in every lane; zero until written.
  Register& reward(int agent) { return rewards_[agent]; }
  /// The episodes of these lanes are over: nothing is to be gained after them.
  void terminate(const Mask& lanes) { terminated_ = terminated_ || lanes; }
  /// The episodes of these lanes are cut off; a termination in the same step prevails.
  void truncate(const Mask& lanes) { truncated_ = truncated_ || lanes; }
  [[nodiscard]] Mask terminated() const { return terminated_; }
  [[nodiscard]] Mask over() const { return terminated_ || truncated_; }

 private:
  const ConfigOf<E>* config_;
  const DatasetOf<E>* data_;
  Array<Register, agent_count<E>> rewards_;
  Mask terminated_ = no_places<Arch>(), truncated_ = no_places<Arch>();
};

/// What the agents do in a register of lanes, as words: actions[agent][word], of a Discrete space its index.
template <class E, class Arch = Simd>
using TileActions = Array<Array<Batch<Arch>, RoleOf<E, 0>::Action::words>, agent_count<E>>;

namespace internal {

/// Takes any column.
struct AnyColumn {
  void operator()(auto&) const {}
};

}  // namespace internal

/// The environment has `step_tile`: agents of one role, no tasks, and no agent whose end comes before the
/// others'.
template <class E>
concept StepsInTiles =
    Environment<E> && role_count<E> == 1 && std::is_same_v<TaskOf<E>, Nothing> && !HasStages<E> &&
    requires(E& env, typename E::template Tile<Batch<>>& lanes, const TileActions<E>& actions,
             TileContext<E>& ctx) {
      E::columns(env, internal::AnyColumn{});
      E::columns(lanes, internal::AnyColumn{});
      E::reset_tile(lanes, ctx);
      E::step_tile(lanes, actions, ctx);
    };

/// `observe_tile(lanes, agent, out)` writes what an agent sees in every lane. Without it lanes are observed
/// one by one.
template <class E>
concept ObservesInTiles = StepsInTiles<E> && requires(const typename E::template Tile<Batch<>>& lanes,
                                                      Out<Batch<>> out) { E::observe_tile(lanes, 0, out); };

/// `legal_tile(lanes, agent, flags)` makes the flags of actions that are not allowed in a lane 0 there; all
/// are 1 before the call.
template <class E>
concept HasLegalActionsInTiles = StepsInTiles<E> && HasLegalActions<E> &&
                                 requires(const typename E::template Tile<Batch<>>& lanes, Batch<>* flags) {
                                   E::legal_tile(lanes, 0, flags);
                                 };

}  // namespace polis
