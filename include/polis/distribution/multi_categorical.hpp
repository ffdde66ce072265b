// One index of each of several sets, independent given the observation: the actions of a MultiDiscrete space.
#pragma once

#include <polis/distribution/categorical.hpp>
#include <polis/distribution/product.hpp>

namespace polis {

/// The Product of a Categorical for each part. Logits and legality flags are those of the parts, one after
/// the other: N_1 + N_2 + ... of each.
template <int... N>
using MultiCategorical = Product<Categorical<N>...>;

}  // namespace polis
