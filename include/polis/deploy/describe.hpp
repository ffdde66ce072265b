// From a trainer to plain data: which sets of weights there are, whose they are, and what they compute.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <polis/algorithm/policies.hpp>
#include <polis/core/error.hpp>
#include <polis/deploy/model.hpp>
#include <polis/distribution/beta.hpp>
#include <polis/distribution/categorical.hpp>
#include <polis/distribution/diag_gaussian.hpp>
#include <polis/distribution/dirichlet.hpp>
#include <polis/distribution/interval.hpp>
#include <polis/distribution/product.hpp>
#include <polis/distribution/simplex_gaussian.hpp>
#include <polis/distribution/squashed_gaussian.hpp>
#include <polis/env/roles.hpp>
#include <polis/nn/activation.hpp>
#include <polis/nn/gru.hpp>
#include <polis/nn/mlp.hpp>
#include <polis/policy/actor_critic_policy.hpp>
#include <polis/train/composition.hpp>

namespace polis {

// ---- What the library's parts are in plain data; a part of the user's own adds a specialisation

/// How the mode of the distribution `D` is read off its inputs: `static void append_to(heads)` appends a
/// HeadModel for each of its parts. Specialise it for a distribution whose mode is made of those there are.
template <class D>
struct GreedyHead;

template <int N>
struct GreedyHead<Categorical<N>> {
  static void append_to(std::vector<HeadModel>& heads) { heads.push_back({HeadKind::argmax, N, 1, {}, {}}); }
};
template <int N>
struct GreedyHead<DiagGaussian<N>> {
  static void append_to(std::vector<HeadModel>& heads) {
    heads.push_back({HeadKind::identity, N, N, {}, {}});
  }
};
template <int N>
struct GreedyHead<SimplexGaussian<N>> {
  static void append_to(std::vector<HeadModel>& heads) {
    heads.push_back({HeadKind::log_ratio_softmax, N - 1, N, {}, {}});
  }
};
template <int N>
struct GreedyHead<DirichletOn<N>> {
  static void append_to(std::vector<HeadModel>& heads) {
    heads.push_back({HeadKind::dirichlet_mean, N, N, {}, {}});
  }
};

namespace internal {

/// A head whose words lie between the bounds of a Box, (-1, 1) where it has none that are finite.
template <class S>
[[nodiscard]] HeadModel bounded_head(HeadKind kind, int inputs) {
  HeadModel head{kind, inputs, S::words, {}, {}};
  for (int i = 0; i < S::words; ++i) {
    const Interval<S, float> interval(i);
    head.low.push_back(interval.low);
    head.high.push_back(interval.high);
  }
  return head;
}

}  // namespace internal

template <class S>
struct GreedyHead<SquashedGaussianOn<S>> {
  static void append_to(std::vector<HeadModel>& heads) {
    heads.push_back(internal::bounded_head<S>(HeadKind::squash, S::words));
  }
};
template <class S>
struct GreedyHead<BetaOn<S>> {
  static void append_to(std::vector<HeadModel>& heads) {
    heads.push_back(internal::bounded_head<S>(HeadKind::beta_mean, 2 * S::words));
  }
};
template <class... D>
  requires(... && requires(std::vector<HeadModel>& heads) { GreedyHead<D>::append_to(heads); })
struct GreedyHead<Product<D...>> {
  static void append_to(std::vector<HeadModel>& heads) { (GreedyHead<D>::append_to(heads), ...); }
};

namespace internal {

template <class A>
inline constexpr bool has_activation_kind = false;
template <class A>
inline constexpr ActivationKind activation_kind = ActivationKind::none;
template <>
inline constexpr bool has_activation_kind<Tanh> = true;
template <>
inline constexpr ActivationKind activation_kind<Tanh> = ActivationKind::tanh;
template <>
inline constexpr bool has_activation_kind<Relu> = true;
template <>
inline constexpr ActivationKind activation_kind<Relu> = ActivationKind::relu;
template <>
inline constexpr bool has_activation_kind<Silu> = true;
template <>
inline constexpr ActivationKind activation_kind<Silu> = ActivationKind::silu;

/// Takes a dense layer's weights from the front of `weights`.
[[nodiscard]] inline DenseModel take_dense(std::span<const float>& weights, int inputs, int outputs,
                                           ActivationKind activation = ActivationKind::none) {
  const auto take = [&weights](std::size_t count) {
    std::vector<float> taken(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(count));
    weights = weights.subspan(count);
    return taken;
  };
  DenseModel layer{inputs, outputs, activation, {}, {}};
  layer.weight = take(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(inputs));
  layer.bias = take(static_cast<std::size_t>(outputs));
  return layer;
}

template <class Network>
struct DescribeNetwork;
/// Of any kind of dense layers: what is exported multiplies in float32.
template <template <int, int> class DenseLayer, int In, int Out, class Act, int... Widths>
  requires has_activation_kind<Act>
struct DescribeNetwork<LayeredNetwork<DenseLayer, In, Out, Act, Widths...>> {
  static void apply(std::span<const float> weights, PolicyModel& model) {
    int inputs = In;
    (model.layers.push_back(take_dense(weights, std::exchange(inputs, Widths), Widths, activation_kind<Act>)),
     ...);
    model.layers.push_back(take_dense(weights, inputs, Out));
  }
};
template <int In, int Out, int Width>
struct DescribeNetwork<GruNetwork<In, Out, Width>> {
  static void apply(std::span<const float> weights, PolicyModel& model) {
    model.gru.width = Width;
    model.gru.input = take_dense(weights, In, 3 * Width);
    model.gru.recurrent = take_dense(weights, Width, 3 * Width);
    model.layers.push_back(take_dense(weights, Width, Out));
  }
};

template <class P>
struct DescribePolicy;
template <class Actor, class Critic, class Dist, class Initialization>
  requires requires(std::span<const float> weights, PolicyModel& model) {
    DescribeNetwork<Actor>::apply(weights, model);
    GreedyHead<Dist>::append_to(model.heads);
  }
struct DescribePolicy<ActorCriticPolicy<Actor, Critic, Dist, Initialization>> {
  static void apply(const FlatParameters& weights, PolicyModel& model) {
    DescribeNetwork<Actor>::apply(weights.values(), model);
    GreedyHead<Dist>::append_to(model.heads);
  }
};

/// Makes an input that is always 1 part of the biases, and drops the `count` inputs from `first` on: those
/// that say which agent it is.
inline void fold_agent_ids(DenseModel& layer, int first, int count, int agent) {
  std::vector<float> kept;
  for (int o = 0; o < layer.outputs; ++o) {
    const auto row = layer.weight.begin() + static_cast<std::ptrdiff_t>(o) * layer.inputs;
    layer.bias[static_cast<std::size_t>(o)] += row[first + agent];
    kept.insert(kept.end(), row, row + first);
    kept.insert(kept.end(), row + first + count, row + layer.inputs);
  }
  layer.weight = kept;
  layer.inputs -= count;
}

// ---- Spaces

template <class S>
struct DescribeSpace {
  static void append_categories(std::vector<int>& categories) {
    for (int i = 0; i < S::words; ++i) {
      if constexpr (S::kind == SpaceKind::discrete) {
        categories.push_back(S::size);
      } else if constexpr (S::kind == SpaceKind::multi_discrete) {
        categories.push_back(S::sizes[i]);
      } else {
        categories.push_back(0);
      }
    }
  }
  static ActionModel action() {
    ActionModel action{S::kind, S::words, {}, {}, {}, {}};
    if constexpr (S::kind == SpaceKind::discrete || S::kind == SpaceKind::multi_discrete)
      append_categories(action.sizes);
    if constexpr (BoundedSpace<S>) {
      for (int i = 0; i < S::words; ++i) {
        action.low.push_back(bound_at(S::low, i));
        action.high.push_back(bound_at(S::high, i));
      }
    }
    return action;
  }
};
template <class... S>
struct DescribeSpace<Tuple<S...>> {
  static void append_categories(std::vector<int>& categories) {
    (DescribeSpace<S>::append_categories(categories), ...);
  }
  static ActionModel action() {
    return {SpaceKind::tuple, Tuple<S...>::words, {}, {}, {}, {DescribeSpace<S>::action()...}};
  }
};

// ---- Sets of weights

/// f(set) for every set of weights of a learner: of an actor-critic one, or of several side by side.
template <class E, class Learner, class F>
void for_each_set(Learner& learner, F&& f) {
  if constexpr (requires { learner.template agents<0>(); }) {
    [&]<std::size_t... R>(std::index_sequence<R...>) {
      const auto each = [&f](auto& sets) {
        for (auto& set : sets) f(set);
      };
      (each(learner.template agents<static_cast<int>(R)>()), ...);
    }(std::make_index_sequence<std::tuple_size_v<typename Learner::Memory>>{});
  } else {
    [&]<int... R>(std::integer_sequence<int, R...>) {
      (for_each_set<E>(learner.of(typename RoleOf<E, R>::Tag{}), f), ...);
    }(std::make_integer_sequence<int, role_count<E>>{});
  }
}

/// Whether a learner is made of sets of weights, which for_each_set finds.
template <class E, class Learner>
constexpr bool has_sets() {
  if constexpr (requires(const Learner& learner) { learner.template agents<0>(); }) {
    return true;
  } else if constexpr (requires(const Learner& learner) { learner.of(typename RoleOf<E, 0>::Tag{}); }) {
    return []<int... R>(std::integer_sequence<int, R...>) {
      return (... && has_sets<E, std::remove_cvref_t<decltype(std::declval<const Learner&>().of(
                                     typename RoleOf<E, R>::Tag{}))>>());
    }(std::make_integer_sequence<int, role_count<E>>{});
  } else {
    return false;
  }
}

template <class Set>
inline constexpr bool is_described = requires(const Set& set, PolicyModel& model) {
  DescribePolicy<typename Set::Policy>::apply(set.weights(), model);
};

/// Whether all sets of weights of a learner can be described.
template <class E, class Learner>
constexpr bool all_described() {
  if constexpr (!has_sets<E, Learner>()) {
    return false;
  } else if constexpr (requires(const Learner& learner) { learner.template agents<0>(); }) {
    return []<std::size_t... R>(std::index_sequence<R...>) {
      return (... &&
              is_described<std::remove_cvref_t<
                  decltype(std::declval<const Learner&>().template agents<static_cast<int>(R)>().front())>>);
    }(std::make_index_sequence<std::tuple_size_v<typename Learner::Memory>>{});
  } else {
    return []<int... R>(std::integer_sequence<int, R...>) {
      return (... && all_described<E, std::remove_cvref_t<decltype(std::declval<const Learner&>().of(
                                          typename RoleOf<E, R>::Tag{}))>>());
    }(std::make_integer_sequence<int, role_count<E>>{});
  }
}

/// The role and the number within it of an agent of E.
struct AgentName {
  std::string role;
  int index = 0, count = 0;
};
template <class E>
[[nodiscard]] AgentName agent_name(int agent) {
  AgentName name;
  [&]<int... R>(std::integer_sequence<int, R...>) {
    const auto look = [&]<int Number>(std::integral_constant<int, Number>) {
      using Role = RoleOf<E, Number>;
      const int index = agent - first_agent<E, Number>;
      if (index < 0 || index >= Role::count) return;
      name = {std::string(unqualified_name<typename Role::Tag>()), index, Role::count};
    };
    (look(std::integral_constant<int, R>{}), ...);
  }(std::make_integer_sequence<int, role_count<E>>{});
  return name;
}

}  // namespace internal

/// Every network and distribution of the trainer's policies is one that exports know: the library's own, or
/// one whose GreedyHead says how its mode is read off the outputs. A policy with an opponent model is no
/// chain of layers, and its weights alone can be exported (deploy/weights.hpp).
template <class T>
concept PolicyCanBeExported =
    internal::all_described<typename T::Environment, typename T::Learner>() || internal::refused;

/// The policy by which an agent plays greedily. Error: there is no agent of that number.
template <class T>
  requires PolicyCanBeExported<T>
[[nodiscard, gnu::cold]] PolicyModel describe_policy(const T& trainer, int agent = 0) {
  using E = typename T::Environment;
  if (agent < 0 || agent >= agent_count<E>) {
    throw Error("there is no agent " + std::to_string(agent), T::name(),
                "one of 0 to " + std::to_string(agent_count<E> - 1));
  }
  PolicyModel model;
  model.composition = T::name();
  model.role = internal::agent_name<E>(agent).role;
  internal::for_each_set<E>(trainer.learner(), [&]<class Set>(const Set& set) {
    const std::vector<int>& agents = set.agents();
    if (std::find(agents.begin(), agents.end(), agent) == agents.end()) return;
    model.agents = agents;
    model.masked = Set::mask_size > 0;
    internal::DescribeSpace<typename Set::Observation>::append_categories(model.categories);
    model.action = internal::DescribeSpace<typename Set::Action>::action();
    if constexpr (requires { set.observation_state().mean(); }) {
      model.mean = set.observation_state().mean();
      model.inverse_deviation = set.observation_state().inverse_deviation();
      model.clip = set.observation_state().clip();
    }
    internal::DescribePolicy<typename Set::Policy>::apply(set.weights(), model);
    if constexpr (requires { requires(Set::Parts::ids > 0); }) {
      model.agents = {agent};
      internal::fold_agent_ids(model.recurrent() ? model.gru.input : model.layers.front(),
                               Set::Observation::features, Set::Parts::ids, agent);
    }
  });
  return model;
}

}  // namespace polis
