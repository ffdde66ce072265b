// VDN: value decomposition networks (Sunehag et al. 2018): Q_tot is the sum of the agents' values.
#pragma once

#include <polis/mixer/mixer.hpp>

namespace polis {

/// The word: Q_tot = Q_1 + ... + Q_n.
struct Vdn {
  using word = word::Mixer;
  static constexpr bool joint = true, needs_state = false;
  template <int Agents, int StateFeatures>
  using mixer = SumMixer<Agents>;
};

}  // namespace polis
