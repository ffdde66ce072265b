// export_header: a trained policy as one C++17 header that needs nothing but the standard library.
//
// It computes in the order and with the tanh of the library (core/math.hpp), so that its actions are those of
// `Play::greedy`, but one observation at a time. Weights are stored [inputs][outputs]: each output's sum runs
// over the inputs in their order, and neighbouring outputs share a register.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <polis/core/error.hpp>
#include <polis/deploy/describe.hpp>
#include <polis/deploy/header_writer.hpp>
#include <polis/deploy/model.hpp>
#include <polis/io/text_file.hpp>

namespace polis {

namespace internal {

/// Error: not a name of a C++ namespace, `a::b` included.
inline void check_namespace(const std::string& name) {
  bool begins = true, good = !name.empty() && name.back() != ':';
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    const bool colons = c == ':' && !begins && name[i + 1 < name.size() ? i + 1 : i] == ':';
    good = good && (letter || (digit && !begins) || colons);
    if (colons) ++i;
    begins = colons;
  }
  if (!good) throw Error("found '" + name + '\'', "ExportOptions::name", "a name of a C++ namespace");
}

/// Error: a weight that is not finite, which no literal stands for.
inline void check_finite(const PolicyModel& model) {
  const auto check = [&model](const std::vector<float>& values) {
    for (const float value : values) {
      if (!std::isfinite(value))
        throw Error("a weight is not finite", model.composition, "a policy whose training went well");
    }
  };
  check(model.mean), check(model.inverse_deviation);
  check(model.gru.input.weight), check(model.gru.input.bias);
  check(model.gru.recurrent.weight), check(model.gru.recurrent.bias);
  for (const DenseModel& layer : model.layers) check(layer.weight), check(layer.bias);
}

}  // namespace internal

/// The text of the header of a policy. Errors: those of export_header.
[[nodiscard, gnu::cold]] inline std::string header_text(const PolicyModel& model,
                                                        const std::string& name = "policy") {
  internal::check_namespace(name);
  internal::check_finite(model);
  return internal::HeaderWriter(model, name).write();
}

/// Writes the policy of one of the trainer's agents as a C++17 header that includes <array> and <cmath>
/// alone: `act(observation)`, the greedy action as the environment receives it, in namespace `options.name`;
/// with `State&` behind the observation where the policy is recurrent, and `const Legal&` where the
/// environment says which actions are legal. Error: no such agent, no such name, weights that are not finite,
/// a file that cannot be written.
template <class T>
  requires PolicyCanBeExported<T>
[[gnu::cold]] void export_header(const T& trainer, const std::string& path,
                                 const ExportOptions& options = {}) {
  write_text_file(path, header_text(describe_policy(trainer, options.agent), options.name));
}

}  // namespace polis
