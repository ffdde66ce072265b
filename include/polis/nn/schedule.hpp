// Values that change over a run: learning rates, exploration, entropy weights.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include <polis/core/math.hpp>
#include <polis/core/platform.hpp>

namespace polis {

enum class ScheduleKind { constant, linear, cosine };

/// Names in settings, in the order of the enumerators.
constexpr std::array<std::string_view, 3> enum_names(ScheduleKind) {
  return {"constant", "linear", "cosine"};
}

/// From `start` at progress 0 to `end` at progress 1: not at all, on a line, or on half a cosine (Loshchilov
/// and Hutter 2017, SGDR, without restarts).
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  float start = 1;
  float end = 0;

  static constexpr void fields(auto& self, auto&& visit) {
    visit("kind", self.kind);
    visit("start", self.start);
    visit("end", self.end);
  }

  /// The value at `progress`, held to [0, 1].
  [[nodiscard]] POLIS_HD float operator()(double progress) const {
    if (kind == ScheduleKind::constant) return start;
    const float t = static_cast<float>(progress < 0 ? 0 : progress > 1 ? 1 : progress);
    if (t == 0) return start;
    if (t == 1) return end;
    const float left = kind == ScheduleKind::linear ? 1 - t : .5f * (1 + math::cos(3.14159265f * t));
    return end + (start - end) * left;
  }
};

}  // namespace polis
