// Words that all supply chains have in common.
#pragma once

#include <array>

#include <polis/space/space.hpp>

namespace polis {

/// What becomes of demand that is not met from stock.
enum class Unmet { backlog, lost };
constexpr auto enum_names(Unmet) { return std::array{"backlog", "lost"}; }

/// Orders of any size up to a largest.
template <int Largest>
struct AnyOrder : Box<1> {
  static constexpr float low = 0, high = Largest;
};

}  // namespace polis
