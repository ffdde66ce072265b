// Several independent distributions side by side: the actions of a MultiDiscrete or Tuple space.
#pragma once

#include <type_traits>

#include <polis/distribution/distribution.hpp>

namespace polis {

/// Inputs, weights, words, noise and masks are those of the parts, one after the other; log-probabilities and
/// entropies add up. The parts that have settings share one type of them, and its values.
template <class... D>
struct Product;

template <>
struct Product<> {
  static constexpr int inputs = 0, weights = 0, words = 0, noise = 0, mask_size = 0;
  using Config = NoDistributionConfig;

  static void initialize(const Config& /*config*/, float* /*weights*/) {}
  template <class T>
  POLIS_HD static void sample(In<T>, In<T>, In<T>, In<T>, Out<T>) {}
  template <class T>
  POLIS_HD static void mode(In<T>, In<T>, In<T>, Out<T>) {}
  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T>, In<T>, In<T>, In<T>) {
    return {math::constant<T>(0), math::constant<T>(0)};
  }
  template <class T>
  POLIS_HD static T log_prob(In<T>, In<T>, In<T>, In<T>) {
    return math::constant<T>(0);
  }
  template <class T>
  POLIS_HD static T entropy(In<T>, In<T>, In<T>) {
    return math::constant<T>(0);
  }
  template <class T>
  POLIS_HD static void backward(In<T>, In<T>, In<T>, In<T>, const T&, const T&, Out<T>, Out<T>) {}
  template <class T>
  POLIS_HD static T divergence(In<T>, In<T>, In<T>, In<T>, In<T>) {
    return math::constant<T>(0);
  }
  template <class T>
  POLIS_HD static void add_divergence_gradient(In<T>, In<T>, In<T>, In<T>, In<T>, const T&, Out<T>, Out<T>) {}
  POLIS_HD static bool valid(In<float>) { return true; }
};

template <class First, class... Rest>
struct Product<First, Rest...> {
  using Others = Product<Rest...>;
  static constexpr int inputs = First::inputs + Others::inputs;
  static constexpr int weights = First::weights + Others::weights;
  static constexpr int words = First::words + Others::words;
  static constexpr int noise = First::noise + Others::noise;
  static constexpr int mask_size = First::mask_size + Others::mask_size;

 private:
  template <class C>
  static constexpr bool no_settings = std::is_same_v<C, NoDistributionConfig>;

 public:
  using Config = std::conditional_t<no_settings<typename First::Config>, typename Others::Config,
                                    typename First::Config>;
  static_assert(no_settings<typename Others::Config> || std::is_same_v<Config, typename Others::Config>,
                "the parts of a Product that have settings must have the same type of settings");

  static void initialize(const Config& config, float* free) {
    if constexpr (std::is_same_v<Config, typename First::Config>) {
      First::initialize(config, free);
    } else {
      First::initialize({}, free);
    }
    if constexpr (std::is_same_v<Config, typename Others::Config>) {
      Others::initialize(config, free + First::weights);
    } else {
      Others::initialize({}, free + First::weights);
    }
  }

  template <class T>
  POLIS_HD static void sample(In<T> in, In<T> free, In<T> mask, In<T> uniforms, Out<T> action) {
    First::template sample<T>(in, free, mask, uniforms, action);
    Others::template sample<T>(in.from(First::inputs), rest(free, First::weights),
                               rest(mask, First::mask_size), uniforms.from(First::noise),
                               action.from(First::words));
  }

  template <class T>
  POLIS_HD static void mode(In<T> in, In<T> free, In<T> mask, Out<T> action) {
    First::template mode<T>(in, free, mask, action);
    Others::template mode<T>(in.from(First::inputs), rest(free, First::weights), rest(mask, First::mask_size),
                             action.from(First::words));
  }

  template <class T>
  POLIS_HD static Evaluation<T> evaluate(In<T> in, In<T> free, In<T> mask, In<T> action) {
    const Evaluation<T> a = First::template evaluate<T>(in, free, mask, action);
    const Evaluation<T> b =
        Others::template evaluate<T>(in.from(First::inputs), rest(free, First::weights),
                                     rest(mask, First::mask_size), action.from(First::words));
    return {a.log_prob + b.log_prob, a.entropy + b.entropy};
  }

  template <class T>
  POLIS_HD static T log_prob(In<T> in, In<T> free, In<T> mask, In<T> action) {
    return First::template log_prob<T>(in, free, mask, action) +
           Others::template log_prob<T>(in.from(First::inputs), rest(free, First::weights),
                                        rest(mask, First::mask_size), action.from(First::words));
  }

  template <class T>
  POLIS_HD static T entropy(In<T> in, In<T> free, In<T> mask) {
    return First::template entropy<T>(in, free, mask) +
           Others::template entropy<T>(in.from(First::inputs), rest(free, First::weights),
                                       rest(mask, First::mask_size));
  }

  template <class T>
  POLIS_HD static void backward(In<T> in, In<T> free, In<T> mask, In<T> action, const T& d_log_prob,
                                const T& d_entropy, Out<T> d_inputs, Out<T> d_weights) {
    First::template backward<T>(in, free, mask, action, d_log_prob, d_entropy, d_inputs, d_weights);
    Others::template backward<T>(in.from(First::inputs), rest(free, First::weights),
                                 rest(mask, First::mask_size), action.from(First::words), d_log_prob,
                                 d_entropy, d_inputs.from(First::inputs), rest(d_weights, First::weights));
  }

  /// Divergences of independent parts add up; a product has one where every part has.
  template <class T>
    requires(HasDivergence<First> && HasDivergence<Others>)
  POLIS_HD static T divergence(In<T> in, In<T> free, In<T> other, In<T> other_free, In<T> mask) {
    return First::template divergence<T>(in, free, other, other_free, mask) +
           Others::template divergence<T>(in.from(First::inputs), rest(free, First::weights),
                                          other.from(First::inputs), rest(other_free, First::weights),
                                          rest(mask, First::mask_size));
  }
  template <class T>
    requires(HasDivergence<First> && HasDivergence<Others>)
  POLIS_HD static void add_divergence_gradient(In<T> in, In<T> free, In<T> other, In<T> other_free,
                                               In<T> mask, const T& d_divergence, Out<T> d_inputs,
                                               Out<T> d_weights) {
    First::template add_divergence_gradient<T>(in, free, other, other_free, mask, d_divergence, d_inputs,
                                               d_weights);
    Others::template add_divergence_gradient<T>(
        in.from(First::inputs), rest(free, First::weights), other.from(First::inputs),
        rest(other_free, First::weights), rest(mask, First::mask_size), d_divergence,
        d_inputs.from(First::inputs), rest(d_weights, First::weights));
  }

  /// Whether every part has a legal action.
  POLIS_HD static bool valid(In<float> mask) {
    return First::valid(mask) && Others::valid(rest(mask, First::mask_size));
  }

 private:
  // What is not given (no mask, no weights) is not given to the parts either.
  template <class Access>
  POLIS_HD static Access rest(Access all, int first) {
    return all.data ? all.from(first) : all;
  }
};

}  // namespace polis
