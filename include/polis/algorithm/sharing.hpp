// Who shares weights with whom.
#pragma once

#include <polis/core/word.hpp>

namespace polis {

/// One set of weights for every agent of every role; the roles' spaces must be the same.
struct SharedParameters {
  using word = word::Sharing;
};
/// One set of weights for the agents of each role.
struct PerRoleParameters {
  using word = word::Sharing;
};
/// One set of weights for each agent.
struct SeparateParameters {
  using word = word::Sharing;
};

}  // namespace polis
