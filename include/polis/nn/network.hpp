// Networks: stateless functions of a flat array of weights, one tile of rows at a time.
#pragma once

#include <concepts>
#include <cstddef>

#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/nn/layout.hpp>

namespace polis {

/// A network without weights of its own. All tiles are feature-major, [features][64], 64-byte aligned
/// (core/tile.hpp); `rows` (1..64) of them are valid. Padding rows hold finite inputs, zero output gradients.
///
/// - `inputs`, `outputs`, `parameters` are constants, so that buffers are sized, and spaces and networks that
/// do not
///   fit each other refused, where the program is written.
/// - `carry_size` (features of recurrent state per row, 0 without) is a constant, because it decides whether
/// the unit
///   of a minibatch is a row or a sequence.
/// - `cache_size` (floats that one time step of one full tile keeps from forward to backward) and
/// `scratch_size`
///   (floats that backward overwrites) leave all memory to the caller: nothing is allocated in the steady
///   state, and sequences keep one cache per step.
/// - `layout()` names the blocks of the weights: initialisers, optimizers, checkpoints and error messages
/// know no
///   more about a network than this.
/// - `forward<Arch>(w, x, carry, y, cache, rows)`: y[outputs] from x[inputs]; `carry` [carry_size] is read
/// and
///   replaced (null if there is none). `cache` is never null.
/// - `backward<Arch>(w, dw, x, dy, dx, d_carry, cache, scratch, rows)` adds the gradient of the weights to
/// `dw`
///   (shards accumulate over tiles) unless null, writes the inputs' to `dx` unless null, and turns `d_carry`
///   from the gradient of the carry that left the step into that of the carry that entered it (null if there
///   is none).
///
/// Both are templates over the xsimd architecture, so that translation units with different flags cannot mix.
template <class N>
concept Network = requires(const float* in, float* out, int rows) {
  requires N::inputs > 0;
  requires N::outputs > 0;
  requires N::parameters >= 0;
  requires N::carry_size >= 0;
  requires N::cache_size >= 0;
  requires N::scratch_size >= 0;
  { N::layout() } -> std::same_as<Layout>;
  N::template forward<Simd>(in, in, out, out, out, rows);
  N::template backward<Simd>(in, out, in, in, out, out, in, out, rows);
};

/// Networks with a state that is carried from step to step.
template <class N>
concept RecurrentNetwork = Network<N> && (N::carry_size > 0);

/// A network that is faster for few rows (internal::turned_rows) once its weights are turned:
/// `turn(w, turned)` writes turned_size floats, and `forward_turned<Arch>(turned, x, y, scratch, rows)` makes
/// of them what `forward` makes of w, to the last bit, with turned_scratch floats of scratch. Turning costs
/// as much as a few of these passes: it is for weights that stay as they are while a rollout is collected.
template <class N>
concept TurnsWeights = Network<N> && requires(const float* in, float* out, int rows) {
  requires N::turned_size > 0;
  requires N::turned_scratch > 0;
  N::turn(in, out);
  N::template forward_turned<Simd>(in, in, out, out, rows);
};

namespace internal {

/// Floats of a network's turned weights and their scratch: none of one that does not turn them.
template <class N>
struct TurnedFloats {
  static constexpr std::size_t weights = 0, scratch = 0;
};
template <TurnsWeights N>
struct TurnedFloats<N> {
  static constexpr std::size_t weights = N::turned_size, scratch = N::turned_scratch;
};

}  // namespace internal

}  // namespace polis
