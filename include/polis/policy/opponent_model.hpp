// Opponent modelling: an auxiliary head predicts what the others do, and the policy sees what it predicts
// from.
//
// An encoder makes an embedding z of what the agent sees, and a linear head makes of z, for each other agent
// j, a categorical distribution over its action at the same decision. Actor and critic see z too:
//
//     z = encoder(o)    p_j = softmax(head_j z)    pi(a | o, z)    V(o, z)
//     loss of a decision: the sentence's own + coefficient * mean of -log p_j(a_j) over the j that act
//
// These are the agent policy features (AMF) of Hernandez-Leal, Kartal and Taylor 2019, "Agent modeling as
// auxiliary task for deep reinforcement learning", joined to the policy's inputs as He, Boyd-Graber, Kwok and
// Daume 2016, "Opponent modeling in deep reinforcement learning" (DRON) join theirs. Everything is learnt by
// the one loss: the gradient of actor and critic flows into the encoder, unless `detached` has it end at z.
// The others' actions are targets, known once all have acted; in play the agent needs no more than it sees.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <polis/core/aligned.hpp>
#include <polis/core/gemm.hpp>
#include <polis/core/math.hpp>
#include <polis/core/simd.hpp>
#include <polis/core/tile.hpp>
#include <polis/core/word.hpp>
#include <polis/distribution/multi_categorical.hpp>
#include <polis/env/roles.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/dense.hpp>
#include <polis/nn/initialization.hpp>
#include <polis/nn/layout.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/policy.hpp>
#include <polis/space/space.hpp>

namespace polis {

/// The others are a part of what the agent sees, and no more.
struct NoOpponentModel {
  using word = word::OpponentModel;
  static constexpr bool models = false;
  static constexpr int embedding = 0;
  struct Config {
    static void fields(auto&, auto&&) {}
  };
};

/// Agents predict the others' actions from an embedding of `Embedding` numbers, which actor and critic see
/// behind their inputs (a critic that sees the state sees that alone). The encoder is a network of its own,
/// with a memory if need be: `OpponentModel<32, Gru<64>>`. An agent that does not act at a decision (turns,
/// deaths) is no target of it, so that where turns are strictly alternate there is nothing to predict.
template <int Embedding, class EncoderNetwork = Mlp<64>>
struct OpponentModel {
  static_assert(Embedding > 0, "an embedding is of one number at least");
  using word = word::OpponentModel;
  using Encoder = EncoderNetwork;
  static constexpr bool models = true;
  static constexpr int embedding = Embedding;
  struct Config {
    float coefficient = .5f;  ///< weight of the prediction's loss beside the policy's
    bool detached = false;    ///< whether the encoder learns from the others' actions alone
    static void fields(auto& self, auto&& visit) {
      visit("coefficient", self.coefficient);
      visit("detached", self.detached);
    }
  };
};

/// What a prediction of the others' actions came to: means over those that act, 0 where none does. An action
/// is predicted right if no other is likelier, in none of its parts.
template <class T>
struct PredictionOfOthers {
  T cross_entropy, accuracy;
};

namespace internal {

/// `Count` agents, each of which chooses an index from each of sets of these sizes.
template <int Count, int... N>
struct ChoosingAgents {
  using Choice = MultiCategorical<N...>;
  static constexpr int count = Count, inputs = Choice::inputs, words = Choice::words;

  /// 1 where no part of an action has a likelier alternative, else 0.
  template <class T>
  POLIS_HD static T likeliest([[maybe_unused]] In<T> logits, [[maybe_unused]] In<T> action) {
    T result = math::constant<T>(1);
    int input = 0, word = 0;
    ((result = result * part<N>(logits.from(input), action[word]), input += N, ++word), ...);
    return result;
  }

 private:
  template <int M, class T>
  POLIS_HD static T part(In<T> logits, const T& index) {
    T largest = logits[0], own = largest;
    for (int i = 1; i < M; ++i) {
      largest = math::max(largest, logits[i]);
      own = math::select(index == math::constant<T>(i), logits[i], own);
    }
    return math::select(own >= largest, math::constant<T>(1), math::constant<T>(0));
  }
};

/// The same of `Count` agents in an action space; whatever that is, if there are none.
template <int Count, class Action>
struct ChoosingAgentsOf;
template <class Action>
struct ChoosingAgentsOf<0, Action> {
  using type = ChoosingAgents<0>;
};
template <int Count, class Action>
  requires(Count > 0 && Action::kind == SpaceKind::discrete)
struct ChoosingAgentsOf<Count, Action> {
  using type = ChoosingAgents<Count, Action::size>;
};
template <int Count, int... N>
  requires(Count > 0)
struct ChoosingAgentsOf<Count, MultiDiscrete<N...>> {
  using type = ChoosingAgents<Count, N...>;
};

/// Agents in groups that choose alike. Logits are those of the agents one after the other, and so are the
/// words of their actions, which are -1 of an agent that does not act.
template <class... Alike>
struct OtherAgents {
  static constexpr int inputs = (0 + ... + (Alike::count * Alike::inputs));
  static constexpr int words = (0 + ... + (Alike::count * Alike::words));

