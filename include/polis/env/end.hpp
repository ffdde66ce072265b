// Whether a step ended an agent's episode, and how: the distinction on which every estimator of returns
// rests.
#pragma once

#include <cstdint>

namespace polis {

/// How a step ended an agent's episode.
enum class End : std::uint8_t {
  none,        ///< the episode goes on
  terminated,  ///< the environment's own end: nothing follows, the value there is zero
  truncated,   ///< cut from outside (a time limit): the return would have gone on, and is bootstrapped
};

}  // namespace polis
