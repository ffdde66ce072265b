// The weights of a trainer to a safetensors file and back: to look at and change them elsewhere, and to start
// from them again. (To go on with a run there are checkpoints, which keep all the rest.)
//
// Arrays are named by whose they are and by the network's layout: "Agent.actor.0.weight" [out, in]. The
// statistics of normalised observations are "Agent.observations.mean", ".variance" and ".count" in double
// precision. Metadata: the trainer's "composition" and its "settings".
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/core/fields.hpp>
#include <polis/deploy/describe.hpp>
#include <polis/deploy/safetensors.hpp>
#include <polis/nn/layout.hpp>
#include <polis/normalization/moments.hpp>

namespace polis {

/// The trainer's learner is made of sets of weights: an actor-critic sentence, or several side by side.
template <class T>
concept WeightsCanBeExported =
    internal::has_sets<typename T::Environment, typename T::Learner>() || internal::refused;

namespace internal {

/// "Buyer." for the weights of a whole role, "Buyer.1." for those of one agent of several, "shared." for
/// those of several roles.
template <class E>
[[nodiscard]] std::string set_prefix(const std::vector<int>& agents) {
  const AgentName first = agent_name<E>(agents.front()), last = agent_name<E>(agents.back());
  if (first.role != last.role) return "shared.";
  const bool whole = static_cast<int>(agents.size()) == first.count;
  return first.role + (whole ? "." : '.' + std::to_string(first.index) + '.');
}

[[nodiscard]] inline std::vector<std::size_t> shape_of(const Block& block) {
  const auto rows = static_cast<std::size_t>(block.rows), columns = static_cast<std::size_t>(block.columns);
  if (block.kind == BlockKind::bias || block.kind == BlockKind::free) return {rows * columns};
  return {rows, columns};
}

/// The statistics of a set's observations, as arrays; none where they are not normalised.
template <class Set>
void add_statistics(const Set& set, const std::string& prefix, std::map<std::string, Tensor>& tensors) {
  if constexpr (requires { set.observation_state().moments(); }) {
    const RunningMoments& moments = set.observation_state().moments();
    const std::size_t features = set.observation_state().mean().size();
    std::vector<double> mean(features), variance(features);
    for (std::size_t f = 0; f < features; ++f) {
      mean[f] = moments.mean(static_cast<int>(f));
      variance[f] = moments.variance(static_cast<int>(f));
    }
    const double count = moments.count();
    const auto add = [&](const char* name, std::span<const double> values) {
      tensors.emplace(prefix + "observations." + name, Tensor::of(values, {values.size()}));
    };
    add("mean", mean), add("variance", variance), add("count", {&count, 1});
  }
}

/// Error: `found` is not an array for each of `wanted`, of its type and shape, and nothing else.
[[gnu::cold]] inline void check_same_arrays(const std::map<std::string, Tensor>& found,
                                            const std::map<std::string, Tensor>& wanted,
                                            const std::string& path, const std::string& composition) {
  for (const auto& [name, tensor] : wanted) {
    const auto at = found.find(name);
    if (at == found.end())
      throw Error("there is no '" + name + '\'', path,
                  tensor.description() + ", as " + composition + " has it");
    if (at->second.type != tensor.type || at->second.shape != tensor.shape)
      throw Error("'" + name + "' is " + at->second.description(), path,
                  tensor.description() + ", as " + composition + " has it");
  }
  for (const auto& [name, tensor] : found) {
    if (!wanted.contains(name)) throw Error("found '" + name + '\'', path, "the arrays of " + composition);
  }
}

}  // namespace internal

/// All weights and statistics of observations of a trainer, by name.
template <class T>
  requires WeightsCanBeExported<T>
[[nodiscard, gnu::cold]] SafeTensors trained_tensors(const T& trainer) {
  using E = typename T::Environment;
  SafeTensors contents;
  contents.metadata = {
      {"producer", "polis"}, {"composition", T::name()}, {"settings", to_text(trainer.config())}};
  internal::for_each_set<E>(trainer.learner(), [&](const auto& set) {
    const std::string prefix = internal::set_prefix<E>(set.agents());
    auto weights = set.weights();
    weights.for_each_block([&](const Block& block, std::size_t, std::span<const float> values) {
      contents.tensors.emplace(prefix + block.name, Tensor::of(values, internal::shape_of(block)));
    });
    internal::add_statistics(set, prefix, contents.tensors);
  });
  return contents;
}

/// Writes the trainer's weights and statistics to a safetensors file. Error: it cannot be written.
template <class T>
  requires WeightsCanBeExported<T>
[[gnu::cold]] void export_safetensors(const T& trainer, const std::string& path) {
  write_safetensors(path, trained_tensors(trainer));
}

/// Gives the trainer the weights and statistics of a safetensors file; it acts from now on as the one that
/// they were exported from. Error: what read_safetensors says; a file of another composition (a file that
/// names none is judged by its arrays); arrays that are missing, foreign, or of another shape. Then nothing
/// changes.
template <class T>
  requires WeightsCanBeExported<T>
[[gnu::cold]] void import_safetensors(T& trainer, const std::string& path) {
  using E = typename T::Environment;
  const SafeTensors contents = read_safetensors(path);
  const auto composition = contents.metadata.find("composition");
  if (composition != contents.metadata.end() && composition->second != T::name())
    throw Error("these are weights of " + composition->second, path, "weights of " + T::name());
  internal::check_same_arrays(contents.tensors, trained_tensors(trainer).tensors, path, T::name());
  internal::for_each_set<E>(trainer.learner(), [&](auto& set) {
    const std::string prefix = internal::set_prefix<E>(set.agents());
    set.weights().for_each_block([&](const Block& block, std::size_t, std::span<float> values) {
      contents.tensors.at(prefix + block.name).copy_to(values);
    });
    if constexpr (requires { set.observation_state().moments(); }) {
      const auto read = [&](const char* name) {
        const Tensor& tensor = contents.tensors.at(prefix + "observations." + name);
        std::vector<double> values(tensor.bytes.size() / sizeof(double));
        tensor.copy_to(std::span(values));
        return values;
      };
      set.observation_state().restore(RunningMoments(read("count").front(), read("mean"), read("variance")));
    }
  });
}

}  // namespace polis