  template <class T>
  POLIS_HD static PredictionOfOthers<T> evaluate(In<T> logits, In<T> actions) {
    const T zero = math::constant<T>(0);
    T loss = zero, right = zero;
    each([&]<class A>(A, int input, int word) {
      const In<T> of = logits.from(input), action = actions.from(word);
      const T log_prob = A::Choice::template log_prob<T>(of, {}, {}, action);
      loss = loss - math::select(action[0] >= zero, log_prob, zero);
      right = right + math::select(action[0] >= zero, A::template likeliest<T>(of, action), zero);
    });
    const T acting = math::max(count(actions), math::constant<T>(1));
    return {internal::ratio(loss, acting), internal::ratio(right, acting)};
  }

  /// Sets the derivatives with respect to the logits, given that of the mean cross-entropy.
  template <class T>
  POLIS_HD static void backward(In<T> logits, In<T> actions, const T& d_cross_entropy, Out<T> d_logits) {
    const T zero = math::constant<T>(0);
    const T each_d = internal::ratio(d_cross_entropy, math::max(count(actions), math::constant<T>(1)));
    each([&]<class A>(A, int input, int word) {
      const In<T> action = actions.from(word);
      const T d_log_prob = math::select(action[0] >= zero, zero - each_d, zero);
      A::Choice::template backward<T>(logits.from(input), {}, {}, action, d_log_prob, zero,
                                      d_logits.from(input), {});
    });
  }

 private:
  /// f(agents, first input, first word) for every one of the agents.
  template <class F>
  POLIS_HD static void each(F&& f) {
    int input = 0, word = 0;
    (each_of<Alike>(f, input, word), ...);
  }
  template <class A, class F>
  POLIS_HD static void each_of(F& f, int& input, int& word) {
    for (int i = 0; i < A::count; ++i) {
      f(A{}, input, word);
      input += A::inputs, word += A::words;
    }
  }
  template <class T>
  POLIS_HD static T count(In<T> actions) {
    T acting = math::constant<T>(0);
    each([&]<class A>(A, int, int word) {
      const T zero = math::constant<T>(0);
      acting = acting + math::select(actions[word] >= zero, math::constant<T>(1), zero);
    });
    return acting;
  }
};

/// The agents of E other than one of role R, in the order of their numbers.
template <class E, int R, class Roles = std::make_integer_sequence<int, role_count<E>>>
struct OtherAgentsOf;
template <class E, int R, int... S>
struct OtherAgentsOf<E, R, std::integer_sequence<int, S...>> {
  using type = OtherAgents<typename ChoosingAgentsOf<RoleOf<E, S>::count - (S == R ? 1 : 0),
                                                     typename RoleOf<E, S>::Action>::type...>;
};

/// A policy without a model of others.
struct NoModelOfOthers {
  static constexpr bool models = false, in_critic = false;
  static constexpr int width = 0, carry_size = 0, parameters = 0, words = 0;
  struct Workspace {};
};

/// The encoder and the head of a policy; `InCritic` says whether the critic sees the embedding too. Weights
/// lie in the order encoder, head.
template <class Encoder, class Others, bool InCritic>
struct ModelOfOthers {
  using Head = Dense<Encoder::outputs, Others::inputs>;
  static constexpr bool models = true, in_critic = InCritic;
  static constexpr int features = Encoder::inputs, width = Encoder::outputs;
  static constexpr int carry_size = Encoder::carry_size, words = Others::words;
  static constexpr int parameters = Encoder::parameters + Head::parameters;
  /// Floats of what the actor sees: the features, and behind them the embedding.
  static constexpr int seen_size = (features + width) * tile_rows;
  static constexpr int embedding_at = features * tile_rows;

  struct Workspace {
    float *seen, *cache, *logits;            // [steps][...]
    float *d_logits, *d_seen, *d_embedding;  // of one step; d_seen: the actor's, behind it the critic's
    float* scratch;
    FloatArena memory;
  };

  static Layout layout() {
    Layout layout;
    append(layout, "encoder.", Encoder::layout());
    append(layout, "head.", head_layout());
    return layout;
  }
  /// The first predictions are `head_gain` away from uniform ones.
  template <class Initialization>
  static void initialize(const typename Initialization::Config& config, std::span<float> weights,
                         float head_gain, auto& random) {
    polis::initialize<Initialization>(config, Encoder::layout(), weights.subspan(0, Encoder::parameters), 1.f,
                                      random);
    polis::initialize<Initialization>(config, head_layout(), weights.subspan(Encoder::parameters), head_gain,
                                      random);
  }

