// The named components of rewards, for words that weigh them or hold them to a limit.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <polis/core/array.hpp>
#include <polis/core/error.hpp>
#include <polis/core/text.hpp>
#include <polis/env/hints.hpp>

namespace polis::internal {

/// The names of an agent's components, for errors: "profit, risk".
template <HasRewardComponents E>
[[gnu::cold]] std::string component_names(int agent) {
  std::string names;
  const E env{};
  env.reward_components(agent, [&names](const char* name, float) {
    if (!names.empty()) names += ", ";
    names += name;
  });
  return names;
}

/// The place of a component among the agent's. Error: there is none of that name.
template <HasRewardComponents E>
[[gnu::cold]] int component_index(int agent, std::string_view wanted, const char* key) {
  int found = -1, at = 0;
  const E env{};
  env.reward_components(agent, [&](const char* name, float) {
    if (wanted == name) found = at;
    ++at;
  });
  if (found < 0) {
    throw Error(concat({"found '", wanted, "', which is no component of agent ", agent}), key,
                component_names<E>(agent));
  }
  return found;
}

/// The component at that place among the agent's, of the last step.
template <HasRewardComponents E>
float component(const E& env, int agent, int place) {
  float found = 0;
  int at = 0;
  env.reward_components(agent, [&](const char*, float value) {
    if (at++ == place) found = value;
  });
  return found;
}

}  // namespace polis::internal