  [[gnu::cold]] static Workspace workspace(int steps) {
    const auto count = static_cast<std::size_t>(steps);
    const auto tile = [](int n) { return static_cast<std::size_t>(n) * tile_rows; };
    Workspace w{};
    w.memory = FloatArena(
        {{&w.seen, count * seen_size},
         {&w.cache, count * Encoder::cache_size},
         {&w.logits, count * tile(Others::inputs)},
         {&w.d_logits, tile(Others::inputs)},
         {&w.d_seen, 2 * std::size_t{seen_size}},
         {&w.d_embedding, tile(width)},
         {&w.scratch, static_cast<std::size_t>(std::max(Encoder::scratch_size, Head::scratch_size))}});
    return w;
  }

  /// What the actor sees of the features of time step t; advances the encoder's carry.
  template <class Arch>
  static const float* see(const float* weights, Workspace& w, const float* x, float* carry, int t, int rows) {
    float* const seen = w.seen + t * seen_size;
    std::copy_n(x, features * tile_rows, seen);
    Encoder::template forward<Arch>(weights, x, carry, seen + embedding_at, w.cache + t * Encoder::cache_size,
                                    rows);
    return seen;
  }

  /// Cross-entropy and accuracy of what the others do at time step t, after `see`.
  template <class Arch>
  static void predict(const float* weights, Workspace& w, const PolicyBatch& batch, int t,
                      const PolicyOutputs& out) {
    using T = Batch<Arch>;
    float* const logits = w.logits + t * Others::inputs * tile_rows;
    const float* const actions = batch.others + t * words * tile_rows;
    Head::template forward<Arch, Identity>(
        weights + Encoder::parameters, w.seen + t * seen_size + embedding_at, logits, nullptr, batch.rows);
    for (int row = 0; row < batch.rows; row += batch_width<T>) {
      const auto p = Others::template evaluate<T>({logits + row, tile_rows}, {actions + row, tile_rows});
      Load<T>::store(out.prediction_loss + t * tile_rows + row, p.cross_entropy);
      Load<T>::store(out.prediction_accuracy + t * tile_rows + row, p.accuracy);
    }
  }

  /// Adds to the gradient of time step t: of the cross-entropies, and unless `d.detached` of actor and
  /// critic, from what their passes left in `d_seen`.
  template <class Arch>
  static void backward(const float* weights, float* gradient, Workspace& w, const PolicyBatch& batch, int t,
                       const PolicyOutputs& d, float* d_carry) {
    using T = Batch<Arch>;
    const float* const seen = w.seen + t * seen_size;
    for (int k = 0; k < width; ++k) {
      for (int row = 0; row < batch.rows; row += batch_width<T>) {
        const int at = k * tile_rows + row;
        T sum(0.f);
        if (!d.detached) sum = Load<T>::load(w.d_seen + embedding_at + at);
        if (!d.detached && in_critic) sum = sum + Load<T>::load(w.d_seen + seen_size + embedding_at + at);
        Load<T>::store(w.d_embedding + at, sum);
      }
    }
    if (d.prediction_loss) {
      const float* const logits = w.logits + t * Others::inputs * tile_rows;
      const float* const actions = batch.others + t * words * tile_rows;
      for (int row = 0; row < batch.rows; row += batch_width<T>) {
        Others::template backward<T>({logits + row, tile_rows}, {actions + row, tile_rows},
                                     Load<T>::load(d.prediction_loss + t * tile_rows + row),
                                     {w.d_logits + row, tile_rows});
      }
      Head::template weight_gradient<Arch>(gradient + Encoder::parameters, seen + embedding_at, w.d_logits,
                                           w.scratch, batch.rows);
      dense_input_gradient<Arch, Identity, true>(weights + Encoder::parameters, w.d_logits, w.d_embedding,
                                                 width, Others::inputs, batch.rows);
    }
    Encoder::template backward<Arch>(weights, gradient, seen, w.d_embedding, nullptr, d_carry,
                                     w.cache + t * Encoder::cache_size, w.scratch, batch.rows);
  }

 private:
  static Layout head_layout() {
    Layout layout;
    Head::append_to(layout, "", BlockKind::output_weight);
    return layout;
  }
};

/// The model of others in a policy of these parts (PolicyParts).
template <class Parts>
struct ModelOf {
  using type = NoModelOfOthers;
};
template <class Parts>
  requires(Parts::OpponentModel::models)
struct ModelOf<Parts> {
  using type =
      ModelOfOthers<typename Parts::OpponentModel::Encoder::template network<
                        Parts::features, Parts::OpponentModel::embedding, typename Parts::Activation>,
                    typename OtherAgentsOf<typename Parts::Environment, Parts::role>::type,
                    !Parts::Critic::needs_state>;
};

}  // namespace internal
}  // namespace polis
